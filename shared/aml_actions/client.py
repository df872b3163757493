"""The Azure ML SDK's client, as every action uses it."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.core.credentials import TokenCredential

    from aml_actions.cloud import Cloud
    from aml_actions.workspace import WorkspaceRef


def ml_client(
    credential: TokenCredential,
    cloud: Cloud,
    ref: WorkspaceRef,
    user_agent: str = "",
    on_request: Callable[[Any], None] | None = None,
) -> MLClient:
    """Return a client for one workspace; nothing is asked of the network yet.

    Telemetry is off and so are the progress dots, which fill an Actions log. Importing the SDK takes about 2 s.

    Args:
        credential: signs in.
        cloud: endpoints.
        ref: the workspace; it need not exist.
        user_agent: put before the SDK's own, so that Azure's logs lead back to the workflow run.
        on_request: called with every request to the service before it is sent; what it raises ends the call.
    """
    from azure.ai.ml import MLClient

    # The SDK gives its logger a handler of its own for stderr; as a stray line in a step's log it would look like an error.
    logger = logging.getLogger("azure.ai.ml")
    logger.handlers.clear()
    logger.propagate = True
    extra: dict[str, Any] = {"user_agent": user_agent} if user_agent else {}
    if on_request is not None:
        extra["raw_request_hook"] = on_request
    return MLClient(
        credential,
        ref.subscription_id,
        ref.resource_group,
        ref.name,
        enable_telemetry=False,
        show_progress=False,
        **cloud.client_settings(),
        **extra,
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Drop what the SDK prints in a block: dots while it polls, colour codes after an upload, links to a portal."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield
