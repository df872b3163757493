"""Evaluate `${{ }}` expressions where GitHub does so before a run begins: in `concurrency:`. In a run act evaluates.

The language is that of "Evaluate expressions in workflows and actions" in GitHub's documentation: literals, contexts,
operators, `contains`, `startsWith`, `endsWith`, `format` and `join`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence

Value = None | bool | float | str | Sequence["Value"] | Mapping[str, "Value"]

_EXPRESSION = re.compile(r"\$\{\{((?:'(?:[^']|'')*'|[^'])*?)\}\}", re.DOTALL)
_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?))|(?P<string>'(?:[^']|'')*')"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|(?P<operator>&&|\|\||==|!=|<=|>=|[<>!()\[\].,*]))"
)


class CannotEvaluate(Exception):
    """The expression is wrong, or uses what is not known before a run; the text says which."""


def evaluate_text(text: str, contexts: Mapping[str, Value]) -> str:
    """Give a text with its expressions evaluated and put in. Raises CannotEvaluate."""
    return _EXPRESSION.sub(lambda found: as_text(evaluate(found[1], contexts)), text)


def evaluate(expression: str, contexts: Mapping[str, Value]) -> Value:
    """Evaluate one expression, written without its braces. A context that is not among `contexts` is an error.

    Raises CannotEvaluate.
    """
    parser = _Parser(_tokens(expression), contexts, expression.strip())
    found = parser.alternatives()
    parser.end()
    return found


def truthy(value: Value) -> bool:
    """Whether GitHub takes a value for true."""
    return value not in (None, False, 0, "") and not (isinstance(value, float) and math.isnan(value))


def as_text(value: Value) -> str:
    """A value as it is put into a text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | int):
        return str(int(value)) if float(value).is_integer() else str(value)
    return value if isinstance(value, str) else json.dumps(value)


def _tokens(expression: str) -> list[tuple[str, str]]:
    found, position = [], 0
    text = expression.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise CannotEvaluate(
                f"{expression.strip()!r} is no expression: {text[position:].strip()[:20]!r} is not understood."
            )
        kind = str(match.lastgroup)
        found.append((kind, match[kind]))
        position = match.end()
    return found


class _Parser:
    """Evaluates while it reads: an expression has no effects, so the side that does not count may be evaluated, too."""

    def __init__(self, tokens: list[tuple[str, str]], contexts: Mapping[str, Value], source: str) -> None:
        self._tokens, self._contexts, self._source = tokens, contexts, source
        self._at = 0

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise self._error(f"{self._tokens[self._at][1]!r} is too much")

    def alternatives(self) -> Value:
        found = self._conjunction()
        while self._takes("||"):
            other = self._conjunction()
            found = found if truthy(found) else other
        return found

    def _conjunction(self) -> Value:
        found = self._comparison()
        while self._takes("&&"):
            other = self._comparison()
            found = other if truthy(found) else found
        return found

    def _comparison(self) -> Value:
        found = self._unary()
        while (operator := self._one_of("==", "!=", "<=", ">=", "<", ">")) is not None:
            found = _compare(operator, found, self._unary())
        return found

    def _unary(self) -> Value:
        return not truthy(self._unary()) if self._takes("!") else self._primary()

    def _primary(self) -> Value:
        if self._takes("("):
            found = self.alternatives()
            self._expect(")")
            return found
        kind, text = self._next()
        if kind == "number":
            return float(int(text, 16)) if "x" in text else float(text)
        if kind == "string":
            return text[1:-1].replace("''", "'")
        if kind != "name":
            raise self._error(f"{text!r} is not expected there")
        if text.lower() in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[text.lower()]
        return self._call(text) if self._takes("(") else self._context(text)

    def _context(self, name: str) -> Value:
        known = {key.lower(): value for key, value in self._contexts.items()}
        if name.lower() not in known:
            raise self._error(f"{name!r} is not known before a run begins")
        found = known[name.lower()]
        while True:
            if self._takes("."):
                found = _member(found, self._next()[1])
            elif self._takes("["):
                found = _member(found, self.alternatives())
                self._expect("]")
            else:
                return found

    def _call(self, name: str) -> Value:
        arguments: list[Value] = []
        while not self._takes(")"):
            if arguments:
                self._expect(",")
            arguments.append(self.alternatives())
        function = _FUNCTIONS.get(name.lower())
        if function is None:
            raise self._error(f"the function {name}() is not known before a run begins")
        try:
            return function(*arguments)
        except (TypeError, IndexError) as error:
            raise self._error(f"{name}() does not take these arguments") from error

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise self._error("something is missing at its end")
        self._at += 1
        return self._tokens[self._at - 1]

    def _one_of(self, *operators: str) -> str | None:
        if self._at < len(self._tokens) and self._tokens[self._at] in [("operator", one) for one in operators]:
            return self._next()[1]
        return None

    def _takes(self, operator: str) -> bool:
        return self._one_of(operator) is not None

    def _expect(self, operator: str) -> None:
        if not self._takes(operator):
            raise self._error(f"{operator!r} is missing")

    def _error(self, reason: str) -> CannotEvaluate:
        return CannotEvaluate(f"{self._source!r} cannot be evaluated: {reason}.")


def _member(value: Value, name: Value) -> Value:
    if isinstance(value, Mapping):
        wanted = as_text(name).lower()
        return next((found for key, found in value.items() if key.lower() == wanted), None)
    if isinstance(value, Sequence) and not isinstance(value, str) and isinstance(name, float):
        return value[int(name)] if 0 <= name < len(value) else None
    return None


def _number(value: Value) -> float:
    if value is None or isinstance(value, bool):
        return float(bool(value))
    if isinstance(value, str):
        try:
            return float(value) if value.strip() else 0.0
        except ValueError:
            return math.nan
    return float(value) if isinstance(value, float | int) else math.nan


def _compare(operator: str, left: Value, right: Value) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        first: str | float = left.lower()
        second: str | float = right.lower()
    else:
        first, second = _number(left), _number(right)
    return _OPERATORS[operator](first, second)


_OPERATORS: Mapping[str, Callable[..., bool]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def _contains(where: Value, what: Value) -> bool:
    if isinstance(where, Sequence) and not isinstance(where, str):
        return any(_compare("==", item, what) for item in where)
    return as_text(what).lower() in as_text(where).lower()


def _format(pattern: Value, *values: Value) -> str:
    return re.sub(
        r"\{\{|\}\}|\{(\d+)\}",
        lambda found: found[0][0] if found[1] is None else as_text(values[int(found[1])]),
        as_text(pattern),
    )


def _join(values: Value, separator: Value = ",") -> str:
    listed = [values] if isinstance(values, str) or not isinstance(values, Sequence) else values
    return as_text(separator).join(as_text(value) for value in listed)


_FUNCTIONS: Mapping[str, Callable[..., Value]] = {
    "contains": _contains,
    "startswith": lambda text, begin: as_text(text).lower().startswith(as_text(begin).lower()),
    "endswith": lambda text, end: as_text(text).lower().endswith(as_text(end).lower()),
    "format": _format,
    "join": _join,
}
