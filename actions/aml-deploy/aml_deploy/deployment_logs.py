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
        found = None
        for line in _container_part(self.server).splitlines():
            match = _EXCEPTION.search(line.strip())
            if match and not any(wrapper in match["type"] for wrapper in _WRAPPERS):
                found = match[0]
        return found

    def script_line(self, entry_script: str) -> int | None:
        """Return the last line of the entry script that a traceback names."""
        lines = [
            int(match["line"])
            for match in _FRAME.finditer(_container_part(self.server))
            if match["file"].replace("\\", "/").endswith(f"/{entry_script}") or match["file"] == entry_script
        ]
        return lines[-1] if lines else None

    def tail(self, lines: int) -> str:
        """Return the last lines of the server, or of the initializer when the server wrote nothing."""
        text = _container_part(self.server).strip() or self.initializer.strip()
        return "\n".join(text.splitlines()[-lines:])


def _container_part(text: str) -> str:
    """Return what the container wrote: Azure puts a table of phases and events before it."""
    return _CONTAINER.split(text, maxsplit=1)[-1]
