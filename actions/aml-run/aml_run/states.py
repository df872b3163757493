"""Every state that a job can be in: what it means, how long it may last, and what to do when it lasts longer.

The words are those of the service (``JobStatus``, and run history's, which are the same ones): 14 in all. ``Scheduled`` is none of
them. A word that is not in the table is one that a later service knows, and is treated as ``Unknown``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

_MINUTE = 60.0


class Kind(Enum):
    """What a state means for somebody who waits."""

    END = "end"
    """The job does not leave it."""
    PASSING = "passing"
    """The job may be in it for as long as it takes."""
    LOST = "lost"
    """The job leaves it within a bound, or is given up."""
    UNKNOWN = "unknown"
    """Nobody knows; bounded as well."""


@dataclass(frozen=True)
class State:
    """One state.

    Attributes:
        name: in the service's words.
        kind: what it means for somebody who waits.
        meaning: a clause that says what the job does, or what became of it.
        cause: why a job stays in it, or ended in it.
        fix: what to do about that.
        advise: seconds in it after which cause and fix are said once; None: never.
        bound: seconds in it after which the job is given up; None: there is no bound.

    """

    name: str
    kind: Kind
    meaning: str
    cause: str
    fix: str
    advise: float | None = None
    bound: float | None = None


_LOST = 15 * _MINUTE
"""Bound of states that a job normally leaves by itself."""

_STATES = (
    State(
        "NotStarted",
        Kind.PASSING,
        "it was accepted and waits to be scheduled",
        "an incident of the service, a parent job that waits for an earlier step, or a region that cannot be reached",
        "look at the job in Studio; after 30 minutes cancel it and submit it anew, then ask Azure's support",
        advise=10 * _MINUTE,
    ),
    State(
        "Starting",
        Kind.PASSING,
        "the service takes the job: code, compute, identity",
        "a large code folder, or a compute, identity or connection that is still looked for",
        "leave data and .git out of the code folder with .amlignore; look at the job in Studio",
        advise=10 * _MINUTE,
    ),
    State(
        "Provisioning",
        Kind.PASSING,
        "its compute is being made",
        "no quota or no capacity for this family of sizes (serverless compute)",
        "`az ml compute list-usage --location <region>` shows the quota; name another size in the job, or a cluster",
        advise=15 * _MINUTE,
    ),
    State(
        "Preparing",
        Kind.PASSING,
        "its environment is being built, or its pipeline laid out",
        "the image of the environment is built: conda looks for packages that fit together, and needs a node of its own",
        "pin the versions of the packages, or use a prebuilt image",
        advise=30 * _MINUTE,
    ),
    State(
        "Queued",
        Kind.PASSING,
        "it waits for nodes",
        "other jobs have the nodes, the cluster may not grow, or Azure has no such machine now",
        "wait, raise the largest number of nodes, or choose another size",
        advise=8 * _MINUTE,
    ),
    State(
        "Running",
        Kind.PASSING,
        "it runs: image, data, then the script",
        "a large image or data that is downloaded, or a script that waits for something",
        "look at its last lines and its logs",
    ),
    State(
        "Finalizing",
        Kind.PASSING,
        "its outputs are uploaded",
        "outputs with many files in the mode `upload`",
        "use `mode: rw_mount` for the output; after an hour ask Azure's support",
        advise=15 * _MINUTE,
    ),
    State(
        "CancelRequested",
        Kind.LOST,
        "it is being cancelled",
        "its node cannot be reached, or the script ignores SIGTERM",
        "look at the job in Studio; scale the cluster down if the node hangs",
        advise=5 * _MINUTE,
        bound=60 * _MINUTE,
    ),
    State(
        "Completed",
        Kind.END,
        "it is done, with its outputs",
        "",
        "",
    ),
    State(
        "Failed",
        Kind.END,
        "it failed",
        "the script, its environment or its compute; the error and the log say which",
        "see the error of the job",
    ),
    State(
        "Canceled",
        Kind.END,
        "it was cancelled",
        "a person, its time limit (`limits.timeout`), a failed parent job, or a low-priority node that was taken away",
        "compare its duration with `limits.timeout`; the activity log of the workspace says who cancelled it",
    ),
    State(
        "NotResponding",
        Kind.LOST,
        "its node does not answer",
        "its node was lost: out of memory, taken away (low priority), or cut off from the network",
        "use a larger size or a dedicated node, and save checkpoints; then run the workflow again",
        advise=2 * _MINUTE,
        bound=_LOST,
    ),
    State(
        "Paused",
        Kind.LOST,
        "it is paused",
        "somebody, or the scheduler of a shared cluster, has paused it",
        "resume or cancel it in Studio",
        advise=2 * _MINUTE,
        bound=60 * _MINUTE,
    ),
    State(
        "Unknown",
        Kind.UNKNOWN,
        "the service does not say what it does",
        "the service has a state that this version does not know",
        "look at the job in Studio; use a newer version of the action",
        advise=0.0,
        bound=_LOST,
    ),
)

TABLE: Mapping[str, State] = {state.name: state for state in _STATES}
"""All of them, by name."""

SILENT = State(
    "",
    Kind.UNKNOWN,
    "nobody knows what it does",
    "run history does not answer at the moment: an incident of the service, or a network that does not reach it",
    "look at the job in Studio; run the workflow again when the service answers",
)
"""What holds while the service does not answer."""

GREEN = "Completed"
"""The only state with which a step is green."""


def state_of(name: str) -> State:
    """Return what is known of a state; of one that is not in the table, what holds for ``Unknown``, under its own name."""
    known = TABLE.get(name)
    if known is not None:
        return known
    unknown = TABLE["Unknown"]
    return State(
        name or unknown.name,
        Kind.UNKNOWN,
        unknown.meaning,
        unknown.cause,
        unknown.fix,
        advise=unknown.advise,
        bound=unknown.bound,
    )


def green(name: str) -> bool:
    """Tell whether a job in this state is what was asked for."""
    return name == GREEN


def ended(name: str) -> bool:
    """Tell whether a job in this state has ended for good."""
    return state_of(name).kind is Kind.END
