"""Reading a v2 job YAML with the SDK, and what it says of one that is not valid."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aml_actions.errors import ActionError
from aml_actions.markdown import fence
from aml_run.definition import ANCHOR, Definition

if TYPE_CHECKING:
    from azure.ai.ml.entities import Job

_HINT = "In order to specify"
"""Begins the general advice that the SDK gives for every other kind of value that a field may have."""


def load(definition: Definition) -> Job:
    """Return the job of a v2 job YAML of the repository.

    Raises:
        ActionError: a field is unknown, has a value that it cannot have, or names a file that is not there.
        azure.ai.ml.exceptions.ValidationException: it is no job at all.
    """
    return _load(definition.file, definition.name, definition.file)


def load_text(text: str, name: str, folder: Path) -> Job:
    """Return the job of a v2 job YAML that was made from the file `name`; its paths are relative to `folder`.

    Raises:
        ActionError: as for `load`.
    """
    return _load(io.StringIO(text), name, folder / "job.yml")


def _load(source: Path | io.StringIO, name: str, origin: Path) -> Job:
    """Read a YAML whose paths are relative to the folder of `origin`, a file that need not exist."""
    from azure.ai.ml import load_job
    from marshmallow.exceptions import ValidationError

    try:
        return load_job(source, relative_origin=str(origin))
    except ValidationError as error:
        raise _explain(name, str(error)) from None


def _explain(name: str, text: str) -> ActionError:
    found = dict.fromkeys(findings(text))
    specific = [finding for finding in found if _HINT not in finding]
    return ActionError(
        f"{name} is not a valid v2 job.",
        value="; ".join(specific or found) or text.splitlines()[0],
        fix="correct the file; an editor with the schema of `$schema` shows the place",
        anchor=ANCHOR,
        details=fence(text),
        file=name,
    )


def findings(text: str) -> Iterator[str]:
    """Give ``field: what is wrong`` for each finding in a message of the SDK.

    The message is JSON between sentences; its texts may be such messages themselves.
    """
    start = text.find("{")
    if start < 0:
        return
    try:
        report, _ = json.JSONDecoder().raw_decode(text[start:])
    except ValueError:
        return
    if isinstance(report.get("errors"), list):
        for error in report["errors"]:
            yield from findings(str(error.get("message", "")))
    else:
        yield from _leaves(report, "")


def _leaves(value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, path if key == "_schema" else f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, path)
    else:
        yield f"{path}: {' '.join(str(value).split())}"
