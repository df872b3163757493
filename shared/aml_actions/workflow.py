"""What a step tells the GitHub runner: log lines, commands, outputs, the job summary.

`actions-toolkit` knows the encodings and is used for them. It writes to the process's standard output without flushing, masks a
multi-line secret as one value, has no job summary and no groups as context managers: that is what this class adds.
Only its modules `command` and `file_command` are imported; `core` would bring `requests` in, 0.3 s.
"""

from __future__ import annotations

import base64
import json
import re
import secrets as random
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from actions_toolkit.command import Command
from actions_toolkit.file_command import prepare_key_value_message

_LOOKS_LIKE_COMMAND = re.compile(r"(?:^|[\r\n])[^\S\r\n]*::|##\[")
_SUMMARY_LIMIT = 1_000_000
"""Bytes; the runner drops the summary of a step that is larger than 1 MiB."""
_SHORTEST_HIDDEN = 4
"""Characters; a shorter line of a secret (a brace, a dash) would hide half of the log."""
_SHORTEST_HIDDEN_IN_FILES = 8
"""Characters; in outputs and summaries, which programs read, a short secret such as a user name stays as it is."""


class Workflow:
    """The runner's side of one step."""

    def __init__(
        self,
        stream: TextIO,
        *,
        output_file: Path | None = None,
        summary_file: Path | None = None,
        outputs: Collection[str] = (),
        step_debug: bool = False,
    ) -> None:
        """Write log lines and commands to `stream`.

        Args:
            stream: the step's standard output.
            output_file: value of GITHUB_OUTPUT; without it outputs are only logged.
            summary_file: value of GITHUB_STEP_SUMMARY; without it summaries are dropped.
            outputs: the names that may be set.
            step_debug: the user switched step debug logging on.
        """
        self.step_debug = step_debug
        self._stream = stream
        self._output_file = output_file
        self._summary_file = summary_file
        self._declared = frozenset(outputs)
        self._hidden: list[str] = []

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], stream: TextIO, outputs: Collection[str]) -> Workflow:
        """Take the file commands and the debug switch from the environment of a step."""

        def path(name: str) -> Path | None:
            return Path(environ[name]) if environ.get(name) else None

        return cls(
            stream,
            output_file=path("GITHUB_OUTPUT"),
            summary_file=path("GITHUB_STEP_SUMMARY"),
            outputs=outputs,
            step_debug=environ.get("RUNNER_DEBUG") == "1",
        )

    # --- secrets

    def mask(self, secret: str) -> None:
        """Tell the runner to hide a secret: the whole, every line of it, and its base64 form.

        From then on this object hides it too, in everything that it writes.
        """
        value = secret.strip()
        if not value:
            return
        lines = [line.strip() for line in value.splitlines()]
        encoded = base64.b64encode(value.encode()).decode()
        candidates = [value, encoded, *(line for line in lines if len(line) >= _SHORTEST_HIDDEN)]
        for part in dict.fromkeys(candidates):
            self._command("add-mask", part, hide=False)
            if part not in self._hidden:
                self._hidden.append(part)
        self._hidden.sort(key=len, reverse=True)

    def hide(self, text: str, shortest: int = 1) -> str:
        """Return the text with every masked secret of at least `shortest` characters replaced by ``***``."""
        for secret in self._hidden:
            if len(secret) >= shortest:
                text = text.replace(secret, "***")
        return text

    @property
    def longest_secret(self) -> int:
        """Characters of the longest secret that `hide` knows: who cuts a text must not cut within so many."""
        return len(self._hidden[0]) if self._hidden else 0

    # --- log

    def info(self, text: str) -> None:
        """Print our own text; what looks like a command in it is printed, not obeyed."""
        if _LOOKS_LIKE_COMMAND.search(text):
            self.relay(text)
        else:
            self._write(self.hide(text))

    def relay(self, text: str) -> None:
        """Print text from elsewhere (a job's log, a service's answer) so that the runner never interprets it."""
        token = random.token_hex(16)
        self._write(f"::stop-commands::{token}\n{self.hide(text.rstrip())}\n::{token}::")

    def debug(self, text: str) -> None:
        """Print a line that is visible only with step debug logging."""
        self._command("debug", text)

    def notice(self, text: str, title: str | None = None) -> None:
        """Add an annotation of level notice."""
        self._command("notice", text, title=title)

    def warning(self, text: str, title: str | None = None, file: str | None = None, line: int | None = None) -> None:
        """Add an annotation of level warning, shown at a line of a file as for `error`."""
        self._command("warning", text, title=title, file=file, line=line)

    def error(self, text: str, title: str | None = None, file: str | None = None, line: int | None = None) -> None:
        """Add an annotation of level error; `file` is relative to the repository, `line` counts from 1."""
        self._command("error", text, title=title, file=file, line=line)

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        """Fold the log lines of the block under a title."""
        self._command("group", title)
        try:
            yield
        finally:
            self._command("endgroup", "")

    # --- files

    def set_output(self, name: str, value: Any) -> None:  # noqa: ANN401 - anything that JSON can hold
        """Set an output of the step; what is not a string is written as JSON.

        Raises:
            ValueError: the action does not declare the output.
        """
        text = self._output(name, value)
        if self._output_file is None:
            self.info(f"output {name}={text}")
            return
        self._append(self._output_file, prepare_key_value_message(name, text) + "\n")

    def summary(self, markdown: str) -> None:
        """Append Markdown to the job summary of the step; what exceeds the runner's limit is cut, visibly."""
        if self._summary_file is None:
            return
        text = self._summary_text(markdown)
        used = self._summary_file.stat().st_size if self._summary_file.exists() else 0
        room = _SUMMARY_LIMIT - used
        if len(text.encode()) > room:
            note = "\n\n(The rest is left out: the runner takes 1 MiB of summary for a step.)\n"
            text = text.encode()[: max(0, room - len(note))].decode(errors="ignore") + note if room > len(note) else ""
        self._append(self._summary_file, text)

    @contextmanager
    def beside(self, stream: TextIO) -> Iterator[None]:
        """Write to another stream in the block: the runner must hear commands while standard output goes elsewhere."""
        kept, self._stream = self._stream, stream
        try:
            yield
        finally:
            self._stream = kept

    def writes_to(self, descriptor: int) -> bool:
        """Tell whether lines and commands go to a file descriptor, 1 for standard output."""
        try:
            return self._stream.fileno() == descriptor
        except OSError:  # a stream in memory
            return False

    # --- inside

    def _output(self, name: str, value: Any) -> str:  # noqa: ANN401 - anything that JSON can hold
        """Return the text of an output, its secrets hidden; refuse one that the action does not declare."""
        if name not in self._declared:
            raise ValueError(f"output {name!r} is not declared in the action's spec")
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return self.hide(text, _SHORTEST_HIDDEN_IN_FILES)

    def _summary_text(self, markdown: str) -> str:
        return self.hide(markdown, _SHORTEST_HIDDEN_IN_FILES).rstrip() + "\n\n"

    def _command(self, name: str, message: str, *, hide: bool = True, **properties: str | int | None) -> None:
        given = {key: str(value) for key, value in properties.items() if value is not None}
        if hide:
            message = self.hide(message)
            given = {key: self.hide(value) for key, value in given.items()}
        self._write(str(Command(name, given, message)))

    def _write(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()

    @staticmethod
    def _append(file: Path, text: str) -> None:
        with file.open("a", encoding="utf-8", newline="") as stream:
            stream.write(text)
