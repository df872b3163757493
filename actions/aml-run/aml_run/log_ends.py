"""The ends of the log files of a failed job, read once when it is over: what the report of a failure is made from.

What was relayed while the job ran is too little for it: a traceback may be longer than the lines that are kept of a file, and the
first error of an image build stands far above its end. Of a long log only the end is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from aml_run.signed_blobs import Unreadable, fetch, length

BUILD_LOG = "azureml-logs/20_image_build_log.txt"
USER_LOGS = re.compile(
    r"(?:retry-\d+/)?user_logs/std_log.*\.txt|azureml-logs/70_[^/]*driver_log[^/]*\.txt|logs/azureml/driver/std(?:out|err)"
)
"""Output of the processes of a script; also of the older runtime, and of the driver of a Spark job."""
_PARALLEL = re.compile(r"logs/user/error\.txt|logs/user/error/.+")
_JOB_LOGS = re.compile(r"logs/azureml/(?:executionlogs|stderrlogs)\.txt|azureml-logs/hyperdrive\.txt")
_SYSTEM = re.compile(
    r"system_logs/(?:data_capability|lifecycler|cs_capability|hosttools_capability|snapshot_capability)/.+"
)
_SIZES = {BUILD_LOG: 2 * 1024 * 1024}
"""Bytes from the end of a file. Of the build its first error is wanted."""
_SIZE = 128 * 1024
_MOST_FILES = 32
"""Files of one kind: a job of hundreds of processes has as many logs."""
_MOST_SYSTEM_FILES = 8
_AT_ONCE = 8
_LONGEST_LINE = 2000
"""Characters of a line that are kept."""
_MOST_LINES = 2000
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_SIGNATURE = re.compile(r"\b(sig|se|skoid|sv)=[^&\s\"']+")
_FIRST_ERROR = re.compile(
    r"^\W{0,20}(?:#\d{1,6} [\d.]{1,12} )?\W{0,20}(?:error|fatal|E)\b ?[:!]|\b[A-Z]\w{0,80}(?:Error|Exception|NotFound)\b: |"
    r"\bNo matching distribution found\b|\bResolutionImpossible\b|\bResolvePackageNotFound\b|No solution found|"
    r"returned a non-zero code|did not complete successfully|pull access denied|manifest for \S{1,300} not found|COPY failed",
    re.IGNORECASE,
)
_AROUND = 8
"""Lines of a build log that are shown from its first error on."""


@dataclass(frozen=True)
class LogEnd:
    """The end of a file.

    Attributes:
        lines: the last ones, long ones cut; signatures of addresses are taken out.
        first_error: the first line of an error in what was read and those below it; of the build only.
    """

    lines: list[str] = field(default_factory=list)
    first_error: list[str] = field(default_factory=list)


def read(
    log_files: Mapping[str, str],
    named: str = "",
    fetch: Callable[[str, int], bytes] = fetch,
    length: Callable[[str], int | None] = length,
    hide: Callable[[str], str] = lambda text: text,
) -> dict[str, LogEnd]:
    """Return the ends of the logs that tell why a job failed; one that cannot be read, or is empty, is left out.

    Args:
        log_files: names and signed URLs, as run history gives them.
        named: the file that the service's message names; it is read whatever else there is.
        fetch: reads a file from an offset.
        length: asks for the size of a file.
        hide: replaces known secrets.
    """

    def one(name: str) -> LogEnd | None:
        try:
            return parse(
                *_end(log_files[name], _SIZES.get(name, _SIZE), fetch, length), hide, is_build=name == BUILD_LOG
            )
        except Unreadable:  # what it would say is a help, not the failure itself
            return None

    def all_of(names: Sequence[str]) -> dict[str, LogEnd]:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            ends = dict(zip(names, pool.map(one, names), strict=True))
        return {name: end for name, end in ends.items() if end is not None and any(line.strip() for line in end.lines)}

    wanted = [*_some(log_files, USER_LOGS, _MOST_FILES), *_some(log_files, _PARALLEL, _MOST_FILES)]
    wanted += [BUILD_LOG] if BUILD_LOG in log_files else []
    wanted += _some(log_files, _JOB_LOGS, _MOST_FILES)
    if named in log_files:
        wanted = [named, *(name for name in wanted if name != named)]
    found = all_of(wanted)
    if not any(is_script(name) for name in found) and BUILD_LOG not in found:
        found |= all_of(_some(log_files, _SYSTEM, _MOST_SYSTEM_FILES))
    return found


def is_script(name: str) -> bool:
    """Tell whether a file holds what the user's own code wrote."""
    return bool(USER_LOGS.fullmatch(name) or _PARALLEL.fullmatch(name))


def _end(
    url: str, size: int, fetch: Callable[[str, int], bytes], length: Callable[[str], int | None]
) -> tuple[bytes, bool]:
    """Return the last bytes of a file, and whether they are all of it."""
    begin = offset = max(0, (length(url) or 0) - size)
    end = b""
    while data := fetch(url, offset):
        end = (end + data)[-2 * size :]
        offset += len(data)
    return end, begin == 0 and len(end) == offset


def _some(log_files: Mapping[str, str], pattern: re.Pattern[str], most: int) -> list[str]:
    return [name for name in sorted(log_files) if pattern.fullmatch(name)][:most]


def parse(
    data: bytes, whole: bool = True, hide: Callable[[str], str] = lambda text: text, *, is_build: bool = False
) -> LogEnd:
    """Return the end of a log from its last bytes, whatever they are.

    Args:
        data: the bytes.
        whole: they are the whole file; else the first line is cut somewhere, maybe within a secret, and left out.
        hide: replaces known secrets.
        is_build: it is the log of an image build.
    """
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n")
    if not whole:
        text = text.partition("\n")[2]
    lines = [_clean(line, hide) for line in hide(text).split("\n")]
    first_error: list[str] = []
    if is_build:
        start = next((number for number, line in enumerate(lines) if _FIRST_ERROR.search(line)), None)
        first_error = [] if start is None else lines[start : start + _AROUND]
    return LogEnd(lines[-_MOST_LINES:], first_error)


def _clean(line: str, hide: Callable[[str], str]) -> str:
    """Return a line as a terminal shows it: without what was written over, colours, signatures and secrets."""
    written = _ANSI.sub("", line.rstrip("\r").rsplit("\r", 1)[-1])
    return _SIGNATURE.sub(r"\1=***", hide(written))[:_LONGEST_LINE]
