"""Pages of a list, as GitHub cuts them: `per_page` and `page`, with a `link` header to the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from aml_emulator.github.api.errors import invalid

Item = TypeVar("Item")
_USUAL, _MOST = 30, 100


def page_of(items: Sequence[Item], query: Mapping[str, str], url: str) -> tuple[list[Item], dict[str, str]]:
    """The items of the page that was asked for, and the headers that tell of the others.

    Raises:
        ApiError: 422 when `page` or `per_page` is no number.

    """
    size = min(_number(query, "per_page", _USUAL) or _USUAL, _MOST)
    number = max(_number(query, "page", 1), 1)
    last = max((len(items) + size - 1) // size, 1)
    others = {"prev": number - 1, "first": 1} if number > 1 else {}
    if number < last:
        others |= {"next": number + 1, "last": last}
    links = [f'<{url}?{urlencode({**query, "page": other})}>; rel="{name}"' for name, other in others.items()]
    start = (number - 1) * size
    return list(items[start : start + size]), {"link": ", ".join(links)} if links else {}


def _number(query: Mapping[str, str], name: str, usual: int) -> int:
    text = query.get(name, "")
    if not text:
        return usual
    if not text.isdecimal():
        raise invalid("Page", name, "invalid", f"{name} must be a number, not {text!r}.")
    return int(text)
