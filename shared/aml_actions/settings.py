"""What the user configured: the inputs of the step and its parameters file, checked as a whole."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from aml_actions.errors import ActionError, InvalidSettings
from aml_actions.spec import ActionSpec, Parameters

P = TypeVar("P", bound=Parameters)

INPUT_PREFIX = "AML_ACTION_INPUT_"
"""Composite steps get no INPUT_* variables: action.yml forwards each input under this prefix."""
FOLDER = Path(".cloud/.azure")
_ANCHOR = "docs/troubleshooting.md#parameters-file"
_TRAILING_COMMA = "a comma before a closing bracket (trailing comma); JSON has none"
_SECRET_KEY = re.compile(r"password|secret|token|ssh_key|access_key|connection_string", re.IGNORECASE)
_SECRET_LINE = re.compile(rf"(\"[^\"]*(?:{_SECRET_KEY.pattern})[^\"]*\"\s*:\s*).*", re.IGNORECASE)
_JSON_NAMES = {
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "a string",
    "list_type": "an array",
    "tuple_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
}


def read_inputs(spec: ActionSpec, environ: Mapping[str, str]) -> tuple[dict[str, str], list[ActionError]]:
    """Return the inputs of a step, with defaults for what is missing or empty, and what is wrong with them."""
    values: dict[str, str] = {}
    problems = []
    for declared in spec.inputs:
        value = environ.get(INPUT_PREFIX + declared.name.upper(), "").strip() or declared.default
        values[declared.name] = value
        # The credentials explain their absence themselves (credentials.parse), with the usual causes.
        if declared.required and not value and declared.name != "azure_credentials":
            problems.append(
                ActionError(
                    f"The input {declared.name} is required and empty.",
                    fix=f"set it under `with:` of the step that uses {spec.name}",
                )
            )
    return values, problems


def load_parameters(spec: ActionSpec, model: type[P], name: str, workspace: Path) -> P:
    """Read and check a parameters file.

    Args:
        spec: the action.
        model: its parameters model (`spec.parameters`).
        name: value of the input ``parameters_file``, relative to ``.cloud/.azure`` of the workspace.
        workspace: folder of the checked-out repository.

    A file that is missing under its default name stands for ``{}``, as in the legacy actions, unless something in it is required.

    Raises:
        ActionError: missing under a name that the user chose, outside the workspace, or not JSON.
        InvalidSettings: every unknown key and every value of a wrong type, at once.
    """
    shown = f"{FOLDER.as_posix()}/{name}"
    file = (workspace / FOLDER / name).resolve()
    if not file.is_relative_to(workspace.resolve()):
        raise ActionError(
            "The parameters file lies outside the repository.",
            value=name,
            allowed=f"a path below {FOLDER.as_posix()}/, such as {spec.parameters_file}",
            anchor=_ANCHOR,
        )
    text = ""
    data: dict[str, Any] = {}
    if file.is_file():
        text = _text(file, shown)
        data = _parse(text, shown)
    elif name == spec.parameters_file and not spec.parameters_file_required and not file.exists():
        pass  # every parameter has its default
    else:
        raise _missing(spec, name, workspace, is_folder=file.is_dir())
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = [_explain(detail, model, shown, text) for detail in error.errors(include_url=False)]
        raise InvalidSettings(problems) from None


def _missing(spec: ActionSpec, name: str, workspace: Path, *, is_folder: bool) -> ActionError:
    folder = workspace / FOLDER
    present = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.json") if file.is_file())
    return ActionError(
        f"The parameters file {FOLDER.as_posix()}/{name} is {'a folder' if is_folder else 'missing'}.",
        value=name,
        allowed="the files that are there: " + ", ".join(present)
        if present
        else f"there is no JSON file in {FOLDER.as_posix()}/",
        cause=None
        if any(workspace.glob("*"))
        else "the repository is not checked out: actions/checkout must come first",
        fix=_nearest(name, present)
        or f"create it, or correct the input parameters_file (default {spec.parameters_file})",
        anchor=_ANCHOR,
    )


def _text(file: Path, shown: str) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ActionError(
            f"The parameters file {shown} is not UTF-8 text.",
            value=f"byte {error.start} is 0x{error.object[error.start]:02x}",
            fix="save the file with the encoding UTF-8",
            anchor=_ANCHOR,
        ) from None


def _parse(text: str, shown: str) -> dict[str, Any]:
    def no_number(constant: str) -> NoReturn:
        raise ActionError(
            f"The parameters file {shown} holds {constant}, which is not JSON.", fix="write a number", anchor=_ANCHOR
        )

    try:
        data = json.loads(text, parse_constant=no_number)
    except json.JSONDecodeError as error:
        raise _not_json(error, text, shown) from None
    if not isinstance(data, dict):
        raise ActionError(
            f"The parameters file {shown} must hold a JSON object.",
            value=f"a JSON {'array' if isinstance(data, list) else 'value'}",
            allowed='{"key": value, ...}',
            anchor=_ANCHOR,
        )
    return data


def _not_json(error: json.JSONDecodeError, text: str, shown: str) -> ActionError:
    rest = text[error.pos :].lstrip()
    before = text[: error.pos].rstrip()
    position = error.pos
    if not text.strip():
        cause, fix = "the file is empty", "write at least {}"
    elif rest.startswith(("//", "/*", "#")):
        cause, fix = "a comment; JSON has none", "remove the comment"
        position = len(text) - len(rest)
    elif rest[:1] in ("}", "]") and before.endswith(","):
        cause, fix = _TRAILING_COMMA, "remove that comma"
        position = len(before) - 1
    elif re.match(r",\s*[}\]]", rest):  # Python 3.13 points at the comma
        cause, fix = _TRAILING_COMMA, "remove that comma"
    elif rest.startswith("'"):
        cause, fix = "single quotes", 'use double quotes: "..."'
    elif re.match(r"(True|False|None)\b", rest):
        cause, fix = "Python's spelling", "write true, false or null"
    else:
        cause, fix = error.msg, "correct the line; an editor with JSON support marks the place"
    line = text.count("\n", 0, position) + 1
    start = text.rfind("\n", 0, position) + 1
    content = text[start:].split("\n", 1)[0].strip()
    return ActionError(
        f"The parameters file {shown} is not JSON: line {line}, column {position - start + 1}.",
        value=_SECRET_LINE.sub(r"\1***", content) or None,
        cause=cause,
        fix=fix,
        anchor=_ANCHOR,
        file=shown,
        line=line,
    )


def _explain(detail: ErrorDetails, model: type[Parameters], shown: str, text: str) -> ActionError:
    """Turn one finding of pydantic into an error in the words of the parameters file."""
    path = [str(part) for part in detail["loc"]]
    key = ".".join(path)
    kind = detail["type"]
    line = _line_of(path[-1], text) if path else None
    if kind == "extra_forbidden":
        owner = _model_at(model, path[:-1])
        known = sorted(field.alias or name for name, field in owner.model_fields.items()) if owner else []
        return ActionError(
            f"Unknown key {key} in {shown}.",
            allowed=", ".join(known) or None,
            fix=_nearest(path[-1], known) or "remove the key",
            anchor=_ANCHOR,
            file=shown,
            line=line,
        )
    if kind == "missing":
        return ActionError(f"The key {key} in {shown} is required.", fix="add it", anchor=_ANCHOR, file=shown)
    if not path:  # a rule of the whole model; the value would be the whole file
        rule = detail["msg"].removeprefix("Value error, ")
        return ActionError(f"The values in {shown} do not fit together.", allowed=rule, anchor=_ANCHOR, file=shown)
    hidden = bool(_SECRET_KEY.search(path[-1]))
    context = detail.get("ctx", {})
    return ActionError(
        f"The value of {key} in {shown} is not valid.",
        value="***" if hidden else _shown(detail["input"]),
        allowed=_JSON_NAMES.get(kind) or context.get("expected") or detail["msg"].removeprefix("Value error, "),
        fix=_type_fix(kind, detail["input"]),
        anchor=_ANCHOR,
        file=shown,
        line=line,
    )


def _line_of(key: str, text: str) -> int | None:
    """Return the line on which a key stands, None when it is not unique in the file."""
    found = list(re.finditer(rf"\"{re.escape(key)}\"\s*:", text))
    return text.count("\n", 0, found[0].start()) + 1 if len(found) == 1 else None


def _type_fix(kind: str, value: object) -> str | None:
    """Return the corrected spelling where it can only be one."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    if kind in ("int_type", "float_type") and re.fullmatch(r"-?\d+(\.\d+)?", text):
        return f"write {text} without quotes"
    if kind == "bool_type" and text.lower() in ("true", "false"):
        return f"write {text.lower()} without quotes"
    return None


def _model_at(model: type[Parameters], path: list[str]) -> type[Parameters] | None:
    """Return the model of a nested object, None inside free-form values."""
    for name in path:
        if name.isdecimal():
            continue
        field = next((one for key, one in model.model_fields.items() if name in (key, one.alias)), None)
        inner = [one for one in _types(field.annotation if field else None) if issubclass(one, Parameters)]
        if not inner:
            return None
        model = inner[0]
    return model


def _types(annotation: Any) -> list[type]:  # noqa: ANN401 - a type expression
    arguments = getattr(annotation, "__args__", ())
    own = [annotation] if isinstance(annotation, type) else []
    return own + [one for argument in arguments for one in _types(argument)]


def _nearest(name: str, known: list[str]) -> str | None:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    if snake in known:
        return f"did you mean {snake}?"
    match = difflib.get_close_matches(snake, known, n=1, cutoff=0.6) or difflib.get_close_matches(
        name, known, n=1, cutoff=0.6
    )
    return f"did you mean {match[0]}?" if match else None


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 100 else text[:97] + "..."
