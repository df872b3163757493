"""aml-configure when the principal lacks a role, and when the function's code or its storage is not as it has to be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from support.emulator import RunningEmulator, command
from support.front import Answer, Front, in_front_of
from support.infrastructure import Setup

from aml_actions.errors import ActionError
from aml_actions.rest import AzureRest
from aml_configure import function_code
from aml_configure.function_code import FunctionApp, archive

_WEB, _STORAGE = "2024-11-01", "2025-06-01"


@pytest.fixture
def front(emulator: RunningEmulator) -> Iterator[Front]:
    with in_front_of(emulator) as found:
        yield found


def without_role(action: str, scope: str) -> Answer:
    """Azure's answer to a principal without a role; the emulator's has them all."""
    message = (
        f"The client '7d3a' with object id '9f1b' does not have authorization to perform action '{action}' over scope '{scope}' "
        "or the scope is invalid. If access was recently granted, please refresh your credentials."
    )
    return 403, {"error": {"code": "AuthorizationFailed", "message": message}}


def test_without_a_role_on_the_subscription_the_providers_are_for_somebody_else_to_register(
    setup: Setup, front: Front
) -> None:
    """Not one command for each run: all that are missing are named at once."""

    def otherwise(method: str, path: str) -> Answer | None:
        if path.partition("?")[0].endswith("/register"):
            return without_role("Microsoft.Web/register/action", setup.base.rpartition("/resourceGroups")[0])
        if "/providers/Microsoft.Web?" in path or "/providers/Microsoft.EventGrid?" in path:
            return 200, {"registrationState": "NotRegistered"}
        if "/providers/Microsoft." in path and method == "GET" and "/resourceGroups/" not in path:
            return 200, {"registrationState": "Registered"}
        return None

    front.otherwise = otherwise
    outcome = replace(setup, emulator=front.emulator).configure()
    assert outcome.code == 1
    [told] = outcome.annotations
    assert "az provider register --namespace Microsoft.EventGrid --wait" in told
    assert "az provider register --namespace Microsoft.Web --wait" in told
    assert "Deploying" not in outcome.log


def test_without_the_right_to_assign_roles_the_error_has_the_command_that_grants_it(setup: Setup, front: Front) -> None:
    deployments = f"{setup.base}/providers/Microsoft.Resources/deployments/"
    assignment = (
        f"{setup.base}/providers/Microsoft.KeyVault/vaults/kv/providers/Microsoft.Authorization/roleAssignments/a"
    )

    def otherwise(method: str, path: str) -> Answer | None:
        if method != "PUT" or not path.lower().startswith(deployments.lower()):
            return None
        message = (
            "Deployment failed with multiple errors: 'Authorization failed for template resource 'a' of type "
            "'Microsoft.Authorization/roleAssignments'. The client '7d3a' with object id '9f1b' does not have permission to "
            f"perform action 'Microsoft.Authorization/roleAssignments/write' at scope '{assignment}'.'"
        )
        return 403, {"error": {"code": "InvalidTemplateDeployment", "message": message}}

    front.otherwise = otherwise
    outcome = replace(setup, emulator=front.emulator).configure()
    assert outcome.code == 1
    [told] = outcome.annotations
    assert "deploying infra/deploy.core-infra.json" in told
    assert f'--role "Role Based Access Control Administrator" --scope {setup.base}' in told
    assert "Traceback" not in outcome.log


def test_a_resource_that_may_not_be_made_comes_with_the_role_for_it(setup: Setup, front: Front) -> None:
    """Azure checks most rights before it begins, and the rest of them with the resource."""
    subnet = f"{setup.base}/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
    refused = without_role("Microsoft.Network/virtualNetworks/subnets/join/action", subnet)[1]["error"]

    def otherwise(method: str, path: str) -> Answer | None:
        where = path.partition("?")[0].lower()
        if method != "GET" or "/deployments/deploy.core-infra" not in where:
            return None
        if not where.endswith("/operations"):
            return 200, {"name": "d", "properties": {"provisioningState": "Failed"}}
        target = {"id": f"{setup.base}/providers/Microsoft.Web/sites/f", "resourceType": "Microsoft.Web/sites"}
        properties = {"provisioningState": "Failed", "targetResource": target, "statusMessage": {"error": refused}}
        return 200, {"value": [{"operationId": "1", "properties": properties}]}

    front.otherwise = otherwise
    outcome = replace(setup, emulator=front.emulator).configure()
    assert outcome.code == 1
    [told] = outcome.annotations
    assert "sites/f" in told
    assert f'--role "Network Contributor" --scope {subnet}' in told


def test_without_the_right_to_publish_nothing_is_subscribed(setup: Setup, front: Front) -> None:
    def otherwise(method: str, path: str) -> Answer | None:
        if "/api/publish" in path:
            return without_role("Microsoft.Web/sites/publish/action", setup.base)
        return None

    front.otherwise = otherwise
    outcome = replace(setup, emulator=front.emulator).configure()
    assert outcome.code == 1
    [told] = outcome.annotations
    assert "publishing the code of function app mlops-function" in told
    assert "Microsoft.Web/sites/publish/action" in told
    assert "with the event subscriptions" not in outcome.log


def test_all_works_through_the_front(setup: Setup, front: Front) -> None:
    """What the tests above rest on: nothing but the refusals stops the step."""
    outcome = replace(setup, emulator=front.emulator).configure()
    assert outcome.code == 0, outcome.log
    assert front.refused == []


@pytest.fixture
def app_id(setup: Setup) -> str:
    """A function app that was deployed and has no code yet."""
    outcome = setup.configure(function_folder="")
    assert outcome.code == 0, outcome.log
    return str(outcome.result["outputs"]["functionAppResourceId"])


def test_code_that_fails_when_it_is_loaded_is_told_and_can_be_mended(
    setup: Setup, app_id: str, rest: AzureRest, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = FunctionApp(rest, app_id, print)
    monkeypatch.setattr(function_code, "INDEXING", 0.0)  # the answer is final here; Azure's may be late
    code = setup.root / "infra/function/function_app.py"
    good = code.read_text()
    code.write_text(good + "\nimport a_module_that_is_not_there\n")
    with pytest.raises(ActionError, match="lists no function") as caught:
        app.publish(archive(code.parent))
    assert "log stream" in (caught.value.fix or "")
    shown = command("functions", app.name, "--last", "0", state=setup.emulator.state)
    assert "a_module_that_is_not_there" in shown.stdout, shown.stderr
    code.write_text(good)
    assert app.publish(archive(code.parent)) == ["aml_event_to_github", "aml_events"]


def test_a_role_that_is_not_known_everywhere_yet_is_waited_for(setup: Setup, app_id: str, rest: AzureRest) -> None:
    """The app cannot write to its container at first; after a while it can."""
    container = package_container(setup, rest)
    said: list[str] = []

    def sleep(seconds: float) -> None:
        if any("tried again" in line for line in said):
            rest._send("PUT", container, params={"api-version": _STORAGE}, json={"properties": {}})

    rest._send("DELETE", container, params={"api-version": _STORAGE})
    app = FunctionApp(rest, app_id, said.append, sleep)
    assert app.publish(archive(setup.root / "infra/function")) == ["aml_event_to_github", "aml_events"]
    assert any("tried again" in line for line in said)


def test_a_storage_that_stays_closed_is_told_with_what_to_look_at(
    setup: Setup, app_id: str, rest: AzureRest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(function_code, "ROLE", -1.0)
    rest._send("DELETE", package_container(setup, rest), params={"api-version": _STORAGE})
    with pytest.raises(ActionError, match="was not taken") as caught:
        FunctionApp(rest, app_id, print).publish(archive(setup.root / "infra/function"))
    assert "InaccessibleStorage" in (caught.value.value or "")
    assert "Storage Blob Data Owner" in (caught.value.cause or "")


def package_container(setup: Setup, rest: AzureRest) -> str:
    """Resource id of the container that the function app keeps its code in."""
    accounts = rest.get(f"{setup.base}/providers/Microsoft.Storage/storageAccounts", {"api-version": _STORAGE})["value"]
    [found] = [one["id"] for one in accounts if one["name"].startswith("fn")]
    return f"{found}/blobServices/default/containers/app-package"
