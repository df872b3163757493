"""Reading the logs of a deployment: which phase failed, and on which exception."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PHASE = re.compile(r"^(?P<phase>\w+): (?P<state>Succeeded|InProgress|Failed|Pending|Unknown)\s*$", re.MULTILINE)
_CONTAINER = re.compile(r"^Container logs:\s*$", re.MULTILINE)
_EXCEPTION = re.compile(
    r"(?P<type>(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt|NotFound))(?:: (?P<message>.*))?$"
)
_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)')
_WRAPPERS = ("azmlinfsrv", "azureml_inference_server_http", "gunicorn", "UserScript", "waitress")
"""Parts of the names of exceptions with which the server only repeats that the entry script failed."""


@dataclass(frozen=True)
class DeploymentLogs:
    """What the two containers of a deployment wrote.

    Attributes:
        server: log of the inference server, which runs the entry script.
        initializer: log of the storage initializer, which brings model and code.
    """

    server: str
    initializer: str

    def shown(self) -> list[tuple[str, str]]:
        """Return title and text of each log worth showing; both begin with the same table, so one without more is left out."""
        logs = [("inference server", self.server.strip())]
        if _container_part(self.initializer).strip():
            logs.append(("storage initializer", self.initializer.strip()))
        return [(title, text) for title, text in logs if text]

    def failed_phase(self) -> str | None:
        """Return the first phase that did not succeed, such as ``UserContainerStart``, or None when the log tells none."""
        for match in _PHASE.finditer(self.server):
            if match["state"] != "Succeeded":
                return match["phase"]
        return None

    def exception(self) -> str | None:
        """Return the exception that stopped the entry script, such as ``ModuleNotFoundError: No module named 'x'``.

        The server wraps it into exceptions of its own, and retries: the last one that is not the server's counts.
        """
        lines = _container_part(self.server).splitlines()
        number = _last_exception(lines)
        return None if number is None else lines[number].strip()

    def script_line(self, entry_script: str) -> int | None:
        """Return the last line of the entry script that a traceback names."""
        lines = [
            int(match["line"])
            for match in _FRAME.finditer(_container_part(self.server))
            if match["file"].replace("\\", "/").endswith(f"/{entry_script}") or match["file"] == entry_script
        ]
        return lines[-1] if lines else None

    def excerpt(self, most: int) -> str:
        """Return the lines that tell most: the end of the entry script's traceback, else the end of the log.

        The log is that of the server, or of the initializer when the server wrote nothing.
        """
        lines = (_container_part(self.server).strip() or _container_part(self.initializer).strip()).splitlines()
        number = _last_exception(lines)
        end = len(lines) if number is None else number + 1
        return "\n".join(lines[max(0, end - most) : end])


def _last_exception(lines: list[str]) -> int | None:
    """Return the number of the last line with an exception that is not the server's own."""
    for number in range(len(lines) - 1, -1, -1):
        match = _EXCEPTION.match(lines[number].strip())
        if match and not any(wrapper in match["type"] for wrapper in _WRAPPERS):
            return number
    return None


def _container_part(text: str) -> str:
    """Return what the container wrote: Azure puts a table of phases and events before it."""
    return _CONTAINER.split(text, maxsplit=1)[-1]
