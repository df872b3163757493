"""Run history: what the ARM resource of a job does not tell - its error, its log files, its children, its artifacts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aml_actions.service_error import ServiceError

if TYPE_CHECKING:
    from aml_actions.rest import AzureRest
    from aml_actions.workspace import WorkspaceRef

END_STATES = frozenset({"Completed", "Failed", "Canceled"})
"""The states that a job never leaves. ``NotResponding`` and ``Paused`` are not among them: a job returns from both."""


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
class ChildRun:
    """A job that another job started: a step of a pipeline, a trial of a sweep.

    Attributes:
        name: of the job.
        display_name: for people; of a step of a pipeline, the name of the step.
        status: in the service's words.
        error: why it failed.
        properties: what the service notes about it, such as ``best_child_run_id`` of a sweep.
        started: when, as the service writes it (ISO 8601, UTC); empty before it has started.
    """

    name: str
    display_name: str
    status: str
    error: ServiceError | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    started: str = ""


class RunHistory:
    """Run history of one workspace, as ``azure-ai-ml`` itself calls it (``_restclient/runhistory``)."""

    def __init__(self, rest: AzureRest, api: str, workspace: WorkspaceRef) -> None:
        """Talk to the data plane at `api`, the key ``api`` of the document at the workspace's discovery URL."""
        self._rest = rest
        self._base = f"{api.rstrip('/')}/history/v1.0{workspace.arm_id}"

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
            )
            for one in self._pages(f"{self._base}/runs/{quote(job, safe='')}/children")
        ]

    def artifacts(self, experiment: str, job: str) -> list[str]:
        """Return the paths of all files that a job left: outputs, logs, what it logged as an artifact."""
        url = f"{self._base}/experiments/{quote(experiment, safe='')}/runs/{quote(job, safe='')}/artifacts"
        return sorted(str(one["path"]) for one in self._pages(url) if one.get("path"))

    def _pages(self, url: str) -> Iterator[dict[str, Any]]:
        following: str | None = url
        while following:
            page = self._rest.get(following)
            yield from page.get("value") or []
            following = page.get("nextLink")


def parse_error(data: Any) -> ServiceError | None:  # noqa: ANN401 - any JSON
    """Return the error of a run or of a child, ``{"error": {...}}``; None when it has none."""
    error = data.get("error") if isinstance(data, dict) else None
    return ServiceError.from_body(data) if isinstance(error, dict) else None
