"""From a template to an answer: the Jinja environment, the headers of every page, the static files, the page for "not here"."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from aml_emulator.http import Call, Reply
from aml_emulator.studio import format as text

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE = Path(__file__).parent
_STATIC = {"studio.css": "text/css", "studio.js": "text/javascript", "icon.svg": "image/svg+xml"}

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Of every page: nothing from elsewhere, nothing inline, no frames, and no address with a workspace's id to other sites."""


class NotHere(Exception):
    """A page about something that does not exist. `what` says it: "There is no job named 'x'"."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what, self.hint = what, hint


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # at the first page: the server starts without it

    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(
        duration=text.duration,
        timestamp=text.timestamp,
        ago=lambda moment: text.relative(moment, datetime.now(timezone.utc)),
        number=text.number,
        size=text.size,
        segment=lambda part: quote(str(part), safe=""),
    )
    environment.globals["static"] = {name: f"/studio/static/{name}?v={_digest(name)}" for name in _STATIC}
    return environment


def render(template: str, *, status: int = 200, **context: object) -> Reply:
    """A page."""
    page = _environment().get_template(template).render(**context)
    return Reply(status, page, dict(HEADERS), "text/html; charset=utf-8")


def page(handler: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
    """A handler whose `NotHere` becomes a page of the same style."""

    def answer(call: Call) -> Reply:
        try:
            return handler(call)
        except NotHere as error:
            return render("not_here.html", status=404, what=error.what, hint=error.hint, section="")

    return answer


def unknown(call: Call) -> Reply:
    """The page for an address below the Studio's that nothing answers."""
    raise NotHere(f"There is no page {call.path}")


def static(call: Call) -> Reply:
    """The style sheet, the script, the icon. Their addresses carry a digest, so a browser may keep them."""
    name = call.params["name"]
    if name not in _STATIC:
        raise NotHere(f"There is no file {name!r}")
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=31536000, immutable"}
    return Reply(200, (_HERE / "static" / name).read_bytes(), headers, f"{_STATIC[name]}; charset=utf-8")


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((_HERE / "static" / name).read_bytes()).hexdigest()[:12]
