"""Deployments on a running emulator, in a resource group of each module, with what they need registered."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import requests
from support.emulator import RunningEmulator

Rest = Callable[..., requests.Response]
Deploy = Callable[..., dict[str, Any]]

NAMESPACES = (
    "Microsoft.ManagedIdentity",
    "Microsoft.OperationalInsights",
    "Microsoft.Storage",
    "Microsoft.KeyVault",
    "Microsoft.Network",
)
IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
LOGS = "Microsoft.OperationalInsights/workspaces"
VERSION = "2024-11-30"


def identity(name: str, **members: Any) -> dict[str, Any]:
    """The cheapest resource there is."""
    return {"type": IDENTITIES, "apiVersion": VERSION, "name": name, "location": "westeurope", **members}


def names(rest: Rest, group: str, kind: str = IDENTITIES) -> list[str]:
    """The names of the resources of a kind that a group has."""
    return sorted(item["name"] for item in rest("GET", f"{group}/providers/{kind}").json()["value"])


@pytest.fixture(scope="module")
def registered(rest: Rest, emulator: RunningEmulator) -> None:
    subscription = f"/subscriptions/{emulator.identity['subscriptionId']}"
    for namespace in NAMESPACES:
        assert rest("POST", f"{subscription}/providers/{namespace}/register").status_code == 200


@pytest.fixture(scope="module")
def fresh(rest: Rest, emulator: RunningEmulator, registered: None) -> Callable[[], str]:
    """Makes an empty resource group; its id."""

    def make() -> str:
        group_id = f"/subscriptions/{emulator.identity['subscriptionId']}/resourceGroups/rg-{uuid.uuid4().hex[:8]}"
        assert rest("PUT", group_id, json={"location": "westeurope"}).status_code == 201
        return group_id

    return make


def wait(rest: Rest, deployment_id: str) -> dict[str, Any]:
    """The deployment when it is over."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = rest("GET", deployment_id).json()
        if found["properties"]["provisioningState"] in ("Succeeded", "Failed", "Canceled"):
            return found
        time.sleep(0.02)
    raise AssertionError(f"the deployment is not over: {found}")


@pytest.fixture(scope="module")
def deploy(rest: Rest) -> Deploy:
    """`deploy(scope, template, name=..., mode=..., **parameters)`: the deployment when it is over."""

    def run(
        scope: str,
        template: dict[str, Any],
        name: str = "d",
        mode: str = "Incremental",
        location: str = "",
        **given: Any,
    ) -> dict[str, Any]:
        deployment_id = f"{scope}/providers/Microsoft.Resources/deployments/{name}"
        values = {key: {"value": value} for key, value in given.items()}
        body = {"properties": {"mode": mode, "template": template, "parameters": values}}
        answer = rest("PUT", deployment_id, json={**body, **({"location": location} if location else {})})
        assert answer.status_code in (200, 201), answer.text
        assert answer.json()["properties"]["provisioningState"] == "Accepted"
        return wait(rest, deployment_id)["properties"]

    return run
