"""What a service said when it refused: six body shapes brought to one (shapes recorded from real traffic)."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_DEPTH = 8
"""How far nested errors are followed."""
_INNER_CODE = re.compile(r"^\((?P<code>[A-Za-z][\w.]{2,80})\)\s*")


@dataclass(frozen=True)
class ServiceError:
    """An error of Azure in a form that can be printed.

    Attributes:
        status: HTTP status; 0 when there is none (a failed long-running operation answers with 200).
        codes: from the outermost code to the deepest, such as ``("UserError", "BadArgument", "ArgumentInvalid")``.
        message: of the error.
        details: ``code: message`` of every nested detail.
        target: what the error is about, if said.
        correlation: ids for Azure's support.
        retry_after: seconds, if the service named them.
    """

    status: int
    codes: tuple[str, ...]
    message: str
    details: tuple[str, ...] = ()
    target: str = ""
    correlation: str = ""
    retry_after: float | None = None

    @property
    def code(self) -> str:
        """The deepest code: the outermost is nearly always ``UserError``."""
        return self.codes[-1] if self.codes else ""

    def __str__(self) -> str:
        return "\n".join([" > ".join(self.codes), self.text])

    @property
    def text(self) -> str:
        """The message with its details, for searching."""
        return "\n".join([self.message, *self.details])

    @classmethod
    def from_exception(cls, error: Any) -> ServiceError:  # noqa: ANN401 - azure.core.exceptions.HttpResponseError
        """Read the answer that an exception of azure-core carries."""
        response = getattr(error, "response", None)
        headers = {key.lower(): value for key, value in dict(getattr(response, "headers", None) or {}).items()}
        found = cls.from_body(_body(response), status=int(getattr(error, "status_code", None) or 0))
        codes, message = found.codes, found.message
        model = getattr(error, "error", None)
        if not codes and headers.get("x-ms-error-code"):
            codes = (headers["x-ms-error-code"],)
        if not codes and (code := getattr(model, "code", None)):
            codes = (str(code),)
        if not message:
            message = str(getattr(model, "message", None) or getattr(error, "message", None) or error)
        milliseconds, seconds = _number(headers.get("retry-after-ms")), _number(headers.get("retry-after"))
        retry_after = milliseconds / 1000 if milliseconds is not None else seconds
        correlation = (
            found.correlation or headers.get("x-ms-correlation-request-id") or headers.get("x-ms-request-id") or ""
        )
        return cls(found.status, codes, message.strip(), found.details, found.target, correlation, retry_after)

    @classmethod
    def from_body(cls, body: Any, status: int = 0) -> ServiceError:  # noqa: ANN401 - any JSON, text or None
        """Read an error body: ARM, Azure ML front end and data plane, long-running operation, MLflow, storage XML, text."""
        if isinstance(body, str):
            return _from_text(body, status)
        if not isinstance(body, dict):
            return cls(status, (), "")
        if isinstance(body.get("error_code"), str):  # MLflow
            return cls(status, (body["error_code"],), str(body.get("message") or ""))
        error = _unwrapped(body)
        codes = tuple(dict.fromkeys(_codes(error)))
        details = tuple(dict.fromkeys(line for line in _details(error) if line))
        return cls(
            status=status,
            codes=codes,
            message=_message(error),
            details=details,
            target=str(error.get("target") or ""),
            correlation=_correlation(body, error),
        )


def _body(response: Any) -> Any:  # noqa: ANN401 - response of azure-core, any JSON
    if response is None:
        return None
    try:
        text = response.text() if callable(response.text) else response.text
    except Exception:  # a stream that was not read has no text; nothing of it can be told
        return None
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\d+(\.\d+)?", text) else None


def _from_text(text: str, status: int) -> ServiceError:
    stripped = text.lstrip("\ufeff").strip()
    if stripped.startswith("<Error") or stripped.startswith("<?xml"):
        try:
            root = ElementTree.fromstring(stripped)  # noqa: S314 - an answer of Azure Storage over TLS
        except ElementTree.ParseError:
            return ServiceError(status, (), "")
        code, message = root.findtext("Code") or "", root.findtext("Message") or ""
        return ServiceError(status, (code,) if code else (), message.splitlines()[0] if message else "")
    title = re.search(r"<(?:h1|title)>(.*?)</(?:h1|title)>", stripped, re.IGNORECASE | re.DOTALL)
    return ServiceError(status, (), title.group(1).strip() if title else stripped[:500])


def _codes(error: Any, depth: int = 0) -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Yield the codes along the chain of inner errors; the last one is the reason."""
    if not isinstance(error, dict) or depth > _DEPTH:
        return
    code = error.get("code")
    if isinstance(code, str) and code:
        yield code
    for key in ("innerError", "innererror"):
        yield from _codes(error.get(key), depth + 1)
    for info in _list(error.get("additionalInfo")):
        if isinstance(info, dict) and info.get("type") == "InnerError" and isinstance(info.get("info"), dict):
            yield from _codes(info["info"].get("value"), depth + 1)


def _message(error: dict[str, Any]) -> str:
    message = error.get("message")
    if isinstance(message, str) and message:
        nested = _json_object(message)
        return _message(_unwrapped(nested)) if nested else message
    problems = error.get("errors")
    if isinstance(problems, dict):  # {"errors": {"VmSize": ["..."]}, "title": "One or more validation errors occurred"}
        listed = "; ".join(f"{key}: {', '.join(map(str, _list(value)))}" for key, value in problems.items())
        return f"{error.get('title') or 'not valid'}: {listed}"
    return str(error.get("title") or "")


def _details(error: Any, depth: int = 0) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if not isinstance(error, dict) or depth > _DEPTH:
        return
    for detail in _list(error.get("details")):
        if isinstance(detail, dict):
            message = str(detail.get("message") or "")
            nested = _json_object(message)
            if nested:
                inner = _unwrapped(nested)
                yield from _lines(inner)
                yield from _details(inner, depth + 1)
            else:
                yield from _lines(detail)
            yield from _details(detail, depth + 1)


def _lines(error: dict[str, Any]) -> Iterator[str]:
    code, message = str(error.get("code") or ""), _message(error)
    text = _INNER_CODE.sub("", message) if _INNER_CODE.match(message) and code in message[:90] else message
    yield ": ".join(part for part in (code, text) if part)


def _correlation(body: dict[str, Any], error: dict[str, Any]) -> str:
    ids = body.get("correlation")
    for info in _list(error.get("additionalInfo")):
        if isinstance(info, dict) and info.get("type") == "Correlation" and isinstance(info.get("info"), dict):
            ids = info["info"].get("value") or ids
    if not isinstance(ids, dict):
        return ""
    return ", ".join(f"{key} {value}" for key, value in ids.items() if isinstance(value, str) and value)


def _unwrapped(body: dict[str, Any]) -> dict[str, Any]:
    error = body.get("error")
    return error if isinstance(error, dict) else body


def _json_object(text: str) -> dict[str, Any]:
    if not text.lstrip().startswith("{"):
        return {}
    try:
        data = json.loads(text)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _list(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON
    return value if isinstance(value, list) else []
