"""What a fault is, read from JSON: the same members in the command, in the request header and in the file."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aml_emulator.faults import names

OF_REQUESTS = frozenset(
    ("status", "code", "message", "headers", "body", "delay", "drop", "bytes", "slow", "stale", "reads", "agent")
)
COMMON = frozenset(("operation", "count", "after", "seconds", "match"))

LONG_RUNNING: Mapping[str, str] = {
    "lro.any": "",
    "lro.workspace": "workspaces",
    "lro.compute": "computes",
    "lro.endpoint": "onlineEndpoints|batchEndpoints",
    "lro.deployment": "deployments",
}
"""Long-running operations, and the last segments of the types of their resources (empty: all)."""

OF_JOBS: Mapping[str, frozenset[str]] = {
    "jobs.stuck": frozenset(("code", "message")),
    "jobs.not_responding": frozenset(),
    "jobs.image_build": frozenset(("message", "log")),
    "jobs.state": frozenset(("state", "at")),
    "jobs.preempted": frozenset(("fails",)),
    "jobs.cancel_slow": frozenset(),
    "jobs.disagree": frozenset(("lagging",)),
    "nodes.cold": frozenset(),
}
"""What happens to jobs, and the members that say more of it."""

STAGES = ("Preparing", "Queued", "Starting", "Running", "Finalizing")
_DROPS = ("before", "answer", "body")
_STALE = ("missing", "older")
_LAGGING = ("arm", "history")
_TERMINAL = ("Completed", "Failed", "Canceled")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_FRAMING = ("content-length", "transfer-encoding", "connection")
_LONGEST = 86400.0
_KEPT_USES = 1000


@dataclass(frozen=True)
class Use:
    """One request, operation or job that a fault met. `method` is empty for what is no request."""

    time: str
    method: str
    path: str


@dataclass
class Fault:
    """What goes wrong, where, and how often.

    Attributes:
        id: number of the fault.
        source: command, header or file.
        operation: a name of `names.OPERATIONS`, `METHOD /regex`, or a name of `LONG_RUNNING` or `OF_JOBS`.
        count: how many requests, operations or jobs it meets; 0: all until it is taken back.
        after: how many it lets pass before.
        seconds: of a request: how long it goes on after the first one; of anything else: how long it takes (None: for ever, where
            that makes sense).
        match: text in the path of a request, the id of a resource or the name of a job (or of the job that it is a part of).
        agent: text in the User-Agent of a request.
        status: of the answer; None: the request is answered as ever.
        code: of the error; empty: the service's own for the status.
        message: of the error; empty: likewise.
        headers: more headers of the answer.
        body: text that is sent in place of the error, as HTML; empty: the error in the service's shape.
        delay: seconds before the request is looked at.
        drop: before: the connection is closed and nothing is done; answer: all is done, then it is closed without an answer;
            body: it is closed in the middle of the answer's body; empty: it is kept.
        bytes: of the body that are sent before it is closed; None: half.
        slow: bytes of the body a second; None: at once.
        stale: what reads answer after a write: missing (404) or older (the last answer before the write); empty: the truth.
        reads: how many reads are answered so; None: those within `seconds`.
        fails: whether the operation, or the job, fails.
        state: what the job shows.
        at: the stage of the job at which it does.
        log: text of the build log.
        lagging: which side shows the older state: arm or history.

    """

    id: int
    source: str
    operation: str
    count: int = 1
    after: int = 0
    seconds: float | None = None
    match: str = ""
    agent: str = ""
    status: int | None = None
    code: str = ""
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    delay: float = 0.0
    drop: str = ""
    bytes: int | None = None
    slow: int | None = None
    stale: str = ""
    reads: int | None = None
    fails: bool = False
    state: str = ""
    at: str = ""
    log: str = ""
    lagging: str = ""
    passed: int = 0
    used: int = 0
    uses: list[Use] = field(default_factory=list)
    first: float | None = None
    gone: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def used_up(self) -> bool:
        """Whether it has met as many as it was to meet."""
        return self.count != 0 and self.used >= self.count

    @property
    def of_requests(self) -> bool:
        """Whether it meets requests."""
        return self.operation not in LONG_RUNNING and self.operation not in OF_JOBS

    def note(self, use: Use) -> None:
        """Record a use; the newest are kept."""
        self.used += 1
        self.uses.append(use)
        del self.uses[:-_KEPT_USES]

    def shown(self) -> dict[str, Any]:
        """The fault as JSON: what it is, without what was not asked for, and its uses."""
        kept = ("id", "source", "operation", "count", "after", "used")
        found: dict[str, Any] = {name: getattr(self, name) for name in kept}
        for name in sorted((OF_REQUESTS | COMMON | {"fails", "state", "at", "log", "lagging"}) - set(kept)):
            value = getattr(self, name)
            if value not in (None, "", 0.0, False, {}):
                found[name] = value
        return {**found, "uses": [{"time": one.time, "method": one.method, "path": one.path} for one in self.uses]}


def read(body: object, number: int, source: str, *, operation: str | None = None) -> Fault:
    """A fault from JSON.

    Args:
        body: an object with `operation` and what `Fault` says.
        number: its id.
        source: command, header or file.
        operation: that of a header, which need not name one.

    Raises:
        ValueError: it is none; the message says what is wrong and what is allowed.

    """
    if not isinstance(body, dict):
        raise ValueError("A fault is a JSON object.")
    given = {name: value for name, value in body.items() if value is not None}
    name = given.get("operation", operation)
    if not isinstance(name, str) or not name:
        raise ValueError("A fault needs an operation.")
    allowed = _allowed(name)
    if unknown := sorted(given.keys() - allowed):
        raise ValueError(
            f"A fault of {name} has no member {', '.join(map(repr, unknown))}. Allowed: {', '.join(sorted(allowed))}."
        )
    made = Fault(
        number,
        source,
        name,
        after=int(_number(given, "after", 0, whole=True) or 0),
        seconds=_number(given, "seconds", None),
        match=_text(given, "match"),
        agent=_text(given, "agent"),
        status=_status(given),
        code=_text(given, "code"),
        message=_text(given, "message"),
        headers=_headers(given),
        body=_text(given, "body"),
        delay=_number(given, "delay", 0.0) or 0.0,
        drop=_word(given, "drop", _DROPS),
        bytes=_whole(given, "bytes"),
        slow=_whole(given, "slow", least=1),
        stale=_word(given, "stale", _STALE),
        reads=_whole(given, "reads", least=1),
        fails=_flag(given, "fails"),
        state=_text(given, "state"),
        at=_word(given, "at", STAGES) or "Running",
        log=_text(given, "log"),
        lagging=_word(given, "lagging", _LAGGING) or "arm",
    )
    if name != "jobs.state":
        made.at = ""
    if name != "jobs.disagree":
        made.lagging = ""
    lasts = made.of_requests and made.seconds is not None and not made.stale
    made.count = int(_number(given, "count", 0 if lasts else 1, whole=True) or 0)
    _check(made)
    return made


def _allowed(operation: str) -> frozenset[str]:
    if operation in LONG_RUNNING:
        return COMMON | {"code", "message", "fails"}
    if operation in OF_JOBS:
        return COMMON | OF_JOBS[operation]
    try:
        names.requests_of(operation)
    except ValueError as error:
        others = ", ".join((*LONG_RUNNING, *OF_JOBS))
        raise ValueError(f"{error} Of long-running operations and of jobs: {others}.") from None
    return COMMON | OF_REQUESTS


def _check(fault: Fault) -> None:
    """Refuse what would change nothing, or cannot be."""
    if fault.operation in LONG_RUNNING:
        fault.fails = fault.fails or bool(fault.code or fault.message)
        if not fault.fails and fault.seconds is None:
            raise ValueError(
                f"A fault of {fault.operation} needs seconds (how much longer it takes), fails, or a code or message to fail with."
            )
        return
    if fault.operation in OF_JOBS:
        _check_job(fault)
        return
    changes = (fault.status, fault.headers, fault.delay, fault.drop, fault.slow, fault.stale)
    if not any(changes):
        raise ValueError(
            "A fault of requests needs one of status, headers, delay, drop, slow and stale: without them nothing would be different."
        )
    if (fault.code or fault.message or fault.body) and fault.status is None:
        raise ValueError("code, message and body are those of an error: they need a status.")
    if fault.bytes is not None and fault.drop != "body":
        raise ValueError("bytes says where the body is cut off: it needs drop: body.")
    if fault.stale and fault.seconds is None and fault.reads is None:
        raise ValueError("stale needs seconds or reads: how long the reads after a write are answered so.")
    if fault.reads is not None and not fault.stale:
        raise ValueError("reads counts the answers of stale: it needs stale: missing or older.")


def _check_job(fault: Fault) -> None:
    if fault.operation == "jobs.state" and not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", fault.state):
        raise ValueError("jobs.state needs a state, a word such as Paused, NotResponding, Provisioning or Frozen.")
    if fault.state in _TERMINAL:
        raise ValueError(f"jobs.state shows a job that goes on in a state that it is not in; {fault.state} is an end.")
    if fault.operation in ("jobs.disagree", "jobs.preempted", "nodes.cold") and fault.seconds is None:
        raise ValueError(f"{fault.operation} needs seconds.")


def _number(given: Mapping[str, Any], name: str, default: float | None, *, whole: bool = False) -> float | None:
    value = given.get(name, default)
    if value is None:
        return None
    kinds = int if whole else (int, float)
    if (
        isinstance(value, bool)
        or not isinstance(value, kinds)
        or not math.isfinite(value)
        or not 0 <= value <= _LONGEST
    ):
        raise ValueError(
            f"{name} is {'a whole number' if whole else 'a number'} from 0 to {_LONGEST:.0f}, not {value!r}."
        )
    return value


def _whole(given: Mapping[str, Any], name: str, least: int = 0) -> int | None:
    value = given.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
        raise ValueError(f"{name} is a whole number from {least}, not {value!r}.")
    return value


def _status(given: Mapping[str, Any]) -> int | None:
    value = given.get("status")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 300 <= value <= 599):
        raise ValueError(f"status is a number from 300 to 599, not {value!r}.")
    return value


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{name} is a text, not {value!r}.")
    return value


def _flag(given: Mapping[str, Any], name: str) -> bool:
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise ValueError(f"{name} is true or false, not {value!r}.")
    return value


def _word(given: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    value = given.get(name, "")
    if value != "" and value not in allowed:
        raise ValueError(f"{name} is one of {', '.join(allowed)}, not {value!r}.")
    return str(value)


def _headers(given: Mapping[str, Any]) -> dict[str, str]:
    found = given.get("headers", {})
    if not isinstance(found, dict):
        raise ValueError("headers is an object of texts.")
    for name, value in found.items():
        right = isinstance(value, str) and value.isprintable() and value.isascii()
        if not _HEADER.fullmatch(name) or not right or name.lower() in _FRAMING:
            raise ValueError(f"{name!r} cannot be a header of an answer with the value {value!r}.")
    return dict(found)
