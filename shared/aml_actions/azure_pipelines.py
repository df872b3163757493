"""What a step tells the agent of Azure Pipelines: the same calls as for the GitHub runner, in the agent's own commands.

Facts: the escaping of azure-pipelines-task-lib 5 and the page on logging commands of Azure DevOps. The agent looks for commands
anywhere in a line and has nothing that stops it, so what comes from elsewhere is changed where it holds one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TextIO

from aml_actions.workflow import Workflow

MARK = "TF_BUILD"
"""The variable that the agent sets in every step."""
_COMMAND = re.compile(r"##(?=vso\[|\[)", re.IGNORECASE)
_ISSUES = frozenset({"warning", "error"})


class AzurePipelines(Workflow):
    """The agent's side of one step."""

    def __init__(
        self, stream: TextIO, *, folder: Path, outputs: Collection[str] = (), step_debug: bool = False
    ) -> None:
        """Write log lines and commands to `stream`.

        Args:
            stream: the step's standard output.
            folder: for summaries, which the agent reads from files; it empties the folder after the job.
            outputs: the names that may be set.
            step_debug: the user switched system diagnostics on.
        """
        super().__init__(stream, outputs=outputs, step_debug=step_debug)
        self._folder = folder
        self._summaries = 0

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], stream: TextIO, outputs: Collection[str]) -> AzurePipelines:
        """Take folder and debug switch from the environment of a step."""
        return cls(
            stream,
            folder=Path(environ.get("AGENT_TEMPDIRECTORY") or "."),
            outputs=outputs,
            step_debug=environ.get("SYSTEM_DEBUG", "").lower() == "true",
        )

    def info(self, text: str) -> None:
        """Print our own text; what looks like a command in it is printed, not obeyed."""
        self._write(defused(self.hide(text)))

    def relay(self, text: str) -> None:
        """Print text from elsewhere; a command in it is printed with a space that makes it none."""
        self._write(defused(self.hide(text.rstrip())))

    def set_output(self, name: str, value: Any) -> None:  # noqa: ANN401 - anything that JSON can hold
        """Set an output variable of the step; later steps read it as ``$(<step>.<name>)``.

        Raises:
            ValueError: the action does not declare the output.
        """
        text = self._output(name, value)
        self._write(f"##vso[task.setvariable variable={_property(name)};isOutput=true]{_data(text)}")

    def summary(self, markdown: str) -> None:
        """Add a section to the page of the run (tab Extensions): each in a file of its own, which the agent uploads."""
        self._folder.mkdir(parents=True, exist_ok=True)
        while (file := self._folder / f"aml-summary-{self._summaries}.md").exists():
            self._summaries += 1
        file.write_text(self._summary_text(markdown), encoding="utf-8")
        self._write(f"##vso[task.uploadsummary]{_data(str(file.absolute()))}")

    def _command(self, name: str, message: str, *, hide: bool = True, **properties: str | int | None) -> None:
        if hide:
            message = self.hide(message)
        if name == "add-mask":
            if "\n" not in message and "\r" not in message:  # the agent masks line by line
                self._write(f"##vso[task.setsecret]{_data(message)}")
        elif name in _ISSUES:
            title = properties.get("title")
            given = {
                "type": name,
                "sourcepath": properties.get("file"),
                "linenumber": properties.get("line"),
            }
            shown = ";".join(
                f"{key}={_property(self.hide(str(value)))}" for key, value in given.items() if value is not None
            )
            self._write(f"##vso[task.logissue {shown}]{_data(f'{title}: {message}' if title else message)}")
        elif name in ("group", "endgroup", "debug"):
            for line in defused(message).splitlines() or [""]:
                self._write(f"##[{name}]{line}")
        else:  # there is no notice
            self._write(defused(message))


def defused(text: str) -> str:
    """Return a text in which nothing is a command of the agent."""
    return _COMMAND.sub("# #", text)


def _data(text: str) -> str:
    return text.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace("]", "%5D").replace(";", "%3B")
