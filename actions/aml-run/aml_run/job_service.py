"""The jobs of a workspace as Azure Resource Manager has them: state, tags, cancel. Without the SDK's object for every type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from aml_actions.rest import AzureRest
    from aml_actions.workspace import WorkspaceRef

_VERSION = {"api-version": "2024-10-01"}
_ENDED = "CancelPipelineRunInTerminalStatus"
"""Code in the refusal to cancel a job that has ended."""


class HasEnded(Exception):
    """The job cannot be cancelled: it has ended before."""


@dataclass(frozen=True)
class JobState:
    """One answer about a job.

    Attributes:
        name: of the job.
        status: in the service's words.
        tags: of the job.

    """

    name: str
    status: str
    tags: Mapping[str, str] = field(default_factory=dict)


class JobService:
    """Jobs and computes of one workspace."""

    def __init__(self, rest: AzureRest, workspace: WorkspaceRef) -> None:
        """Ask about the jobs of `workspace` with `rest`."""
        self._rest = rest
        self._base = workspace.arm_id

    @property
    def workspace(self) -> str:
        """Azure resource id of the workspace."""
        return self._base

    def get(self, name: str) -> JobState | None:
        """Return the job of a name, None when there is none.

        Raises:
            azure.core.exceptions.AzureError: the service cannot be asked.

        """
        from azure.core.exceptions import HttpResponseError

        try:
            data = self._rest.get(f"{self._base}/jobs/{quote(name, safe='')}", _VERSION)
        except HttpResponseError as error:
            if error.status_code == 404:
                return None
            raise
        properties: dict[str, Any] = data.get("properties") or {}
        tags = {str(key): str(value) for key, value in (properties.get("tags") or {}).items()}
        return JobState(name, str(properties.get("status") or "Unknown"), tags)

    def cancel(self, name: str) -> None:
        """Ask for the cancel of a job; it ends later.

        Raises:
            HasEnded: it has ended already.
            azure.core.exceptions.AzureError: the service refused, or does not know the job.

        """
        from azure.core.exceptions import HttpResponseError

        try:
            self._rest.post(f"{self._base}/jobs/{quote(name, safe='')}/cancel", None, _VERSION)
        except HttpResponseError as error:
            body = error.response.text() if error.response is not None else ""
            if error.status_code == 400 and _ENDED in body:
                raise HasEnded(name) from None
            raise

    def compute(self, name: str) -> dict[str, Any]:
        """Return the resource of a compute.

        Raises:
            azure.core.exceptions.AzureError: the service cannot be asked, or there is no such compute.

        """
        return self._rest.get(f"{self._base}/computes/{quote(name, safe='')}", _VERSION)
