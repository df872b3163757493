"""JSON as Azure Resource Manager reads it: with `//` and `/* */` comments and strings that run over several lines."""

from __future__ import annotations

import json
import math
import re
from typing import Any

MOST_LEVELS = 100
"""Objects and arrays inside each other; what is deeper is refused, so that nothing that walks a template runs out of stack."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\r\n]*|/\*.*?\*/', re.DOTALL)


def without_comments(text: str) -> str:
    """The text with every comment blanked: each character stays in its line and column."""

    def blank(match: re.Match[str]) -> str:
        token = match.group()
        return token if token.startswith('"') else re.sub(r"[^\r\n]", " ", token)

    return _TOKEN.sub(blank, text)


def loads(text: str) -> Any:  # noqa: ANN401 - any JSON
    """Parse JSON with comments.

    Raises:
        ValueError: it is none, or it is nested deeper than `MOST_LEVELS`.

    """
    plain = without_comments(text)
    too_deep = f"The JSON is nested deeper than {MOST_LEVELS} levels."
    try:
        found = json.loads(plain, strict=False, parse_constant=_no_number, parse_float=_number)
    except RecursionError:
        raise ValueError(too_deep) from None
    if _levels(found) > MOST_LEVELS:
        raise ValueError(too_deep)
    json.dumps(found, ensure_ascii=False).encode()  # half of a character outside the first plane is a ValueError here
    return found


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON.")


def _number(text: str) -> float:
    found = float(text)
    if math.isinf(found):
        raise ValueError(f"{text} is too large a number.")
    return found


def _levels(value: Any) -> int:  # noqa: ANN401 - any JSON
    deepest = 0
    waiting = [(value, 1)]
    while waiting:
        item, level = waiting.pop()
        if isinstance(item, dict | list):
            deepest = max(deepest, level)
            waiting += [(inner, level + 1) for inner in (item.values() if isinstance(item, dict) else item)]
    return deepest
