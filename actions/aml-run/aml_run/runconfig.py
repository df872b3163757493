"""Reading a v1 run configuration: its keys sorted into used, noted, warned and refused ones."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aml_run import files, yaml_text
from aml_run.report import Report, as_text
from aml_run.runconfig_keys import RULES, SECTIONS, TITLE_CASE, Rule

ANCHOR = "docs/troubleshooting.md#v1-run-configuration"


@dataclass
class RunConfig(Report):
    """A v1 run configuration.

    Attributes:
        folder: the folder that holds it; its own paths are relative to this one.
        values: the keys that are used and set, by their full path; text, lists and mappings of text.

    """

    folder: Path
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def source_directory(self) -> Path:
        """The folder that becomes the code snapshot: the file's own, or the one above ``.azureml`` and ``aml_config``."""
        return self.folder.parent if self.folder.name in (".azureml", "aml_config") else self.folder

    def text(self, key: str, default: str = "") -> str:
        """Return a value that is one text; a list or mapping in its place is a problem."""
        value = self.values.get(key, default)
        if isinstance(value, str):
            return value
        self.problem(f"`{key}` must be one value.", value=as_text(value), key=key)
        return default

    def whole(self, key: str, default: int) -> int:
        """Return a value that is a whole number of at least 1."""
        text = self.text(key, str(default))
        if re.fullmatch(r"\+?0*[1-9][0-9]{0,8}", text):
            return int(text)
        self.problem(f"`{key}` is not a whole number of at least 1.", value=text, key=key)
        return default

    def flag(self, key: str) -> bool:
        """Return a value that is true or false; not set is false."""
        text = self.text(key, "false").lower()
        if text not in ("true", "false"):
            self.problem(f"`{key}` is neither true nor false.", value=text, key=key)
        return text == "true"

    def texts(self, key: str) -> list[str]:
        """Return a list of texts; one text is a list of one."""
        value = self.values.get(key, [])
        items = value if isinstance(value, list) else [value]
        if all(isinstance(item, str) for item in items):
            return items
        self.problem(f"`{key}` must be a list of values, none of them empty.", value=as_text(value), key=key)
        return []

    def mapping(self, key: str) -> dict[str, str]:
        """Return a mapping from names to texts; a name without a value has the empty text."""
        value = self.values.get(key, {})
        if isinstance(value, dict) and all(item is None or isinstance(item, str) for item in value.values()):
            return {str(name): item or "" for name, item in value.items()}
        self.problem(f"`{key}` must hold names, each with one value.", value=as_text(value), key=key)
        return {}


def is_title_case(document: Mapping[str, Any]) -> bool:
    """Tell the format before 2019 (``ArgumentVector``, ``Target``, ...) by its keys."""
    return bool(TITLE_CASE & document.keys())


def is_run_config(document: Mapping[str, Any]) -> bool:
    """Tell a v1 run configuration from other YAML: it has a key that only it has, under either spelling."""
    keys = {camel_case(str(key)) for key in document}
    return bool(keys & {"target", "script", "framework", "communicator", "nodeCount"}) or _has_v1_environment(document)


def _has_v1_environment(document: Mapping[str, Any]) -> bool:
    environment = document.get("environment")
    return isinstance(environment, dict) and bool(environment.keys() & {"python", "docker"})


def read(document: Mapping[str, Any], file: Path, name: str) -> RunConfig:
    """Sort the keys of a v1 run configuration.

    An ``environment`` that is a text is the path of a file with the environment's keys, relative to `file`; it is read too.

    Raises:
        ActionError: that file is no YAML.
    """
    config = RunConfig(name, ANCHOR, file.parent)
    whole = {camel_case(str(key)): value for key, value in document.items()}
    if isinstance(whole.get("environment"), str):
        whole["environment"] = _environment_file(config, whole["environment"])
    _sort(config, whole, "")
    return config


def _environment_file(config: RunConfig, path: str) -> Any:  # noqa: ANN401 - any YAML
    file = config.folder / path
    if not files.is_file(file):
        config.problem(
            "the file that `environment` names does not exist.",
            value=path,
            fix="correct the path; it is relative to this file",
            key="environment",
        )
        return None
    content = yaml_text.load(file, path)
    if isinstance(content, dict) and "dependencies" in content:
        config.problem(
            "`environment` names a conda file; v1 expected a file with the keys of an environment there.",
            value=path,
            fix=f"write `environment: {{python: {{condaDependenciesFile: {path}}}}}`",
            key="environment",
        )
        return None
    return content


def _sort(config: RunConfig, section: Mapping[str, Any], prefix: str) -> None:
    for key, value in section.items():
        path = prefix + camel_case(str(key))
        if path in SECTIONS:
            if isinstance(value, dict):
                _sort(config, value, path + ".")
            elif value is not None:
                config.problem(f"`{path}` must hold keys.", value=as_text(value), key=path)
        elif path in RULES:
            _apply(config, path, value, RULES[path])
        elif not _is_empty(value):
            near = difflib.get_close_matches(path, RULES, n=1)
            hint = f" Do you mean `{near[0]}`?" if near else ""
            config.warn(f"`{path}` is no key of a v1 run configuration and is ignored, as SDK v1 did.{hint}")


def _apply(config: RunConfig, path: str, value: Any, rule: Rule) -> None:  # noqa: ANN401 - any YAML
    if _is_empty(value) or as_text(value).lower() in rule.default:
        return
    if rule.treatment == "used":
        config.values[path] = value
    elif rule.treatment == "refused":
        config.problem(
            f"`{path}` has no meaning in a v2 job: {rule.why}.", value=as_text(value), fix=rule.fix, key=path
        )
    else:
        say = config.note if rule.treatment == "noted" else config.warn
        advice = f" Fix: {rule.fix}." if rule.fix else ""
        say(f"`{path}` has no effect: {rule.why}.{advice}")


def _is_empty(value: Any) -> bool:  # noqa: ANN401 - any YAML
    """Tell a key without content: SDK v1 wrote every key of its classes into a file, most of them empty."""
    return value is None or value in ("", [], {})


def camel_case(key: str) -> str:
    """Return the spelling of the table; SDK v1 took ``node_count`` for ``nodeCount`` too."""
    first, *rest = key.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)
