"""Route templates of HTTP functions: `products/{category:alpha}/{id:int?}`, `{*rest}`."""

from __future__ import annotations

import re
from urllib.parse import unquote

_CONSTRAINTS = {
    "": r"[^/]+",
    "alpha": r"[A-Za-z]+",
    "bool": r"(?:true|false)",
    "guid": r"\{?[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}\}?",
    "int": r"[+-]?\d{1,10}",
    "long": r"[+-]?\d{1,19}",
}
_PARAMETER = re.compile(r"\{(?P<star>\*{0,2})(?P<name>\w+)(?::(?P<constraint>\w+))?(?P<optional>\?)?\}")


class TemplateError(ValueError):
    """A template that cannot be read."""


class Template:
    """A route, compared without regard to case. `rank` orders routes: the smaller is tried first, as it says more."""

    def __init__(self, text: str) -> None:
        """Read a template.

        Raises:
            TemplateError: it is malformed, or has a constraint that is not known.

        """
        self.text = text.strip("/")
        self._names: list[str] = []
        self._pattern = re.compile("".join(map(self._part, self._parts())), re.IGNORECASE)
        self.rank = [2 if part.startswith("{*") else 1 if "{" in part else 0 for part in self._parts()]

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters of a path (no slash at its beginning, still quoted), or None when the route is another."""
        found = self._pattern.fullmatch("/" + path.strip("/") if path.strip("/") else "")
        if found is None:
            return None
        return {name: unquote(found[name]) for name in self._names if found[name] is not None}

    def _parts(self) -> list[str]:
        return self.text.split("/") if self.text else []

    def _part(self, part: str) -> str:
        whole = _PARAMETER.fullmatch(part)
        if whole is not None and (whole["star"] or whole["optional"]):
            return f"(?:/{self._group(whole)})?"
        position, pattern = 0, "/"
        for match in _PARAMETER.finditer(part):
            if match["star"] or match["optional"]:
                raise TemplateError(f"the route '{self.text}': {match[0]} must be a whole segment.")
            pattern += self._literal(part[position : match.start()]) + self._group(match)
            position = match.end()
        return pattern + self._literal(part[position:])

    def _literal(self, text: str) -> str:
        if "{" in text or "}" in text:
            raise TemplateError(f"the route '{self.text}' has a brace that is not part of a parameter.")
        return re.escape(text)

    def _group(self, match: re.Match[str]) -> str:
        constraint = (match["constraint"] or "").lower()
        if constraint not in _CONSTRAINTS:
            known = ", ".join(filter(None, _CONSTRAINTS))
            raise TemplateError(
                f"the route '{self.text}': the emulator does not know the constraint '{constraint}'; it knows {known}."
            )
        if match["name"] in self._names:
            raise TemplateError(f"the route '{self.text}' has the parameter '{match['name']}' twice.")
        self._names.append(match["name"])
        return f"(?P<{match['name']}>{'.*' if match['star'] else _CONSTRAINTS[constraint]})"
