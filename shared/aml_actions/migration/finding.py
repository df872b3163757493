"""Going through a repository: workflows first, then what their steps name."""

from __future__ import annotations

from collections.abc import Sequence

from aml_actions.documents import YAML_SUFFIXES
from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.migration import environments, workflow_files, workflows
from aml_actions.migration.changes import Decision, Migration, MigrationSource, ParametersFile
from aml_actions.migration.repository import Repository
from aml_actions.migration.workflow_files import Value, WorkflowStep
from aml_actions.parameters import nearest
from aml_actions.settings import FOLDER, check_settings
from aml_actions.spec import ActionSpec

_LONGEST_NAME = 100
"""Characters of a name in a message."""
_LONGEST_REASON = 500
"""Characters of an error of the system or of a library in a message."""


def find(repository: Repository, specs: Sequence[ActionSpec], target: str) -> Migration:
    """Return everything that changes in a repository, and everything that a person must decide.

    Args:
        repository: what moves over.
        specs: the actions.
        target: ``OWNER/REPO@REF`` of the new actions.
    """
    found = Migration()
    files = workflow_files.read_all(repository)
    said = workflows.migrate(files, specs, target)
    found.extend([said.migration])
    for spec in specs:
        steps = said.steps.get(spec.name, ())
        settings, problems = _parameters_files(repository, spec, steps)
        found.extend([problems])
        source = MigrationSource(spec, repository, settings, steps, said.outputs.get(spec.name, ()))
        found.extend([_own_part(spec, source)])
    found.extend([environments.migrate(repository, found.environments)])
    return found


def _own_part(spec: ActionSpec, source: MigrationSource) -> Migration:
    """Return what the action's own part finds; files that it cannot cope with end that part, not the command."""
    try:
        return spec.run_migrate(source)
    except (ActionError, OSError, ValueError, RuntimeError) as error:
        reason = error.what if isinstance(error, ActionError) else f"{type(error).__name__}: {error}"
        decision = Decision(
            FOLDER.as_posix(),
            None,
            f"The files of {spec.name} could not be looked at: {reason[:_LONGEST_REASON]}",
            "They are not migrated.",
            ("Check them with `python -m aml_actions validate`.",),
        )
        return Migration(decisions=[decision])


def _parameters_files(
    repository: Repository, spec: ActionSpec, steps: Sequence[WorkflowStep]
) -> tuple[tuple[ParametersFile, ...], Migration]:
    """Return the parameters files of an action that can be read, and what is wrong with them."""
    problems = Migration()
    named: dict[str, Value | None] = {}
    for step in steps:
        given = step.inputs.get("parameters_file")
        if given is None or not given.text.strip():
            named.setdefault(spec.parameters_file, None)
        elif "${{" in given.text:
            problems.decisions.append(_by_expression(spec, step, given, repository))
        else:
            named.setdefault(given.text.strip(), given)
    if repository.exists(_path(repository, spec, spec.parameters_file) or ""):
        named.setdefault(spec.parameters_file, None)
    files = {}
    for name in named:
        path = _path(repository, spec, name)
        findings = Findings()
        try:
            sets = check_settings(spec, name, repository.root, findings)
        except (OSError, ValueError, RuntimeError):  # a name that no file can have; links that lead in a circle
            sets = ()
            findings.error(
                ActionError(f"The parameters file of {spec.name} cannot be read.", value=name[:_LONGEST_NAME])
            )
        for error in findings.errors:
            problems.decisions += Decision.from_errors(error, path or FOLDER.as_posix())
        if path is not None and sets:
            files[path] = ParametersFile(path, repository.read(path), sets)
    return tuple(files.values()), problems


def _path(repository: Repository, spec: ActionSpec, name: str) -> str | None:
    """Return where a parameters file lies; the default one may be YAML."""
    given = repository.real_path(f"{FOLDER.as_posix()}/{name}")
    if given is None or name != spec.parameters_file or repository.exists(given):
        return given
    in_yaml = (given.removesuffix(".json") + suffix for suffix in YAML_SUFFIXES)
    return next((path for path in in_yaml if repository.read(path) is not None), given)


def _by_expression(spec: ActionSpec, step: WorkflowStep, given: Value, repository: Repository) -> Decision:
    there = [path.rsplit("/", 1)[-1] for path in repository.names(FOLDER.as_posix())]
    near = nearest(spec.parameters_file, there)
    return Decision(
        step.file,
        given.line,
        f"The parameters file is an expression: `{given.text}`. Its value is not known here.",
        "The files that it can mean are not migrated.",
        (
            "Check them with `python -m aml_actions validate`.",
            *((f"Is {spec.parameters_file} one of them? {near[0].upper()}{near[1:]}",) if near else ()),
        ),
    )
