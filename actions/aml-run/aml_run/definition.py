"""Which file defines the job, and what kind of file it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from aml_actions.errors import ActionError, InvalidSettings
from aml_run import files, pipeline_v1, runconfig, yaml_text
from aml_run.job_yaml import job_yaml
from aml_run.parameters import RunParameters
from aml_run.pipeline_yaml import pipeline_yaml
from aml_run.report import Report
from aml_run.translate import translate

ANCHOR = "docs/troubleshooting.md#what-to-run"
LEGACY_ORDER = ("runconfig_yaml_file", "pipeline_yaml_file", "runconfig_python_file")
"""The order in which the legacy action tried its keys; the first one that loaded won."""
_V2_TYPES = frozenset({"command", "sweep", "pipeline", "parallel", "spark", "automl", "import", "finetuning"})
_NAMES = {"runconfig": "a run configuration of SDK v1", "pipeline": "a pipeline of SDK v1"}
_KEY_OF = {"runconfig": "runconfig_yaml_file", "pipeline": "pipeline_yaml_file"}

Kind = Literal["v2", "runconfig", "pipeline", "python"]
"""v2: a job YAML of SDK v2. runconfig, pipeline: YAML of SDK v1. python: a file with a function that returns the job."""
Warn = Callable[[ActionError], None]


@dataclass(frozen=True)
class Definition:
    """The file that says what to run.

    Attributes:
        kind: see `Kind`.
        file: absolute path.
        name: path as people know it, relative to the repository.
        document: content, every value as text; None for a Python file.
        key: of the parameters file, which names the file or has it as its default.

    """

    kind: Kind
    file: Path
    name: str
    document: Mapping[str, Any] | None
    key: str

    @property
    def root(self) -> Path:
        """The root of the repository."""
        return self.file.parents[len(Path(self.name).parts) - 1]

    @property
    def content(self) -> Mapping[str, Any]:
        """The document; nothing for a Python file."""
        return self.document or {}


@dataclass(frozen=True)
class Translated:
    """A file of SDK v1 as a v2 job YAML.

    Attributes:
        text: the YAML.
        name: of the file that it was made from.
        folder: what its paths are relative to.
        notes: texts about keys that change nothing.
        warnings: texts about what runs all the same, but not as it stands there.

    """

    text: str
    name: str
    folder: Path
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def _unheard(warning: ActionError) -> None:
    """Take a warning that the check of the step has told already."""


def choose(
    parameters: RunParameters, workspace: Path, warn: Warn = _unheard, *, parameters_file: str = ""
) -> Definition:
    """Return the job's definition. A key that the user set wins; without one it is the first legacy default that exists.

    Several legacy keys keep their legacy order among the files that exist. A mistake in the file that is chosen is an error:
    the next one is never taken instead.

    Args:
        parameters: of the step.
        workspace: folder of the checked-out repository.
        warn: is told what is accepted, but not as it stands there; by default nobody, since the check has told it.
        parameters_file: its shown path, for messages.

    Raises:
        ActionError: ``job_file`` stands beside a legacy key, there is no file, or it is of none of the formats.

    """
    place = _Place(workspace, warn, parameters_file or None)
    key, path = _named(parameters, place)
    file = place.locate(key, path)
    if not files.is_file(file):
        raise _missing(place, key, path)
    name = file.relative_to(workspace.resolve()).as_posix()
    if key == "runconfig_python_file":
        if file.suffix in (".yml", ".yaml"):
            raise place.error(
                key,
                f"{key} names {name}, which is YAML and not Python.",
                fix="name a v2 job with job_file, a file of SDK v1 with runconfig_yaml_file or pipeline_yaml_file",
            )
        return Definition("python", file, name, None, key)
    if file.suffix == ".py":
        raise place.error(key, f"{key} names {name}, which is a Python file.", fix="name it with runconfig_python_file")
    document = yaml_text.load(file, name)
    if not isinstance(document, dict):
        raise _unknown_format(name, "it holds no keys")
    kind = _kind(document, name)
    if kind != "v2" and key != _KEY_OF[kind]:
        said = f"{name}, which {key} names, is {_NAMES[kind]}"
        if key == "job_file":
            raise place.error(key, f"{said}, not a v2 job YAML.", fix=f"name it with {_KEY_OF[kind]} instead")
        warn(place.error(key, f"{said}; it is run as one.", fix=f"name it with {_KEY_OF[kind]} instead"))
    return Definition(kind, file, name, document, key)


def translated(chosen: Definition, parameters: RunParameters, temp: Path) -> Translated:
    """Return a run configuration or a pipeline of SDK v1 as a v2 job YAML.

    Args:
        chosen: of kind ``runconfig`` or ``pipeline``.
        parameters: of the step.
        temp: folder for what the YAML refers to and the repository does not hold, such as a Dockerfile.

    Raises:
        ActionError: the file holds something that has no v2 meaning, or a mistake.
        InvalidSettings: several of them, all at once.

    """
    if chosen.kind == "pipeline":
        report = Report(chosen.name, pipeline_v1.ANCHOR)
        pipeline = pipeline_v1.translate(chosen.content, chosen.root, report)
        text, folder = pipeline_yaml(pipeline, chosen.root, temp), chosen.root
    else:
        report = config = runconfig.read(chosen.content, chosen.file, chosen.name)
        settings = translate(config)
        text, folder = job_yaml(settings, temp), settings.code
    return Translated(text, chosen.name, folder, tuple(report.notes), tuple(report.warnings))


def examined(chosen: Definition) -> Report:
    """Return what is said of a run configuration or a pipeline of SDK v1, without making anything of it.

    Raises:
        ActionError: a file that it names is no YAML.

    """
    if chosen.kind == "pipeline":
        report = Report(chosen.name, pipeline_v1.ANCHOR)
        with suppress(InvalidSettings):  # the report holds them
            pipeline_v1.translate(chosen.content, chosen.root, report)
        return report
    config = runconfig.read(chosen.content, chosen.file, chosen.name)
    with suppress(InvalidSettings):
        translate(config)
    return config


@dataclass(frozen=True)
class _Place:
    """Where paths come from and lead to, and who hears about them."""

    workspace: Path
    warn: Warn
    parameters_file: str | None

    def error(
        self, key: str, what: str, *, value: str | None = None, allowed: str | None = None, fix: str | None = None
    ) -> ActionError:
        """Return a finding about a key of the parameters file."""
        return ActionError(
            what, value=value, allowed=allowed, fix=fix, anchor=ANCHOR, file=self.parameters_file, key=key
        )

    def exists(self, path: str) -> bool:
        """Tell whether a path leads to a file of the repository, without a word about it."""
        found = files.inside(self.workspace, path)
        return found is not None and files.is_file(found)

    def locate(self, key: str, path: str) -> Path:
        """Return the absolute path of a file of the repository.

        Legacy repositories hold paths such as ``/pipelines/train.yml``, which were meant from the root of the repository.

        Raises:
            ActionError: the path leads out of the repository.

        """
        file = files.inside(self.workspace, path)
        if file is None:
            raise self.error(
                key,
                f"The file that {key} names lies outside the repository.",
                value=path,
                allowed="a path from the root of the repository",
            )
        if path.startswith("/") and not Path(path).is_relative_to(self.workspace.resolve()):
            relative = path.lstrip("/")
            self.warn(
                self.error(key, f"The path {path} is taken from the root of the repository.", fix=f"write {relative}")
            )
        return file


def _named(parameters: RunParameters, place: _Place) -> tuple[str, str]:
    """Return the key that decides, and its path."""
    paths = {"job_file": parameters.job_file or "", **{key: _path(parameters, key) for key in LEGACY_ORDER}}
    named = [key for key in paths if key in parameters.model_fields_set and paths[key]]
    if "job_file" in named and len(named) > 1:
        others = named[1:]
        raise place.error(
            "job_file",
            f"Both job_file and {' and '.join(others)} are set; a step runs one job.",
            value=", ".join(paths[key] for key in named),
            fix="remove all but one of them from the parameters file",
        )
    if len(named) == 1:
        return named[0], paths[named[0]]
    there = [key for key in named or LEGACY_ORDER if place.exists(paths[key])]
    if not there:
        raise _nothing(place, {key: paths[key] for key in named or LEGACY_ORDER}, by_default=not named)
    key = there[0]
    if named:
        others = [f"{other} ({paths[other]})" for other in named if other != key]
        place.warn(
            place.error(
                key,
                f"{' and '.join(named)} are set; {key} decides, since {paths[key]} is the first of them that exists.",
                value="not run: " + ", ".join(others),
                fix="keep the key of the file that is meant",
            )
        )
    return key, paths[key]


def _path(parameters: RunParameters, key: str) -> str:
    path = str(getattr(parameters, key))
    is_module = key == "runconfig_python_file" and not path.endswith((".py", ".yml", ".yaml"))
    return path + ".py" if is_module else path


def _kind(document: Mapping[str, Any], name: str) -> Kind:
    if (
        "$schema" in document
        or str(document.get("type")) in _V2_TYPES
        or "jobs" in document
        or _is_bare_command(document)
    ):
        return "v2"
    if "pipeline" in document:
        return "pipeline"
    if runconfig.is_title_case(document):
        raise _unknown_format(
            name,
            "it is a run configuration in the format before 2019 (ArgumentVector, Target, ...)",
            fix="write it anew as a v2 job YAML and name it with job_file",
        )
    if not runconfig.is_run_config(document):
        keys = ", ".join(list(map(str, document))[:8])
        raise _unknown_format(name, f"its keys are those of no such file: {keys}")
    return "runconfig"


def _is_bare_command(document: Mapping[str, Any]) -> bool:
    """Tell a v2 command job without ``$schema`` and ``type``: v1 has no key ``compute``, and its target is one."""
    return "command" in document and "compute" in document and "target" not in document


def _missing(place: _Place, key: str, path: str) -> ActionError:
    return place.error(
        key,
        f"The file that {key} names does not exist.",
        value=path,
        allowed="a path from the root of the repository",
        fix="correct the path; names are case-sensitive",
    )


def _nothing(place: _Place, paths: Mapping[str, str], *, by_default: bool) -> ActionError:
    if not by_default:
        first = next(iter(paths))
        return place.error(
            first,
            "None of the files that the parameters file names exists.",
            value=", ".join(f"{key}: {path}" for key, path in paths.items()),
            allowed="paths from the root of the repository",
            fix="correct the path of the one that is meant; names are case-sensitive",
        )
    return ActionError(
        "There is nothing to run.",
        value=f"none of {', '.join(paths.values())}, and the parameters file names no file",
        cause="the repository is not checked out, or the file lies elsewhere",
        fix="name a v2 job YAML with job_file, or a file of SDK v1 with " + ", ".join(LEGACY_ORDER),
        anchor=ANCHOR,
        file=place.parameters_file,
    )


def _unknown_format(name: str, reason: str, fix: str | None = None) -> ActionError:
    return ActionError(
        f"{name} cannot be run: {reason}.",
        allowed="a v2 job YAML (with $schema or type), a v1 run configuration (with script and target), or a v1 pipeline (with pipeline)",
        fix=fix,
        anchor=ANCHOR,
        file=name,
    )
