"""The error of an AutoML job: neither run history nor the resource's error has it, but a text among the properties (recorded)."""

from __future__ import annotations

import json
import re
from typing import Any

from aml_actions.service_error import ServiceError

_DEPTH = 8


def parse(text: str) -> ServiceError | None:
    """Return the error that a text such as ``Setup iteration failed: {json}`` tells; None for an empty text."""
    if not text.strip():
        return None
    outer = _object(text)
    if outer is None:
        return ServiceError(0, (), text.strip())
    run_error = outer.get("run_error")
    exception = run_error.get("exception") if isinstance(run_error, dict) else None
    message = exception.get("message") if isinstance(exception, dict) else None
    inner = _object(message) if isinstance(message, str) else None
    error = (inner or outer).get("error")
    if not isinstance(error, dict):
        return ServiceError(0, (), message if isinstance(message, str) and message else text.strip())
    told = ServiceError.from_body({"error": _renamed(error)})
    return told if told.message else ServiceError(0, told.codes, text.strip())


def _object(text: str) -> dict[str, Any] | None:
    """Return the JSON object that begins somewhere in a text."""
    for start in (match.start() for match in re.finditer(r"\{", text[:2000])):
        try:
            data, _ = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if isinstance(data, dict):
            return data
    return None


def _renamed(error: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    """Return the error with the chain under the name that other services give it."""
    inner = error.get("inner_error")
    if not isinstance(inner, dict) or depth > _DEPTH:
        return error
    return {**error, "innerError": _renamed(inner, depth + 1)}
