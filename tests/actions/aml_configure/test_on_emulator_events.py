"""After aml-configure: what happens in Azure reaches the repository, once, through the deployed function."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
import requests
from infra.function.github_server import GitHub
from support.emulator import sign_in
from support.front import in_front_of
from support.infrastructure import TOKEN, WORKSPACE, Setup, eventually
from support.steps import Outcome

from aml_actions.rest import AzureRest

_WEB, _STORAGE, _GRID = "2024-11-01", "2025-06-01", "2025-02-15"


def about(github: GitHub, run: str) -> list[tuple[str, dict[str, Any]]]:
    """The dispatches about a run: repository and body."""
    with github.lock:
        return [(name, body) for name, body in github.dispatches if body["client_payload"]["data"].get("runId") == run]


def completed(setup: Setup, github: GitHub) -> dict[str, Any]:
    """Have a run complete, and return the body of the one dispatch that comes of it."""
    run = f"iris_{uuid.uuid4().hex[:8]}"
    setup.send("RunCompleted", runId=run, experimentName="credit", runTags={"GITHUB_REPOSITORY": "octo/credit-risk"})
    assert eventually(lambda: bool(about(github, run)))
    [(repository, body)] = about(github, run)
    assert repository == "octo/credit-risk"
    return body


def app(rest: AzureRest, setup: Setup) -> str:
    """Resource id of the function app."""
    [found] = rest.get(f"{setup.base}/providers/Microsoft.Web/sites", {"api-version": _WEB})["value"]
    return str(found["id"])


def app_settings(rest: AzureRest, setup: Setup) -> dict[str, str]:
    answer = rest.post(f"{app(rest, setup)}/config/appsettings/list", {}, {"api-version": _WEB})
    properties: dict[str, str] = answer["properties"]
    return properties


def test_a_completed_run_becomes_a_dispatch_of_its_repository(deployed: tuple[Setup, Outcome], github: GitHub) -> None:
    body = completed(deployed[0], github)
    assert body["event_type"] == "machinelearningservices-runcompleted"
    assert body["client_payload"]["data"]["experimentName"] == "credit"


def test_drifted_data_reaches_the_repository_under_its_name(deployed: tuple[Setup, Outcome], github: GitHub) -> None:
    deployed[0].send("DatasetDriftDetected", DataDriftName="flowers", DriftCoefficient=0.83)
    named = "machinelearningservices-datasetdriftdetected"
    assert eventually(lambda: any(body["event_type"] == named for _, body in github.dispatches))


def test_the_function_gets_its_token_from_the_key_vault(
    deployed: tuple[Setup, Outcome], github: GitHub, rest: AzureRest
) -> None:
    settings = app_settings(rest, deployed[0])
    assert settings["GITHUB_TOKEN"].startswith("@Microsoft.KeyVault(SecretUri=https://")
    assert TOKEN not in json.dumps(settings)
    completed(deployed[0], github)
    assert github.requests[-1][2]["authorization"].endswith(TOKEN)


def test_the_function_reaches_a_github_that_has_the_certificate_of_the_emulator(setup: Setup, github: GitHub) -> None:
    with in_front_of(setup.emulator, github.url) as over_tls:
        outcome = setup.configure(mapped=f"gitHubApiUrl={over_tls.url}")
        assert outcome.code == 0, outcome.log
        completed(setup, github)


def test_a_new_token_is_used_after_the_next_run(setup: Setup, github: GitHub) -> None:
    assert setup.configure().code == 0
    completed(setup, github)
    github.tokens["github_pat_the_next_one"] = "*"
    outcome = setup.configure(mapped="patToken=github_pat_the_next_one")
    assert outcome.code == 0, outcome.log
    completed(setup, github)
    assert github.requests[-1][2]["authorization"].endswith("github_pat_the_next_one")


def test_an_event_that_is_delivered_again_is_dispatched_once(
    deployed: tuple[Setup, Outcome], github: GitHub, rest: AzureRest
) -> None:
    """What was handled is remembered in the function's storage account, opened by its identity over TLS."""
    setup, _ = deployed
    event = {
        "id": str(uuid.uuid4()),
        "topic": f"{setup.base}/providers/Microsoft.MachineLearningServices/workspaces/{WORKSPACE}",
        "subject": "experiments/e/runs/iris_again",
        "eventType": "Microsoft.MachineLearningServices.RunCompleted",
        "eventTime": "2026-06-26T18:41:00Z",
        "data": {"runId": "iris_again", "experimentName": "credit", "runTags": {}},
        "dataVersion": "1",
        "metadataVersion": "1",
    }
    site = app(rest, setup)
    key = rest.post(f"{site}/host/default/listkeys", {}, {"api-version": _WEB})["functionKeys"]["default"]
    host = rest.get(site, {"api-version": _WEB})["properties"]["defaultHostName"]
    before = claims(setup, rest)
    for _ in range(3):
        answer = requests.post(
            f"https://{host}/api/aml_events",
            params={"code": key},
            json=[event],
            headers={"aeg-event-type": "Notification"},
            verify=setup.emulator.env["REQUESTS_CA_BUNDLE"],
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
    assert len(about(github, "iris_again")) == 1
    assert app_settings(rest, setup)["AzureWebJobsStorage__blobServiceUri"].startswith("https://")
    noted = claims(setup, rest)
    assert [state for name, state in noted.items() if name not in before] == ["done"]


def claims(setup: Setup, rest: AzureRest) -> dict[str, str]:
    """What the function has noted about events, by the blob's name."""
    settings = app_settings(rest, setup)
    address = settings["AzureWebJobsStorage__blobServiceUri"].rstrip("/") + "/" + settings["DEDUPLICATION_CONTAINER"]
    listed = storage(setup, "GET", f"{address}?restype=container&comp=list")
    names = re.findall("<Name>(.*?)</Name>", listed.text)
    return {name: storage(setup, "GET", f"{address}/{name}").json()["state"] for name in names}


def storage(setup: Setup, method: str, address: str, content: bytes = b"") -> requests.Response:
    """Ask the blob service, with a token of Entra."""
    token = sign_in(setup.emulator, scope="https://storage.azure.com/.default").json()["access_token"]
    answer = requests.request(
        method,
        address,
        data=content,
        headers={"Authorization": f"Bearer {token}", "x-ms-version": "2025-01-05", "x-ms-blob-type": "BlockBlob"},
        verify=setup.emulator.env["REQUESTS_CA_BUNDLE"],
        timeout=60,
    )
    assert answer.ok, answer.text
    return answer


def test_a_blob_that_is_written_reaches_the_repository(setup: Setup, github: GitHub, rest: AzureRest) -> None:
    lake = f"lake{uuid.uuid4().hex[:12]}"
    outcome = setup.configure(
        mapped=f"storageEvents=true\ndataLakeNewOrExisting=new\nDataLakestorageName={lake}\n"
        "storageEventsBeginWith=/blobServices/default/containers/data/"
    )
    assert outcome.code == 0, outcome.log
    account = f"{setup.base}/providers/Microsoft.Storage/storageAccounts/{lake}"
    blobs = rest.get(account, {"api-version": _STORAGE})["properties"]["primaryEndpoints"]["blob"].rstrip("/")
    storage(setup, "PUT", f"{blobs}/data?restype=container")
    storage(setup, "PUT", f"{blobs}/data/flowers.csv", b"a,b")

    def told() -> list[dict[str, Any]]:
        return [body for _, body in github.dispatches if body["event_type"] == "storage-blobcreated"]

    assert eventually(lambda: bool(told()))
    [body] = told()
    assert body["client_payload"]["data"]["url"].endswith("/data/flowers.csv")


def test_complete_mode_deletes_what_the_template_does_not_name_and_keeps_the_subscriptions(
    setup: Setup, github: GitHub, rest: AzureRest
) -> None:
    assert setup.configure().code == 0
    stranger = f"{setup.base}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/stranger"
    small = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": [
            {
                "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
                "apiVersion": "2023-01-31",
                "name": "stranger",
                "location": "westeurope",
            }
        ],
    }
    (setup.root / "infra/small.json").write_text(json.dumps(small))
    alone = {"armtemplate_file": "infra/small.json", "function_folder": "", "mapped_params": ""}
    assert setup.configure(**alone).code == 0
    assert rest.get(stranger, {"api-version": "2023-01-31"})
    topic = f"{setup.base}/providers/Microsoft.EventGrid/systemTopics"
    [found] = rest.get(topic, {"api-version": _GRID})["value"]
    subscriptions = f"{topic}/{found['name']}/eventSubscriptions"
    before = rest.get(subscriptions, {"api-version": _GRID})["value"]
    assert before
    outcome = setup.configure(deployment_mode="Complete")
    assert outcome.code == 0, outcome.log
    with pytest.raises(Exception, match="ResourceNotFound"):
        rest.get(stranger, {"api-version": "2023-01-31"})
    after = rest.get(subscriptions, {"api-version": _GRID})["value"]
    assert [(one["id"], one["properties"]) for one in after] == [(one["id"], one["properties"]) for one in before]
    assert [one["systemData"]["createdAt"] for one in after] == [one["systemData"]["createdAt"] for one in before]
    modes = [request["body"]["properties"]["mode"] for request in deployments(setup)]
    assert modes[-2:] == ["Incremental", "Complete"]
    completed(setup, github)


def deployments(setup: Setup) -> list[dict[str, Any]]:
    """The deployments of the group that were asked for, the newest last."""
    from support.emulator import command

    path = f"{setup.group}/providers/Microsoft.Resources/deployments"
    asked = ("--method", "PUT", "--path", path, "--last", "0", "--json")
    done = command("requests", *asked, state=setup.emulator.state)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
