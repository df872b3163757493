"""The log files of a running job, read as they grow and relayed so that the runner obeys nothing in them."""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType

from aml_actions.workflow import Workflow

_SHOWN = {
    "Environment": re.compile(r"azureml-logs/20_image_build_log\.txt"),
    "Output": re.compile(r"user_logs/std_log.*\.txt"),
    "Pipeline": re.compile(r"logs/azureml/executionlogs\.txt"),
    "Sweep": re.compile(r"azureml-logs/hyperdrive\.txt"),
}
"""Build of the environment, output of every process of the script, steps of a pipeline, trials of a sweep."""
CHUNK = 4 * 1024 * 1024
"""Bytes of one request."""
RELAY_LIMIT = 20 * 1024 * 1024
"""Bytes of one file that are printed: the runner's log is no store. Studio has all of it."""
TAIL = 30
"""Lines of each file that are kept for the report of a failure."""
_TAIL_BYTES = 16 * 1024
"""Bytes from the end of a file that hold its last lines."""
_MOST_FOR_TAIL = 64 * 1024 * 1024
"""Bytes of a file that are read for its last lines; of a longer one these are the last that are looked at."""


class Unreadable(Exception):
    """A log file could not be read now; the text says why, without the signed URL."""


def fetch(url: str, offset: int) -> bytes:
    """Return what a blob holds from `offset` on, at most `CHUNK` bytes; nothing new and not yet there are empty.

    Raises:
        Unreadable: any other answer, or none.

    """
    import requests

    headers = {"Range": f"bytes={offset}-{offset + CHUNK - 1}", "Accept-Encoding": "identity"}
    try:
        answer = requests.get(url, headers=headers, timeout=(10, 60))
    except requests.RequestException as error:
        # The text of the exception holds the URL, and with it the signature.
        raise Unreadable(type(error).__name__) from None
    if answer.status_code in (404, 416):
        return b""
    if answer.status_code == 206:
        return answer.content
    if answer.status_code == 200:
        return answer.content[offset : offset + CHUNK]
    raise Unreadable(f"HTTP {answer.status_code} {answer.headers.get('x-ms-error-code', '')}".strip())


def tails_of(log_files: Mapping[str, str], fetch: Callable[[str, int], bytes] = fetch) -> dict[str, list[str]]:
    """Return the last lines of the log files of a job that has ended and whose log was not relayed, such as a failed step's.

    A file that cannot be read is left out: what it would say is a help, not the failure itself.
    """
    tails = {}
    for name, url in log_files.items():
        if not any(pattern.fullmatch(name) for pattern in _SHOWN.values()):
            continue
        end = b""
        offset = 0
        try:
            while offset < _MOST_FOR_TAIL and (data := fetch(url, offset)):
                end = (end + data)[-_TAIL_BYTES:]
                offset += len(data)
        except Unreadable:
            continue
        lines = end.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n").split("\n")[-TAIL:]
        if any(line.strip() for line in lines):
            tails[name] = lines
    return tails


@dataclass
class _LogFile:
    offset: int = 0
    rest: str = ""
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL))
    decoder: codecs.IncrementalDecoder = field(default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace"))

    def lines(self, data: bytes, *, final: bool = False) -> list[str]:
        """Return the complete lines of new bytes; with `final` what is left too."""
        self.offset += len(data)
        text = (self.rest + self.decoder.decode(data, final)).replace("\r\n", "\n")
        *lines, self.rest = text.split("\n")
        if final and self.rest:
            lines, self.rest = [*lines, self.rest], ""
        self.tail.extend(lines)
        return lines


class LogRelay:
    """Prints what is new in a job's log files, folded by file; what is said in between begins a new group."""

    def __init__(self, workflow: Workflow, fetch: Callable[[str, int], bytes] = fetch, label: str = "") -> None:
        """Print to `workflow` what `fetch` reads; `label` begins the titles where the logs of several jobs are shown."""
        self._workflow = workflow
        self._fetch = fetch
        self._label = f"{label} · " if label else ""
        self._files: dict[str, _LogFile] = {}
        self._group = ExitStack()
        self._group_title = ""
        self.problem = ""

    def __enter__(self) -> LogRelay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end_group()

    @property
    def tails(self) -> dict[str, list[str]]:
        """The last lines of every file that was read."""
        return {name: list(file.tail) for name, file in self._files.items() if file.tail}

    def relay(self, log_files: Mapping[str, str], *, final: bool = False) -> bool:
        """Print what is new.

        Args:
            log_files: names and signed URLs, as run history gives them.
            final: the job has ended; print an unfinished last line too.

        Returns:
            Whether there was anything.

        """
        printed = False
        for label, pattern in _SHOWN.items():
            for name in sorted(name for name in log_files if pattern.fullmatch(name)):
                printed |= self._relay_file(name, log_files[name], f"{self._label}{label}: {name}", final)
        return printed

    def _relay_file(self, name: str, url: str, title: str, final: bool) -> bool:
        file = self._files.setdefault(name, _LogFile())
        printed = False
        failures = 0
        while True:
            try:
                data = self._fetch(url, file.offset)
            except Unreadable as error:
                self.problem = f"{name}: {error}"
                failures += 1
                # While the job runs, the next poll asks again; at its end there is no next one.
                if final and failures < 3:
                    continue
                return printed
            more = len(data) == CHUNK
            within = file.offset < RELAY_LIMIT
            lines = file.lines(data, final=final and not more)
            if lines and within:
                self._print(title, lines)
                printed = True
                if file.offset >= RELAY_LIMIT:
                    self._workflow.info(
                        f"{self._label}{name} is longer than {RELAY_LIMIT >> 20} MiB; the rest of it is in Studio."
                    )
            if not more:
                return printed

    def _print(self, title: str, lines: list[str]) -> None:
        if title != self._group_title:
            self.end_group()
            self._group.enter_context(self._workflow.group(title))
            self._group_title = title
        self._workflow.relay("\n".join(lines))

    def end_group(self) -> None:
        """Close the group, so that a line of our own is not folded away."""
        self._group.close()
        self._group_title = ""
