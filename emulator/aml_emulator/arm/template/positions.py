"""Where something stands in the text of a request: the line and column that Resource Manager's messages name."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from aml_emulator.arm.template.comments import without_comments

Path = Sequence[str | int]

_SPACE = re.compile(r"\s*")
_SCALAR = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s,\]}]+', re.DOTALL)


class Positions:
    """Finds the place of a value in a JSON text by the keys and indexes that lead to it."""

    def __init__(self, text: str) -> None:
        self._text = without_comments(text)

    def of(self, path: Path) -> tuple[int, int]:
        """Line and column of the value, both from 1; (1, 1) where the text has no such value."""
        start = self._find(path)
        before = self._text[:start]
        return before.count("\n") + 1, start - before.rfind("\n")

    def _find(self, path: Path) -> int:
        place = self._skip_space(0)
        for step in path:
            found = next((start for key, start in self._members(place) if self._is(key, step)), None)
            if found is None:
                return 0
            place = found
        return place

    def _is(self, key: str | int, step: str | int) -> bool:
        if isinstance(key, str) and isinstance(step, str):
            return key.lower() == step.lower()
        return key == step

    def _members(self, place: int) -> list[tuple[str | int, int]]:
        """Keys (or indexes) of the object (or array) that begins at a place, with where each value begins."""
        opening = self._text[place : place + 1]
        if opening not in ("{", "["):
            return []
        found: list[tuple[str | int, int]] = []
        place = self._skip_space(place + 1)
        while place < len(self._text) and self._text[place] not in "}]":
            key: str | int = len(found)
            if opening == "{":
                end = self._end(place)
                key = json.loads(self._text[place:end], strict=False)
                place = self._skip_space(self._skip_space(end) + 1)
            found.append((key, place))
            place = self._skip_space(self._end(place))
            if self._text[place : place + 1] == ",":
                place = self._skip_space(place + 1)
        return found

    def _end(self, place: int) -> int:
        """Where the value that begins at a place ends."""
        depth = 0
        while place < len(self._text):
            character = self._text[place]
            if character in "{[":
                depth += 1
                place += 1
            elif character in "}]":
                depth -= 1
                place += 1
            elif character in ",:" or character.isspace():
                place += 1
                continue
            elif match := _SCALAR.match(self._text, place):
                place = match.end()
            if depth <= 0:
                return place
        return place

    def _skip_space(self, place: int) -> int:
        match = _SPACE.match(self._text, place)
        return match.end() if match else place
