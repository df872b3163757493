"""The log files of a running job, read as they grow and relayed so that the runner obeys nothing in them."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from aml_actions.workflow import Workflow
from aml_run import local_files, signed_blobs
from aml_run.log_lines import Lines, harmless
from aml_run.signed_blobs import Replaced, Unreadable, fetch

_SHOWN = {
    "Environment": re.compile(r"azureml-logs/20_image_build_log\.txt"),
    "Preparation": re.compile(r"azureml-logs/(?:55_azureml-execution|65_job_prep)[^/]*\.txt"),
    "Output": re.compile(r"(?:retry-\d+/)?user_logs/std_log.*\.txt|azureml-logs/70_[^/]*driver_log[^/]*\.txt"),
    "Driver": re.compile(r"logs/azureml/driver/std(?:out|err)"),
    "Parallel": re.compile(r"logs/job_progress_overview\.txt|logs/user/(?:error\.txt|std(?:out|err)/.+\.txt|error/.+)"),
    "Pipeline": re.compile(r"logs/azureml/executionlogs\.txt"),
    "Sweep": re.compile(r"azureml-logs/hyperdrive\.txt"),
    "End": re.compile(r"azureml-logs/75_job_post[^/]*\.txt"),
}
"""Build of the environment, output of every process of the script, a Spark driver, a parallel step, steps of a pipeline, trials of a
sweep; 55, 65, 70 and 75 are the files of the older runtime."""
_SYSTEM = {"System": re.compile(r"system_logs/.+|logs/azureml/(?:stdout|stderr)logs\.txt|logs/sys/.+")}
"""What the service says of itself: many lines about nothing, so they are shown with step debug logging alone."""
_SLICE = 64 * 1024
"""Bytes that are split into lines at once: lines take several times their bytes of memory."""
_CHUNKS_OF_A_POLL = 16
"""Requests for one file before others have their turn: a job may write faster than we read."""
_ATTEMPTS = (0.0, 0.5, 2.0)
"""Seconds before each attempt to read the log of a job that has ended; while it runs, the next poll asks again."""
RELAY_LIMIT = 20 * 1024 * 1024
"""Characters of one file that are printed unless told otherwise: the runner's log is no store. Studio has all of it."""
TAIL = 30
"""Lines of each file that are kept for the report of a failure."""
_TAIL_LINE = 4096
"""Characters of such a line."""


def _ordered(names: Iterable[str], kinds: Mapping[str, re.Pattern[str]]) -> dict[str, str]:
    """Return the names to show, in the order of their kinds, of nodes and of processes (2 before 10), with their kinds."""

    def key(name: str) -> list[tuple[int, str]]:
        return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]

    given = sorted(names, key=key)
    return {name: kind for kind, pattern in kinds.items() for name in given if pattern.fullmatch(name)}


class _LogFile:
    """What is known of one file."""

    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow
        self.printed = 0
        self.cut = False
        self.copy: Path | None = None
        self.restart()

    def restart(self) -> None:
        """Begin anew, as the file did."""
        self.offset = 0
        self.lines = Lines(self._workflow.hide, lambda: self._workflow.longest_secret)
        self.tail: deque[str] = deque(maxlen=TAIL)

    def keep_end(self, lines: list[str]) -> None:
        """Keep the last lines; a long one is cut after its secrets are hidden, so that none is cut in two."""
        for line in lines[-TAIL:]:
            self.tail.append(line if len(line) <= _TAIL_LINE else self.lines.shown(line)[:_TAIL_LINE])


class LogRelay:
    """Prints what is new in a job's log files, folded by file; what is said in between begins a new group."""

    def __init__(
        self,
        workflow: Workflow,
        fetch: Callable[[str, int], bytes] = fetch,
        label: str = "",
        *,
        limit: int = RELAY_LIMIT,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Print to `workflow` what `fetch` reads.

        Args:
            workflow: hears the lines, knows the secrets.
            fetch: reads a file from an offset on.
            label: begins the titles where the logs of several jobs are shown.
            limit: characters of each file that are printed; the end of a longer one is kept for `tails`.
            sleep: waits for seconds.
        """
        self._workflow = workflow
        self._fetch = fetch
        self._label = f"{harmless(label)} · " if label else ""
        self._limit = limit
        self._sleep = sleep
        self._kinds = {**_SHOWN, **_SYSTEM} if workflow.step_debug else _SHOWN
        self._files: dict[str, _LogFile] = {}
        self._group = ExitStack()
        self._group_title = ""
        self._folder: Path | None = None
        self.problem = ""

    def __enter__(self) -> LogRelay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end_group()

    @property
    def tails(self) -> dict[str, list[str]]:
        """The last lines of every file that was read, without secrets."""
        return {name: [file.lines.shown(line) for line in file.tail] for name, file in self._files.items() if file.tail}

    def save_to(self, folder: Path) -> None:
        """Keep whole files below a folder, under their names: what is read once need not be downloaded again."""
        self._folder = folder

    def relay(self, log_files: Mapping[str, str], *, final: bool = False) -> bool:
        """Print what is new.

        Args:
            log_files: names and signed URLs, as run history gives them.
            final: the job has ended; print an unfinished last line too.

        Returns:
            Whether there was anything.

        """
        printed = False
        for name, kind in _ordered(log_files, self._kinds).items():
            title = f"{self._label}{kind}: {harmless(name)}"
            printed |= self._relay_file(name, log_files[name], title, final)
        return printed

    def _relay_file(self, name: str, url: str, title: str, final: bool) -> bool:
        file = self._files.get(name)
        if file is None:
            file = self._files[name] = _LogFile(self._workflow)
            file.copy = self._begin_copy(name)
        printed = False
        requests = 0
        while data := self._read(file, name, url, final):
            requests += 1
            self._keep(file, data)
            file.offset += len(data)
            for start in range(0, len(data), _SLICE):
                printed |= self._show(file, name, title, file.lines.feed(data[start : start + _SLICE]))
            # Unless the job has ended, a short answer says that this was all.
            if not final and (len(data) < signed_blobs.CHUNK or requests == _CHUNKS_OF_A_POLL):
                break
        if final:
            printed |= self._show(file, name, title, file.lines.finish())
            if file.cut:
                self._print(f"{title} (its end)", [file.lines.shown(line) for line in file.tail])
        return printed

    def _read(self, file: _LogFile, name: str, url: str, final: bool) -> bytes:
        """Return what follows; nothing if it cannot be read, which `problem` tells."""
        for wait in _ATTEMPTS if final else _ATTEMPTS[:1]:
            if wait:
                self._sleep(wait)
            try:
                return self._fetch(url, file.offset)
            except Replaced as error:
                self.end_group()
                self._workflow.info(
                    f"{self._label}{harmless(name)} was begun anew ({error}); it is shown from its beginning."
                )
                file.restart()
                file.copy = self._begin_copy(name)
            except Unreadable as error:
                self.problem = f"{name}: {error}"
        return b""

    def _show(self, file: _LogFile, name: str, title: str, lines: list[str]) -> bool:
        """Print lines as far as the limit allows, and keep the last ones."""
        if not lines:
            return False
        file.keep_end(lines)
        if file.cut:
            return False
        shown = []
        for line in lines:
            if file.printed >= self._limit:
                file.cut = True
                break
            shown.append(file.lines.shown(line))
            file.printed += len(line) + 1
        if shown:
            self._print(title, shown)
        if file.cut:
            self.end_group()
            self._workflow.info(
                f"{self._label}{harmless(name)} is longer than {_size(self._limit)}, the limit of what is printed (log_limit_mb); "
                "the rest of it is in Studio, and with download_artifacts among the artifacts."
            )
        return bool(shown)

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

    # --- copies on disk

    def _begin_copy(self, name: str) -> Path | None:
        path = local_files.inside(self._folder, name) if self._folder else None
        if path is None:
            return None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
        except OSError as error:
            self._workflow.debug(f"{name} is not kept on disk: {error}")
            return None
        return path

    def _keep(self, file: _LogFile, data: bytes) -> None:
        """Append to the copy; without room on the disk there is none, and the artifacts bring the file."""
        if file.copy is None:
            return
        try:
            with file.copy.open("ab") as stream:
                stream.write(data)
        except OSError as error:
            self._workflow.debug(f"{file.copy.name} is not kept on disk: {error}")
            file.copy.unlink(missing_ok=True)
            file.copy = None


def _size(number: int) -> str:
    megabytes = number / (1024 * 1024)
    return f"{megabytes:.3g} MB" if megabytes >= 0.01 else f"{number:,} bytes"
