"""What tells why a job failed beside its error: its child jobs, the ends of its logs, the line of the repository, circumstances."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aml_actions.data_plane import DataPlane
from aml_actions.polling import duration
from aml_actions.run_history import ChildRun, Run, RunDetails
from aml_actions.service_error import ServiceError
from aml_run import automl_error, failure, log_ends, metrics, source_lines
from aml_run.learned import Learned
from aml_run.log_ends import BUILD_LOG, LogEnd
from aml_run.source_lines import Place
from aml_run.usage import used

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

_MEMORY = re.compile(r"system/(?:system|gpu_\d+)_memory_usage_percentage")
"""Metrics that MLflow logs when `mlflow.enable_system_metrics_logging()` is on."""
_FULL = 90.0
"""Percent of memory from which on a killed process was killed for it."""
_TAKEN_AWAY = frozenset({None, 137, 143, -9, -15})
"""Exit codes that a node may leave that was taken away."""
_MOST_ASKED = 20
"""Failed child jobs whose logs are looked for: a sweep may have hundreds, all failed alike."""
_MEMORY_CODES = frozenset({137, -9})


@dataclass(frozen=True)
class Evidence:
    """What was found out about a job that did not complete.

    Attributes:
        error: of the job; of AutoML the one that only its properties have.
        children: the jobs that it started.
        culprit: the child job that failed first; None when it is the job itself.
        tails: last lines of each log file of the culprit or the job.
        first_error: lines of the build log from its first error on.
        place: line of the repository.
        circumstances: sentences.
        learned: what it took, and its tags.
    """

    error: ServiceError | None = None
    children: Sequence[ChildRun] = ()
    culprit: ChildRun | None = None
    tails: Mapping[str, Sequence[str]] = field(default_factory=dict)
    first_error: Sequence[str] = ()
    place: Place | None = None
    circumstances: Sequence[str] = ()
    learned: Learned = field(default_factory=Learned)


def gather(
    client: MLClient,
    plane: DataPlane,
    job: str,
    status: str,
    details: RunDetails,
    relayed: Mapping[str, Sequence[str]],
    folders: Mapping[str, Sequence[Path]],
    root: Path,
    hide: Callable[[str], str] = lambda text: text,
) -> Evidence:
    """Ask for everything that tells why a job did not complete.

    What cannot be had is left out: the failure itself must be told whatever happens.

    Args:
        client: of the workspace.
        plane: of the workspace.
        job: name of the job.
        status: its end state.
        details: the last ones.
        relayed: last lines of the logs that were relayed while it ran.
        folders: that its code is from, see `source_lines.code_folders`.
        root: of the repository.
        hide: replaces known secrets.

    """
    error = details.error
    if error is None or not error.message:
        error = _of_automl(client, job) or error
    children, culprit, ends = _of_children(plane, job, hide)
    if culprit is None:
        ends = log_ends.read(details.log_files, _named(error), hide=hide)
    tails: Mapping[str, Sequence[str]] = {name: end.lines for name, end in ends.items()} or relayed
    message = failure.reason(culprit) if culprit else (error.text if error else "")
    code = failure.exit_code(message)
    everything = "\n".join([error.text if error else "", *map(failure.reason, children)])
    shown = failure.log_to_show(tails, everything, message)
    place = None
    if status == "Failed" and shown != BUILD_LOG:
        step = (culprit.display_name or culprit.name) if culprit else ""
        place = source_lines.find(tails.get(shown, ()), source_lines.ordered(folders, step), root, code)
    end = _run(plane, job)
    return Evidence(
        error=error,
        children=children,
        culprit=culprit,
        tails=tails,
        first_error=ends[BUILD_LOG].first_error if BUILD_LOG in ends else (),
        place=place,
        circumstances=_circumstances(client, plane, _run(plane, culprit.name) if culprit else end, status, code),
        learned=Learned(used=used(end.usage, children), tags=end.tags),
    )


def _named(error: ServiceError | None) -> str:
    return failure.named_log(error.text) if error else ""


def _of_automl(client: MLClient, job: str) -> ServiceError | None:
    try:
        properties = client.jobs.get(job).properties or {}
    except Exception:  # whatever the SDK raises for a job that it cannot read
        return None
    return automl_error.parse(str(properties.get("errors") or ""))


def _of_children(
    plane: DataPlane, job: str, hide: Callable[[str], str]
) -> tuple[list[ChildRun], ChildRun | None, dict[str, LogEnd]]:
    """Return the child jobs, the one that failed first, and the ends of its logs."""
    from azure.core.exceptions import AzureError

    children: list[ChildRun] = []
    try:
        children = metrics.descendants(plane.history, job)
        # The one that started last comes first. A parent has failed because of a child, and says less.
        failed = [child for child in reversed(children) if child.status == "Failed"]
        for child in failed[:_MOST_ASKED]:
            ends = log_ends.read(plane.history.details(child.name).log_files, _named(child.error), hide=hide)
            if any(log_ends.is_script(name) or name == BUILD_LOG for name in ends):
                return children, child, ends
    except AzureError:
        pass
    return children, None, {}


def _run(plane: DataPlane, job: str) -> Run:
    """Return what run history keeps about a job; nothing but its name when it does not answer."""
    from azure.core.exceptions import AzureError

    try:
        return plane.history.run(job)
    except AzureError:
        return Run(job)


def _circumstances(client: MLClient, plane: DataPlane, end: Run, status: str, code: int | None) -> list[str]:
    """Return what no log says: memory, low priority, the time limit, who cancelled."""
    from azure.core.exceptions import AzureError

    found: list[str] = []
    try:
        if code in _MEMORY_CODES:
            found += _memory(plane, end.name)
        if code in _TAKEN_AWAY and end.usage.compute:
            found += _low_priority(client, end.usage.compute)
        if status == "Canceled":
            found += [*_limit(client, end.name, end.usage.running_seconds), *_who(end)]
    except AzureError:
        pass
    return found


def _memory(plane: DataPlane, job: str) -> list[str]:
    logged = plane.tracking.logged(job).metrics
    found = []
    for name, value in sorted(logged.items()):
        if _MEMORY.fullmatch(name) and isinstance(value, (int, float)):
            judged = "memory ran out" if value >= _FULL else "it was not full when this was measured last"
            found.append(f"The last value of the metric {name} is {value:.0f} %: {judged}.")
    return found


def _low_priority(client: MLClient, compute: str) -> list[str]:
    try:
        tier = str(getattr(client.compute.get(compute), "tier", "") or "").lower().replace("_", "")
    except Exception:  # a compute that is gone, of another workspace or not to be seen: whatever the SDK raises for it
        return []
    if tier != "lowpriority":
        return []
    return [f"The nodes of {compute} are of low priority: Azure may have taken the node away."]


def _limit(client: MLClient, job: str, ran: float | None) -> list[str]:
    try:
        limits = getattr(client.jobs.get(job), "limits", None)
        limit = float(getattr(limits, "timeout", None) or 0)
    except Exception:  # whatever the SDK raises for a job that it cannot read
        return []
    if not limit or ran is None or ran < limit - 1:
        return []
    return [f"It ran for {duration(ran)}, and its time limit (`limits.timeout`) is {duration(limit)}."]


def _who(end: Run) -> list[str]:
    found = []
    if end.cancel_reason:
        found.append(f"Reason of the cancellation: {end.cancel_reason}")
    if end.changed_by and end.created_by and end.changed_by != end.created_by:
        found.append(f"It was changed last by {end.changed_by}, who did not submit it.")
    return found
