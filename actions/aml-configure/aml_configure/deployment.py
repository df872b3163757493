"""Deploying a template: validated by Azure, followed resource by resource, and its failure explained."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aml_actions import markdown
from aml_actions.errors import ActionError, TimedOut
from aml_actions.polling import HEARTBEAT, duration
from aml_actions.roles import explain_refusal
from aml_actions.service_error import ServiceError
from aml_configure.template import ANCHOR, Template

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.mgmt.resource.deployments import DeploymentsMgmtClient

    from aml_actions.cloud import Cloud

TIMEOUT = 3600.0
"""Seconds for a deployment; the workspace and its network take some minutes."""
_EVENT_SUBSCRIPTION = "microsoft.eventgrid"


@dataclass(frozen=True)
class Deployed:
    """A deployment that has succeeded.

    Attributes:
        name: of the deployment.
        outputs: name and value; secure ones have none and are left out.
        resources: ids of what it has made or confirmed.
        seconds: that it took.
    """

    name: str
    outputs: dict[str, Any]
    resources: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Change:
    """What a deployment would do with one resource.

    Attributes:
        kind: ``Create``, ``Modify``, ``Delete``, ``NoChange``, ``Deploy``, ``Ignore`` or ``Unsupported``.
        resource: id.
        paths: properties that change.
    """

    kind: str
    resource: str
    paths: tuple[str, ...] = field(default=())


class Deployments:
    """The deployments of one resource group."""

    def __init__(
        self,
        credential: TokenCredential,
        cloud: Cloud,
        subscription: str,
        group: str,
        say: Callable[[str], None],
        *,
        user_agent: str = "",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Nothing is asked of Azure yet."""
        self._arguments = (credential, cloud, subscription, user_agent)
        self._group = group
        self._say = say
        self._sleep = sleep

    def what_if(self, name: str, template: Template, mode: str) -> list[Change]:
        """Return what a deployment would change.

        Raises:
            azure.core.exceptions.HttpResponseError: Azure refused.
        """
        with self._client() as client:
            properties = {**_properties(template, mode), "whatIfSettings": {"resultFormat": "FullResourcePayloads"}}
            answer = client.deployments.begin_what_if(self._group, name, {"properties": properties}).result()
        return [
            Change(_text(one.change_type), str(one.resource_id), tuple(str(part.path) for part in one.delta or ()))
            for one in answer.changes or ()
        ]

    def deploy(self, name: str, template: Template, mode: str) -> Deployed:
        """Deploy, and wait for the end.

        Raises:
            ActionError: a resource failed (all that failed are told), or it takes too long.
            azure.core.exceptions.HttpResponseError: Azure refused the template.
        """
        start = time.monotonic()
        with self._client() as client:
            poller = client.deployments.begin_create_or_update(
                self._group, name, {"properties": _properties(template, mode)}, polling=False
            )
            del poller  # the operations are followed instead: they tell which resource is made
            state, told = "", start
            seen: dict[str, str] = {}
            while True:
                found = client.deployments.get(self._group, name)
                told = self._tell(client, name, seen, told)
                state = _text(found.properties.provisioning_state)
                if state in ("Succeeded", "Failed", "Canceled"):
                    break
                waited = time.monotonic() - start
                if waited > TIMEOUT:
                    raise TimedOut(
                        f"Deployment {name} takes longer than {duration(TIMEOUT)}.",
                        value=f"last state: {state}",
                        fix=f"look at it: az deployment group show --resource-group {self._group} --name {name}",
                    )
                self._sleep(min(10.0, max(0.1, waited / 4)))
            if state != "Succeeded":
                raise self._failed(client, name, state, found)
        outputs = {key: one["value"] for key, one in (found.properties.outputs or {}).items() if "value" in one}
        resources = tuple(str(one.id) for one in found.properties.output_resources or ())
        return Deployed(name, outputs, resources, time.monotonic() - start)

    def _client(self) -> DeploymentsMgmtClient:
        from azure.mgmt.resource.deployments import DeploymentsMgmtClient

        credential, cloud, subscription, user_agent = self._arguments
        return DeploymentsMgmtClient(
            credential,
            subscription,
            base_url=cloud.resource_manager,
            credential_scopes=[f"{cloud.resource_manager}/.default"],
            user_agent=user_agent,
        )

    def _tell(self, client: DeploymentsMgmtClient, name: str, seen: dict[str, str], told: float) -> float:
        """Print what has changed since the last look; return when something was printed last."""
        running = []
        for resource, state, _ in _operations(client, self._group, name):
            if state in ("Running", "Accepted", "Creating"):
                running.append(_short(resource))
            if seen.get(resource) != state:
                seen[resource] = state
                self._say(f"  {_short(resource)}: {state}")
                told = time.monotonic()
        if time.monotonic() - told >= HEARTBEAT:
            self._say(f"  still at work: {', '.join(running) or 'nothing is named'}")
            return time.monotonic()
        return told

    def _failed(self, client: DeploymentsMgmtClient, name: str, state: str, found: Any) -> ActionError:  # noqa: ANN401
        failures = [
            (resource, error) for resource, one, error in _operations(client, self._group, name) if one == "Failed"
        ]
        lines = [f"{_short(resource)}: {_reason(error)}" for resource, error in failures]
        if not lines:
            lines = [_reason(_as_body(found.properties.error))]
        rows = [(markdown.escape(_short(resource)), markdown.escape(_reason(error))) for resource, error in failures]
        cause, fix = _advice(failures)
        return ActionError(
            f"Deployment {name} {'was cancelled' if state == 'Canceled' else 'failed'}.",
            value="; ".join(lines)[:2000],
            cause=cause,
            fix=fix,
            anchor=ANCHOR,
            details=markdown.table(["Resource", "Reason"], rows) if rows else None,
        )


def _advice(failures: Sequence[tuple[str, Any]]) -> tuple[str | None, str]:
    """Return likely cause and fix of failures: resource and error of each."""
    for resource, error in failures:
        reason = _reason(error)
        if refused := explain_refusal(reason):
            return refused[0], f"`{refused[1]}`; then run the job again"
        if _EVENT_SUBSCRIPTION in resource.lower() and "endpoint" in reason.lower():
            return (
                "the function that the subscription delivers to is not there: its code was not published",
                "name the folder of its code in function_folder, and run the job again",
            )
    return (
        None,
        "correct what the resource complains of and run the job again: what was made stays and is not made twice",
    )


def _properties(template: Template, mode: str) -> dict[str, Any]:
    return {"mode": mode, "template": template.content, "parameters": template.values}


def _operations(client: Any, group: str, name: str) -> Iterator[tuple[str, str, Any]]:  # noqa: ANN401 - of the SDK
    """Give resource, state and error of each operation, those of nested deployments too."""
    for one in client.deployment_operations.list(group, name):
        properties = one.properties
        target = properties.target_resource
        if target is None or not target.id:
            continue
        message = properties.status_message
        yield str(target.id), _text(properties.provisioning_state), _as_body(getattr(message, "error", None))
        parts = str(target.id).split("/")
        if str(target.resource_type).lower() == "microsoft.resources/deployments" and "resourceGroups" in parts:
            yield from _operations(client, parts[parts.index("resourceGroups") + 1], parts[-1])


def _as_body(error: Any) -> Any:  # noqa: ANN401 - a model of the SDK
    if error is None:
        return None
    as_dict = getattr(error, "as_dict", None)
    return {"error": as_dict() if callable(as_dict) else dict(error)}


def _reason(error: Any) -> str:  # noqa: ANN401 - any JSON
    """Return the deepest thing that Azure says: the outer ones repeat that something failed."""
    found = ServiceError.from_body(error)
    return (
        found.details[-1] if found.details else ": ".join(part for part in (found.code, found.message) if part)
    ) or "no reason"


def _short(resource: str) -> str:
    """Return kind and name of a resource id: ``workspaces/ml-team``."""
    return "/".join(resource.rstrip("/").rsplit("/", 2)[-2:])


def _text(value: Any) -> str:  # noqa: ANN401 - an enumeration or text
    return str(getattr(value, "value", value) or "")
