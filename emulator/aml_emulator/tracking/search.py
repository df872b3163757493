"""MLflow's search: the filter and order clauses of experiments and runs.

The grammar is that of MLflow's search syntax: comparisons joined by AND, each of an identifier (`metrics.accuracy`,
`params."batch size"`, `tags.team`, `attributes.status` or `status`), an operator and a literal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from aml_emulator.tracking.messages import invalid

Item = TypeVar("Item")
Value = str | float | None
Lookup = Callable[[str, str], Value]
"""What an entity has for a kind (`metric`, `param`, `tag`, `attribute`) and a name; None for nothing."""

_KINDS = {
    "metric": "metric", "metrics": "metric",
    "param": "param", "params": "param", "parameter": "param", "parameters": "param",
    "tag": "tag", "tags": "tag",
    "attr": "attribute", "attribute": "attribute", "attributes": "attribute", "run": "attribute",
}  # fmt: skip

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?![\w.])
      | (?P<operator><=|>=|!=|=|<|>)
      | (?P<list>\([^()]*\))
      | (?P<word>[A-Za-z_][\w/-]*(?:\.(?:"[^"]*"|`[^`]*`|[\w./-]+))?)
    )""",
    re.VERBOSE,
)
_ITEM = re.compile(r"""\s*(?:'([^']*)'|"([^"]*)")\s*""")


@dataclass(frozen=True)
class _Comparison:
    kind: str
    name: str
    operator: str
    value: Any

    def holds(self, lookup: Lookup) -> bool:
        found = lookup(self.kind, self.name)
        if self.operator in ("IS NULL", "IS NOT NULL"):
            return (found is None) == (self.operator == "IS NULL")
        if found is None:
            return False
        if isinstance(found, (int, float)) != isinstance(self.value, (int, float)):
            raise invalid(
                f"{self.kind} '{self.name}' is {'a number' if isinstance(found, (int, float)) else 'text'}"
                f" and cannot be compared with {self.value!r}."
            )
        return _OPERATORS[self.operator](found, self.value)


def _like(found: Any, pattern: Any, flags: int = 0) -> bool:  # noqa: ANN401 - as the other operators
    expression = "".join(".*" if c == "%" else "." if c == "_" else re.escape(c) for c in str(pattern))
    return re.fullmatch(expression, str(found), flags | re.DOTALL) is not None


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda found, value: bool(found == value),
    "!=": lambda found, value: bool(found != value),
    "<": lambda found, value: bool(found < value),
    "<=": lambda found, value: bool(found <= value),
    ">": lambda found, value: bool(found > value),
    ">=": lambda found, value: bool(found >= value),
    "LIKE": _like,
    "ILIKE": lambda found, value: _like(found, value, re.IGNORECASE),
    "IN": lambda found, value: found in value,
    "NOT IN": lambda found, value: found not in value,
}


def parse_filter(text: str) -> Callable[[Lookup], bool]:
    """A filter clause as a predicate.

    Raises:
        MlflowError: the clause is not one.

    """
    tokens = _tokens(text)
    comparisons: list[_Comparison] = []
    while tokens:
        if comparisons:
            if tokens[0][1].upper() != "AND":
                raise invalid(f"Invalid clause in filter string: '{text}'. Comparisons are joined with AND only.")
            tokens = tokens[1:]
        comparison, tokens = _comparison(tokens, text)
        comparisons.append(comparison)
    return lambda lookup: all(comparison.holds(lookup) for comparison in comparisons)


def _parse_order(clauses: Sequence[str]) -> list[tuple[str, str, bool]]:
    """Order clauses as (kind, name, descending) (raises MlflowError)."""
    found = []
    for clause in clauses:
        match = re.fullmatch(r"\s*(.+?)(?:\s+(ASC|DESC))?\s*", clause, re.IGNORECASE)
        tokens = _tokens(match[1]) if match else []
        if match is None or len(tokens) != 1 or tokens[0][0] != "word":
            raise invalid(f"Invalid order_by clause '{clause}'. An example: metrics.accuracy DESC")
        kind, name = _identifier(tokens[0][1])
        found.append((kind, name, (match[2] or "ASC").upper() == "DESC"))
    return found


def sort(items: Sequence[Item], clauses: Sequence[str], lookup: Callable[[Item], Lookup]) -> list[Item]:
    """Items by order clauses; what has no value (or nan) comes last either way (raises MlflowError)."""
    found = list(items)
    for kind, name, descending in reversed(_parse_order(clauses)):
        values = [(lookup(item)(kind, name), item) for item in found]
        having = [pair for pair in values if pair[0] is not None and pair[0] == pair[0]]
        lacking = [pair for pair in values if pair[0] is None or pair[0] != pair[0]]
        having.sort(key=lambda pair: pair[0], reverse=descending)  # type: ignore[arg-type, return-value]
        found = [item for _, item in having + lacking]
    return found


def _comparison(tokens: list[tuple[str, str]], text: str) -> tuple[_Comparison, list[tuple[str, str]]]:
    words = [token.upper() for _, token in tokens[:4]]
    if not tokens or tokens[0][0] != "word":
        raise invalid(
            f"Invalid clause in filter string: '{text}'. An example: metrics.accuracy > 0.9 AND params.kernel = 'linear'"
        )
    kind, name = _identifier(tokens[0][1])
    for operator in ("IS NOT NULL", "IS NULL"):
        if words[1:] == operator.split()[: len(words) - 1] and len(words) > len(operator.split()):
            return _Comparison(kind, name, operator, None), tokens[1 + len(operator.split()) :]
    length = 2 if words[1:3] == ["NOT", "IN"] else 1
    operator, rest = " ".join(words[1 : 1 + length]), tokens[1 + length :]
    if operator not in _OPERATORS or not rest:
        raise invalid(f"Invalid operator '{operator}' in filter string: '{text}'. Allowed: {', '.join(_OPERATORS)}.")
    return _Comparison(kind, name, operator, _literal(kind, name, operator, rest[0], text)), rest[1:]


def _literal(kind: str, name: str, operator: str, token: tuple[str, str], text: str) -> Any:  # noqa: ANN401
    form, written = token
    if operator in ("IN", "NOT IN"):
        items = [_ITEM.fullmatch(item) for item in written[1:-1].split(",")] if form == "list" else []
        values = [match[1] if match[1] is not None else match[2] for match in items if match]
        if not values or len(values) != len(items):
            raise invalid(
                f"{operator} takes a list of quoted values, for example ('a', 'b'), in filter string: '{text}'."
            )
        return values
    if form == "string":
        return re.sub(r"\\(.)", r"\1", written[1:-1])
    if form == "number":
        return float(written)
    raise invalid(f"Expected a quoted string or a number after '{kind}s.{name} {operator}' in filter string: '{text}'.")


def _identifier(word: str) -> tuple[str, str]:
    first, dot, rest = word.partition(".")
    if not dot:
        return "attribute", first.strip('"`')
    if first.lower() not in _KINDS:
        raise invalid(f"Invalid entity type '{first}'. Allowed: metrics, params, tags, attributes.")
    return _KINDS[first.lower()], rest.strip('"`')


def _tokens(text: str) -> list[tuple[str, str]]:
    found, position = [], 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise invalid(
                f"Invalid filter string: '{text}'. It is not understood from '{text[position : position + 30].strip()}' on."
            )
        found.append((match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return found
