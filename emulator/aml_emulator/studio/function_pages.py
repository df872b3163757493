"""The list of function apps, and one with its functions, what was published to it, and the end of its log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aml_emulator import ids
from aml_emulator.context import Emulator
from aml_emulator.functions.apps import SITE, closed
from aml_emulator.functions.logs import Line
from aml_emulator.functions.records import FAILED, SUCCESS, Deployment
from aml_emulator.functions.variables import python_of
from aml_emulator.http import Call, Reply, Router
from aml_emulator.studio import logs
from aml_emulator.studio.format import parse_time
from aml_emulator.studio.pages import NotHere, page, render

if TYPE_CHECKING:
    from aml_emulator.resources import Resource

_LOG_LINES = 200
_DEPLOYMENTS = 10
_TONES = {"Running": "good", "Starting": "busy", "Failed": "bad", "Publishing": "busy"}


@dataclass(frozen=True)
class FunctionRow:
    """A function as the host found it."""

    found: dict[str, Any]

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.found["name"])

    @property
    def trigger(self) -> str:
        """What starts it, in words."""
        kind = str(self.found["bindings"][0]["type"])
        return {"eventgridtrigger": "Event Grid", "httptrigger": "HTTP"}.get(kind.lower(), kind.removesuffix("Trigger"))

    @property
    def callers(self) -> str:
        """Who may call an HTTP function."""
        level = str(self.found["bindings"][0].get("authLevel") or "")
        words = {"anonymous": "anybody", "function": "with a key", "admin": "with the master key"}
        return words.get(level.lower(), "")

    @property
    def methods(self) -> str:
        """Methods of an HTTP function."""
        return ", ".join(self.found["bindings"][0].get("methods") or [])

    @property
    def note(self) -> str:
        """Why it does not run; empty when it does."""
        return "switched off by a setting" if self.found["isDisabled"] else str(self.found["refusal"])


@dataclass(frozen=True)
class DeploymentRow:
    """A publication of code."""

    deployment: Deployment

    @property
    def state(self) -> str:
        """How it went, or how far it is."""
        return {SUCCESS: "Succeeded", FAILED: "Failed"}.get(self.deployment.status, "Publishing")

    @property
    def tone(self) -> str:
        """Tone of the state's badge."""
        return {SUCCESS: "good", FAILED: "bad"}.get(self.deployment.status, "busy")

    @property
    def received(self) -> datetime | None:
        """When the package came."""
        return parse_time(self.deployment.received)


@dataclass(frozen=True)
class AppRow:
    """A function app."""

    emulator: Emulator
    site: Resource

    @property
    def name(self) -> str:
        """The app's name."""
        return self.site.name

    @property
    def address(self) -> str:
        """Of its page."""
        return f"/function-apps/{quote(self.name, safe='')}"

    @property
    def group(self) -> str:
        """Name of its resource group."""
        return ids.segment(self.site.id, "resourceGroups") or ""

    @property
    def python(self) -> str:
        """Version of Python that it runs on."""
        return python_of(self.site)

    @property
    def published(self) -> bool:
        """Whether it has code."""
        return self.emulator.functions.records.package(self.site.id) is not None

    @property
    def functions(self) -> list[FunctionRow] | None:
        """Its functions; None where the host has not looked at the code with the present settings."""
        found = self.emulator.functions.records.functions(self.site.id)
        return None if found is None else [FunctionRow(one) for one in found]

    @property
    def deployments(self) -> list[DeploymentRow]:
        """The newest publications."""
        found = self.emulator.functions.records.deployments(self.site.id)
        return [DeploymentRow(one) for one in found[:_DEPLOYMENTS]]

    @property
    def state(self) -> str:
        """What it does, in a word or two."""
        if any(not one.deployment.complete for one in self.deployments):
            return "Publishing"
        if closed(self.site):
            return "Stopped" if "stopped" in closed(self.site) else "Closed"
        return self.emulator.functions.app(self.site).state if self.published else "No code"

    @property
    def tone(self) -> str:
        """Tone of the state's badge."""
        return _TONES.get(self.state, "wait")

    @property
    def failure(self) -> str:
        """Why its host does not start."""
        return self.emulator.functions.app(self.site).failure

    @property
    def log(self) -> str:
        """The end of its log."""
        return "\n".join(map(_text, self.emulator.functions.app(self.site).log.last(_LOG_LINES)))


def register(router: Router, emulator: Emulator) -> None:
    """Add the pages."""

    def apps(call: Call) -> Reply:
        rows = [AppRow(emulator, site) for site in reversed(emulator.resources.all_of(SITE))]
        live = any(row.tone == "busy" for row in rows)
        return render("function_apps.html", section="functions", live=live, rows=rows)

    def app(call: Call) -> Reply:
        site = emulator.functions.named(call.params["name"])
        if site is None:
            raise NotHere(f"There is no function app “{call.params['name']}”")
        row = AppRow(emulator, site)
        return render("function_app.html", section="functions", live=row.tone in ("busy", "good"), row=row)

    router.add("GET", "/function-apps", page(apps), "none")
    router.add("GET", "/function-apps/{name}", page(app), "none")


def _text(line: Line) -> str:
    message = logs.clean(line.message.encode())
    if not line.time:
        return message
    level = f" {line.level}" if line.level not in ("Information", "") else ""
    return f"{line.time[11:19]}{level} {message}"
