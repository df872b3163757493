"""Settings of a deployment that managed and Kubernetes deployments have in common, as the SDK's entities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aml_deploy.service_parameters import ServiceParameters

if TYPE_CHECKING:
    from azure.ai.ml.entities import OnlineRequestSettings, ProbeSettings


def request_settings(parameters: ServiceParameters) -> OnlineRequestSettings | None:
    """Return how requests are queued and timed out; what the user left out is left to the service."""
    from azure.ai.ml.entities import OnlineRequestSettings

    settings = _given(
        request_timeout_ms=parameters.scoring_timeout_ms,
        max_concurrent_requests_per_instance=parameters.replica_max_concurrent_requests,
        max_queue_wait_ms=_longest_wait(parameters.max_request_wait_time),
    )
    return OnlineRequestSettings(**settings) if settings else None


def liveness_probe(parameters: ServiceParameters) -> ProbeSettings | None:
    """Return how a container is watched; what the user left out is left to the service."""
    from azure.ai.ml.entities import ProbeSettings

    settings = _given(
        initial_delay=parameters.initial_delay_seconds,
        period=parameters.period_seconds,
        timeout=parameters.timeout_seconds,
        success_threshold=parameters.success_threshold,
        failure_threshold=parameters.failure_threshold,
    )
    return ProbeSettings(**settings) if settings else None


def _longest_wait(milliseconds: int | None) -> int | None:
    """Return the wait to ask for. The SDK leaves 0 out, which would mean the service's half second: 1 ms is next to it."""
    return None if milliseconds is None else max(1, milliseconds)


def _given(**settings: int | None) -> dict[str, int]:
    return {name: value for name, value in settings.items() if value is not None}
