"""Run history: what the ARM resource of a job does not tell - its error, its log files, its children, its artifacts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aml_actions.service_error import ServiceError

if TYPE_CHECKING:
    from aml_actions.rest import AzureRest
    from aml_actions.workspace import WorkspaceRef

END_STATES = frozenset({"Completed", "Failed", "Canceled"})
"""The states that a job never leaves. ``NotResponding`` and ``Paused`` are not among them: a job returns from both."""
_TIME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[T ](?P<clock>\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d{1,9}))?(?P<zone>Z|[+-]\d\d:\d\d)?"
)


@dataclass(frozen=True)
class RunDetails:
    """One answer of run history about a job.

    Attributes:
        status: in the service's words, such as ``Preparing``.
        log_files: name of each log file, such as ``user_logs/std_log.txt``, and the signed URL that reads it: a secret.
        error: set once the job has failed; its message may quote the output of the job and have many lines.
        warnings: texts of the service.

    """

    status: str
    log_files: Mapping[str, str] = field(default_factory=dict, repr=False)
    error: ServiceError | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Usage:
    """When a job ran and on what, as far as run history tells; None and empty for what it does not tell.

    Attributes:
        created: when it was submitted.
        started: when it left the queue.
        ended: when it reached its end state.
        compute: name of the compute.
        vm_size: of its nodes.
        nodes: that it ran on at the same time.
    """

    created: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    compute: str = ""
    vm_size: str = ""
    nodes: int | None = None

    @property
    def queued_seconds(self) -> float | None:
        """Time in the queue."""
        return _between(self.created, self.started)

    @property
    def running_seconds(self) -> float | None:
        """Time from leaving the queue to the end."""
        return _between(self.started, self.ended)


@dataclass(frozen=True)
class Run:
    """A job as run history keeps it.

    Attributes:
        name: of the job.
        tags: of the job, with those that a script set.
        properties: what the service notes about it, such as ``best_child_run_id`` of a sweep.
        usage: when it ran and on what.
        cancel_reason: why it was cancelled, if that is noted.
        created_by: who submitted it.
        changed_by: who changed it last; of a cancelled job mostly who cancelled it.
    """

    name: str
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    cancel_reason: str = ""
    created_by: str = ""
    changed_by: str = ""


@dataclass(frozen=True)
class ChildRun:
    """A job that another job started: a step of a pipeline, a trial of a sweep.

    Attributes:
        name: of the job.
        display_name: for people; of a step of a pipeline, the name of the step.
        status: in the service's words.
        error: why it failed.
        properties: what the service notes about it, such as ``best_child_run_id`` of a sweep.
        started: when, as the service writes it (ISO 8601, UTC); empty before it has started.
        usage: when it ran and on what.
        parent: name of the job that started it.
    """

    name: str
    display_name: str
    status: str
    error: ServiceError | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    started: str = ""
    usage: Usage = field(default_factory=Usage)
    parent: str = ""


class RunHistory:
    """Run history of one workspace, as ``azure-ai-ml`` itself calls it (``_restclient/runhistory``)."""

    def __init__(self, rest: AzureRest, api: str, workspace: WorkspaceRef) -> None:
        """Talk to the data plane at `api`, the key ``api`` of the document at the workspace's discovery URL."""
        self._rest = rest
        self._api = api
        self._workspace = workspace
        self._base = f"{api.rstrip('/')}/history/v1.0{workspace.arm_id}"

    def asked_by(self, rest: AzureRest) -> RunHistory:
        """Return the same run history, asked with another client."""
        return RunHistory(rest, self._api, self._workspace)

    def details(self, job: str) -> RunDetails:
        """Return the state of a job.

        Raises:
            azure.core.exceptions.AzureError: the service cannot be asked, or does not know the job.

        """
        data = self._rest.get(f"{self._base}/runs/{quote(job, safe='')}/details")
        warnings = (str(one.get("message") or "") for one in data.get("warnings") or [] if isinstance(one, dict))
        return RunDetails(
            status=str(data.get("status") or "Unknown"),
            log_files={str(name): str(url) for name, url in (data.get("logFiles") or {}).items()},
            error=parse_error(data.get("error")),
            warnings=tuple(text for text in warnings if text),
        )

    def run(self, job: str) -> Run:
        """Return what is kept about a job beside its state.

        Raises:
            azure.core.exceptions.AzureError: the service cannot be asked, or does not know the job.

        """
        data = self._rest.get(f"{self._base}/runs/{quote(job, safe='')}")
        return Run(
            name=job,
            tags={str(name): str(value) for name, value in (data.get("tags") or {}).items()},
            properties={str(name): str(value) for name, value in (data.get("properties") or {}).items()},
            usage=parse_usage(data),
            cancel_reason=str(data.get("cancelationReason") or ""),
            created_by=_user(data.get("createdBy")),
            changed_by=_user(data.get("lastModifiedBy")),
        )

    def children(self, job: str) -> list[ChildRun]:
        """Return the jobs that a job started, in the service's order; empty for most jobs."""
        return [
            ChildRun(
                name=str(one["runId"]),
                display_name=str(one.get("displayName") or one.get("name") or ""),
                status=str(one.get("status") or "Unknown"),
                error=parse_error(one.get("error")),
                properties=one.get("properties") or {},
                started=str(one.get("startTimeUtc") or ""),
                usage=parse_usage(one),
                parent=job,
            )
            for one in self._pages(f"{self._base}/runs/{quote(job, safe='')}/children")
        ]

    def artifacts(self, experiment: str, job: str) -> list[str]:
        """Return the paths of all files that a job left: outputs, logs, what it logged as an artifact."""
        url = f"{self._base}/experiments/{quote(experiment, safe='')}/runs/{quote(job, safe='')}/artifacts"
        return sorted(str(one["path"]) for one in self._pages(url) if one.get("path"))

    def artifact_url(self, experiment: str, job: str, path: str) -> str:
        """Return the signed URL that reads a file of a job: a secret.

        Raises:
            azure.core.exceptions.AzureError: the service cannot be asked, or does not know the file.

        """
        url = f"{self._base}/experiments/{quote(experiment, safe='')}/runs/{quote(job, safe='')}/artifacts/contentinfo"
        return str(self._rest.get(url, {"path": path}).get("contentUri") or "")

    def _pages(self, url: str) -> Iterator[dict[str, Any]]:
        following: str | None = url
        while following:
            page = self._rest.get(following)
            yield from page.get("value") or []
            following = page.get("nextLink")


def reused_from(properties: Mapping[str, object]) -> str:
    """Return the job that ran in the place of a step of a pipeline which was not run again, since nothing had changed; else nothing.

    Its files, logs and metrics are those of the step.
    """
    if str(properties.get("azureml.isreused")).lower() != "true":
        return ""
    return str(properties.get("azureml.reusedrunid") or "")


def parse_usage(data: Mapping[str, Any]) -> Usage:
    """Return when and on what a run of run history's JSON ran."""
    compute = data.get("compute") or {}
    nodes = (data.get("computeRequest") or {}).get("nodeCount") or compute.get("instanceCount")
    return Usage(
        created=parse_time(data.get("createdUtc") or data.get("createdTimeUtc")),
        started=parse_time(data.get("startTimeUtc")),
        ended=parse_time(data.get("endTimeUtc")),
        compute=str(compute.get("target") or data.get("target") or ""),
        vm_size=str(compute.get("vmSize") or compute.get("instanceType") or ""),
        nodes=nodes if isinstance(nodes, int) and not isinstance(nodes, bool) and nodes > 0 else None,
    )


def parse_time(text: object) -> datetime | None:
    """Return a moment that the service wrote, with up to seven digits of a second; UTC unless it says otherwise."""
    found = _TIME.fullmatch(str(text or ""))
    if found is None:
        return None
    fraction = (found["fraction"] or "")[:6].ljust(6, "0")
    zone = "+00:00" if found["zone"] in (None, "Z") else found["zone"]
    try:
        return datetime.fromisoformat(f"{found['date']}T{found['clock']}.{fraction}{zone}")
    except ValueError:
        return None


def _between(first: datetime | None, last: datetime | None) -> float | None:
    """Return seconds; None where a moment is not known, or the clocks of two services contradict each other."""
    if first is None or last is None or last < first:
        return None
    return (last - first).total_seconds()


def _user(data: Any) -> str:  # noqa: ANN401 - any JSON
    return str(data.get("userName") or data.get("userObjectId") or "") if isinstance(data, dict) else ""


def parse_error(data: Any) -> ServiceError | None:  # noqa: ANN401 - any JSON
    """Return the error of a run or of a child, ``{"error": {...}}``; None when it has none."""
    error = data.get("error") if isinstance(data, dict) else None
    return ServiceError.from_body(data) if isinstance(error, dict) else None
