"""Online endpoints of one workspace, managed ones and those on Kubernetes: the operations of a rollout, each waited for."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from aml_actions.client import quiet
from aml_actions.errors import ActionError
from aml_actions.polling import wait_for_poller, wait_until
from aml_deploy.deployment_logs import DeploymentLogs

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import OnlineDeployment, OnlineEndpoint

    from aml_actions.workflow import Workflow

T = TypeVar("T")

IN_PROGRESS = frozenset({"Creating", "Updating", "Scaling", "Deleting"})
"""The states that an endpoint or a deployment leaves by itself."""
ENDPOINT_TIMEOUT = 30 * 60.0
"""Seconds for an operation on an endpoint or a deletion; the service gives up itself after PT30M."""
BUSY_RETRIES, BUSY_PAUSE = 20, 15.0
"""How often, and after how many seconds, a request is repeated while another operation runs on the endpoint."""
LOG_LINES = 500
"""Lines that are read of each container."""
_BUSY = re.compile(r"because it is in \w+ provisioning state|another operation|conflict of operation", re.IGNORECASE)


class OnlineEndpoints:
    """The SDK's two groups of operations as a rollout needs them: bounded, with a line each minute, patient with others."""

    def __init__(self, client: MLClient, workflow: Workflow, *, sleep: Callable[[float], None] = time.sleep) -> None:
        # Its remarks ("Check: endpoint x exists") go to standard error, not to the loggers of the step.
        logging.getLogger("azure.ai.ml.operations._online_deployment_operations").setLevel(logging.ERROR)
        self._client = client
        self._workflow = workflow
        self._sleep = sleep

    def find(self, name: str) -> OnlineEndpoint | None:
        """Return an endpoint, with every deployment in its traffic map, or None when there is none."""
        from azure.core.exceptions import ResourceNotFoundError

        try:
            return self._client.online_endpoints.get(name)
        except ResourceNotFoundError:
            return None

    def settled(self, name: str) -> OnlineEndpoint | None:
        """Return an endpoint once no operation runs on it, or None when there is none."""
        return wait_until(
            lambda: self.find(name),
            lambda endpoint: state_of(endpoint) not in IN_PROGRESS,
            what=f"endpoint {name}",
            say=self._workflow.info,
            timeout=ENDPOINT_TIMEOUT,
            interval=BUSY_PAUSE,
            describe=state_of,
            sleep=self._sleep,
        )

    def deployments(self, endpoint: str) -> list[OnlineDeployment]:
        """Return the deployments of an endpoint."""
        return list(self._client.online_deployments.list(endpoint))

    def deployment(self, endpoint: str, name: str) -> OnlineDeployment | None:
        """Return a deployment, or None when there is none."""
        from azure.core.exceptions import ResourceNotFoundError

        try:
            return self._client.online_deployments.get(name, endpoint)
        except ResourceNotFoundError:
            return None

    def create(self, endpoint: OnlineEndpoint) -> None:
        """Create an endpoint that does not exist. For one that does this would wipe its traffic: see `set_traffic`."""
        self._finish(
            lambda: self._client.online_endpoints.begin_create_or_update(endpoint),
            f"endpoint {endpoint.name}",
            ENDPOINT_TIMEOUT,
        )

    def set_traffic(self, name: str, traffic: Mapping[str, int], tags: Mapping[str, str] | None = None) -> None:
        """Give the endpoint a traffic map (percent by deployment), and keep everything else that it has.

        A PUT of an endpoint replaces it, so it is read first.
        """

        def begin() -> Any:  # noqa: ANN401 - LROPoller
            endpoint = self._client.online_endpoints.get(name)
            endpoint.traffic = dict(traffic)
            endpoint.tags = {**(endpoint.tags or {}), **(tags or {})}
            return self._client.online_endpoints.begin_create_or_update(endpoint)

        self._finish(begin, f"traffic of endpoint {name}", ENDPOINT_TIMEOUT)

    def deploy(self, build: Callable[[], OnlineDeployment], timeout: float) -> None:
        """Create a deployment and wait until the service calls it Succeeded.

        Args:
            build: makes the entity anew for each attempt: the SDK replaces its files by ids.
            timeout: seconds.

        Raises:
            azure.core.exceptions.HttpResponseError: refused, or failed; it carries the service's error.
            TimedOut: still in progress.
        """
        from azure.core.exceptions import AzureError

        entity = build()
        endpoint, name = str(entity.endpoint_name), str(entity.name)
        start = time.monotonic()
        with quiet():
            # The entry script was checked already, with more than ast.parse (sources.py).
            poller = self.when_idle(
                lambda: self._client.online_deployments.begin_create_or_update(build(), skip_script_validation=True)
            )
            try:
                wait_for_poller(poller, what=f"deployment {name}", say=self._workflow.info, timeout=timeout)
                return
            except AzureError as error:
                state = self._state(endpoint, name)
                if state not in IN_PROGRESS:
                    raise
                self._workflow.info(f"deployment {name}: watching it failed ({type(error).__name__}), it is {state}")
        self._watch(endpoint, name, timeout - (time.monotonic() - start))

    def delete_deployment(self, endpoint: str, name: str) -> None:
        """Delete a deployment that holds no traffic."""
        self._finish(
            lambda: self._client.online_deployments.begin_delete(name, endpoint),
            f"deleting deployment {name}",
            ENDPOINT_TIMEOUT,
        )

    def delete(self, name: str) -> None:
        """Delete an endpoint with its deployments."""
        self._finish(
            lambda: self._client.online_endpoints.begin_delete(name), f"deleting endpoint {name}", ENDPOINT_TIMEOUT
        )

    def logs(self, endpoint: str, deployment: str) -> DeploymentLogs:
        """Return the logs of a deployment; a log that cannot be had is empty."""
        from azure.core.exceptions import AzureError

        def read(container: str) -> str:
            try:
                return str(
                    self._client.online_deployments.get_logs(deployment, endpoint, LOG_LINES, container_type=container)
                )
            except AzureError:
                return ""  # there was no container yet; the error of the deployment says why

        return DeploymentLogs(server=read("inference-server"), initializer=read("storage-initializer"))

    def keys(self, endpoint: str) -> tuple[str, str]:
        """Return what a caller of the endpoint sends: both keys, or a token and an empty text. They are masked."""
        given = self._client.online_endpoints.get_keys(endpoint)
        first = getattr(given, "primary_key", None) or getattr(given, "access_token", None) or ""
        second = getattr(given, "secondary_key", None) or ""
        for secret in (first, second):
            self._workflow.mask(secret)
        return first, second

    def when_idle(self, begin: Callable[[], T]) -> T:
        """Begin an operation, again and again while Azure refuses it because another one runs on the same endpoint."""
        from azure.core.exceptions import HttpResponseError

        for attempt in range(BUSY_RETRIES):
            try:
                return begin()
            except HttpResponseError as error:
                if not _is_busy(error):
                    raise
                self._workflow.info(
                    f"the endpoint is busy with another operation; attempt {attempt + 2} of {BUSY_RETRIES + 1} "
                    f"in {BUSY_PAUSE:.0f} s"
                )
                self._sleep(BUSY_PAUSE)
        return begin()

    def _finish(self, begin: Callable[[], Any], what: str, timeout: float) -> None:
        with quiet():
            wait_for_poller(self.when_idle(begin), what=what, say=self._workflow.info, timeout=timeout)

    def _state(self, endpoint: str, deployment: str) -> str:
        from azure.core.exceptions import AzureError

        try:
            return state_of(self.deployment(endpoint, deployment))
        except AzureError:
            return "unknown"

    def _watch(self, endpoint: str, deployment: str, timeout: float) -> None:
        """Wait for a deployment whose long-running operation was lost from sight, by asking for the deployment itself."""
        state = wait_until(
            lambda: self._state(endpoint, deployment),
            lambda state: state not in IN_PROGRESS and state != "unknown",
            what=f"deployment {deployment}",
            say=self._workflow.info,
            timeout=timeout,
            interval=BUSY_PAUSE,
            sleep=self._sleep,
        )
        if state != "Succeeded":
            raise ActionError(
                f"Deployment {deployment} ended as {state}.",
                cause="the connection to Azure was lost while it was made, so that its error could not be read",
            )


def state_of(found: OnlineEndpoint | OnlineDeployment | None) -> str:
    """Return the provisioning state in the service's word (``str`` of the SDK's enumeration is another), or ``not there``."""
    state = found.provisioning_state if found is not None else "not there"
    return str(getattr(state, "value", state))


def _is_busy(error: Any) -> bool:  # noqa: ANN401 - azure.core.exceptions.HttpResponseError
    """Tell a refusal that ends by itself. A name that is taken is a 409 too, and stays taken."""
    text = str(error)
    if "already exists" in text:
        return False
    return error.status_code == 409 or (error.status_code == 400 and bool(_BUSY.search(text)))
