"""An ARM template and the values of its parameters, judged before Azure is asked."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aml_actions import documents
from aml_actions.errors import ActionError
from aml_actions.findings import Findings

ANCHOR = "docs/troubleshooting.md#arm-template"
_SECURE = frozenset({"securestring", "secureobject"})
_NAMES = {
    "string": str,
    "securestring": str,
    "int": int,
    "bool": bool,
    "object": dict,
    "secureobject": dict,
    "array": list,
}


@dataclass(frozen=True)
class Template:
    """A template with what it is deployed with.

    Attributes:
        name: path from the root of the repository.
        content: of the template.
        values: of its parameters, by the template's spelling; a reference to a key vault stays one.
    """

    name: str
    content: Mapping[str, Any]
    values: Mapping[str, Mapping[str, Any]]

    @property
    def namespaces(self) -> list[str]:
        """The resource providers of its resources, those of nested templates among them; sorted."""
        found = {str(one.get("type", "")).split("/")[0] for one in _resources(self.content)}
        return sorted(name for name in found if "." in name)

    def has(self, parameter: str) -> bool:
        """Tell whether the template declares a parameter."""
        return _spelled(self.content.get("parameters") or {}, parameter) is not None

    def with_value(self, parameter: str, value: Any) -> Template:  # noqa: ANN401 - any JSON
        """Return the same template with another value for a parameter that it declares."""
        name = _spelled(self.content.get("parameters") or {}, parameter) or parameter
        return Template(self.name, self.content, {**self.values, name: {"value": value}})

    def secrets(self) -> list[str]:
        """Return the texts in the values of secure parameters: what must be masked."""
        declared = self.content.get("parameters") or {}
        secure = [name for name in self.values if str(declared[name].get("type", "")).lower() in _SECURE]
        return [text for name in secure for text in _texts(self.values[name].get("value"))]


def read(root: Path, template_file: str, parameters_file: str, mapped: str) -> Template:
    """Read a template and its parameters.

    Args:
        root: folder of the repository.
        template_file: path of the template, relative to it.
        parameters_file: path of the parameters file, relative to it; empty for `params.<name>` beside the template, if there is one.
        mapped: value of the input ``mapped_params``.

    Raises:
        ActionError: a file is missing or is no template; InvalidSettings: all that is wrong with the parameters, at once.
    """
    content = _object(root, template_file, "armtemplate_file")
    if not isinstance(content.get("resources"), (list, dict)):
        raise ActionError(
            f"{template_file} is no ARM template: it has no `resources`.",
            fix="name the template in the input armtemplate_file",
            anchor=ANCHOR,
            file=template_file,
        )
    declared: Mapping[str, Any] = content.get("parameters") or {}
    findings = Findings()
    values: dict[str, dict[str, Any]] = {}
    beside = Path(template_file).with_name(f"params.{Path(template_file).name}")
    if not parameters_file and (root / beside).is_file():
        parameters_file = beside.as_posix()
    if parameters_file:
        given = _object(root, parameters_file, "armtemplateparams_file").get("parameters") or {}
        for name, value in given.items():
            known = _known(declared, name, parameters_file, findings)
            if known and isinstance(value, Mapping):
                values[known] = dict(value)
    for name, text in _mapped(mapped, findings).items():
        known = _known(declared, name, "mapped_params", findings)
        if known:
            values[known] = {"value": _typed(text, str(declared[known].get("type", "string")))}
    for name, declaration in declared.items():
        _check(name, declaration, values.get(name), template_file, findings)
    findings.raise_errors()
    return Template(template_file, content, values)


def _object(root: Path, name: str, key: str) -> dict[str, Any]:
    file = (root / name).resolve()
    if not file.is_relative_to(root.resolve()) or not file.is_file():
        raise ActionError(
            f"The file that {key} names is not in the repository.",
            value=name,
            allowed="a path from the root of the repository",
            fix=f"correct the input {key}; if the repository is empty, run actions/checkout first",
            anchor=ANCHOR,
        )
    data = documents.read(file, name, Findings()).data  # comments belong to the format here
    if not isinstance(data, dict):
        raise ActionError(f"{name} holds no JSON object.", fix=f"correct the input {key}", anchor=ANCHOR, file=name)
    return data


def _mapped(text: str, findings: Findings) -> dict[str, str]:
    """Return the parameters of ``name=value`` lines. A comma separates only where another ``name=`` follows: values hold commas."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        pieces: list[str] = []
        for piece in line.split(","):
            name = piece.partition("=")[0].strip()
            if "=" in piece and name.isidentifier():
                pieces.append(piece)
            elif pieces:
                pieces[-1] += f",{piece}"
            elif piece.strip():
                findings.error(
                    ActionError(
                        "A line of mapped_params is no `name=value`.",
                        value="not shown, it may hold a secret",
                        allowed="one parameter a line: workspaceName=my-workspace",
                        anchor=ANCHOR,
                    )
                )
        for piece in pieces:
            name, _, value = piece.partition("=")
            found[name.strip()] = value.strip()
    return found


def _known(declared: Mapping[str, Any], name: str, where: str, findings: Findings) -> str | None:
    spelled = _spelled(declared, name)
    if spelled is None:
        near = difflib.get_close_matches(name, declared, n=1)
        findings.error(
            ActionError(
                f"{where} names a parameter that the template does not have.",
                value=name,
                allowed=", ".join(sorted(declared)),
                fix=f"did you mean {near[0]}?" if near else "remove it",
                anchor=ANCHOR,
            )
        )
    return spelled


def _spelled(declared: Mapping[str, Any], name: str) -> str | None:
    """Return the template's spelling: Azure does not distinguish small and capital letters."""
    return next((one for one in declared if one.lower() == name.lower()), None)


def _typed(text: str, kind: str) -> Any:  # noqa: ANN401 - any JSON
    """Return the value that a text stands for in a parameter of a type; what cannot be one stays text, and is told later."""
    if kind.lower() in ("string", "securestring"):
        return text
    try:
        return json.loads(text.lower() if kind.lower() == "bool" else text)
    except ValueError:
        return text


def _check(
    name: str, declaration: Mapping[str, Any], given: Mapping[str, Any] | None, file: str, findings: Findings
) -> None:
    """Judge one parameter as Azure would: a value must be there, of the type, and among the allowed ones."""
    kind = str(declaration.get("type", "string")).lower()
    hidden = kind in _SECURE
    if given is None or "reference" in given:
        if given is None and "defaultValue" not in declaration and not declaration.get("nullable"):
            findings.error(
                ActionError(
                    f"The template needs a value for the parameter {name}.",
                    fix=f"add it to the parameters file, or to mapped_params: {name}=...",
                    anchor=ANCHOR,
                    file=file,
                )
            )
        return
    value = given.get("value")
    wanted = _NAMES.get(kind)
    if wanted and (not isinstance(value, wanted) or (wanted is int and isinstance(value, bool))):
        findings.error(
            ActionError(
                f"The value of the parameter {name} has a wrong type.",
                value="***" if hidden else json.dumps(value)[:100],
                allowed=kind,
                anchor=ANCHOR,
                file=file,
            )
        )
        return
    allowed = declaration.get("allowedValues")
    if allowed and not isinstance(value, list) and not _is_among(value, allowed):
        findings.error(
            ActionError(
                f"The value of the parameter {name} is not allowed.",
                value="***" if hidden else json.dumps(value)[:100],
                allowed=", ".join(map(str, allowed)),
                anchor=ANCHOR,
                file=file,
            )
        )


def _is_among(value: Any, allowed: list[Any]) -> bool:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        return value.lower() in [str(one).lower() for one in allowed]
    return value in allowed


def _texts(value: Any) -> list[str]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner)]
    return [value] if isinstance(value, str) and value else []


def _resources(template: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = template.get("resources") or []
    found: list[Mapping[str, Any]] = []
    for one in listed.values() if isinstance(listed, dict) else listed:
        found.append(one)
        found += _resources({"resources": one.get("resources") or []})
        nested = (one.get("properties") or {}).get("template")
        if isinstance(nested, dict):
            found += _resources(nested)
    return found
