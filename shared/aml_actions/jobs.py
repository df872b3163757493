"""What the SDK's job objects say, put straight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.ai.ml.entities import Job

    from aml_actions.step import Step


def job_url(job: Job, step: Step[Any]) -> str:
    """Return the page of a job in Studio: the one that the service names, else the one that it would name.

    ``Job.studio_url`` of the SDK is None for resource groups whose names hold ``.`` or ``()``.
    """
    services: dict[str, Any] = job.services or {}
    named = getattr(services.get("Studio"), "endpoint", None)
    return str(named) if named else step.studio_url(f"runs/{job.name}")


def job_status(job: Job) -> str:
    """Return the state of a job in the service's words; the SDK gives a member of an enumeration or a text."""
    return str(getattr(job.status, "value", job.status))
