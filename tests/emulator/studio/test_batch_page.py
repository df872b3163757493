"""A person looks at a batch endpoint."""

from __future__ import annotations

from typing import Any


def add_batch_endpoint(studio: Any, name: str, default: str | None = None, state: str = "Succeeded") -> None:
    properties = {
        "description": "Scores the day's texts",
        "authMode": "AADToken",
        "provisioningState": state,
        "defaults": {"deploymentName": default},
        "scoringUri": f"{studio.emulator.base_url}/inference/{name}/jobs",
    }
    studio.emulator.resources.put(f"{studio.workspace}/batchEndpoints/{name}", {"properties": properties})


def add_batch_deployment(studio: Any, endpoint: str, name: str) -> None:
    configuration = {
        "componentId": {"assetId": f"{studio.workspace}/components/scoring/versions/3"},
        "settings": {"default_compute": "cpu", "force_rerun": "True"},
    }
    properties = {"provisioningState": "Succeeded", "deploymentConfiguration": configuration}
    deployment = f"{studio.workspace}/batchEndpoints/{endpoint}/deployments/{name}"
    studio.emulator.resources.put(deployment, {"properties": properties})


def test_a_batch_endpoint_shows_its_deployments_and_its_jobs(studio: Any) -> None:
    add_batch_endpoint(studio, "nightly", default="blue")
    add_batch_deployment(studio, "nightly", "blue")
    add_batch_deployment(studio, "nightly", "green")
    said = {"azureml.endpointname": "nightly", "azureml.deploymentname": "blue"}
    studio.add_job("pipelinejob-1", "Running", properties=said)
    studio.add_job("another")
    page = studio.page("/endpoints/batch/nightly")
    for words in (
        "Scores the day's texts",
        "scoring:3",
        "default_compute: cpu, force_rerun: True",
        "starts a job of blue",
    ):
        assert words in page.text
    assert "/runs/pipelinejob-1" in page.links
    assert "/runs/another" not in page.links
    assert "data-live" in page.markup  # a job of it runs
    assert page.text.count(" yes ") == 1  # one default


def test_one_without_deployments_and_jobs_says_so(studio: Any) -> None:
    add_batch_endpoint(studio, "empty")
    page = studio.page("/endpoints/batch/empty")
    assert "it starts no jobs" in page.text
    assert "No call has started a job yet" in page.text
    assert "which this endpoint does not have yet" in page.text


def test_the_list_of_endpoints_leads_to_batch_endpoints_too(studio: Any) -> None:
    studio.add_endpoint("online", {})
    assert "Batch endpoints" not in studio.page("/endpoints").text
    add_batch_endpoint(studio, "nightly", state="Creating")
    add_batch_deployment(studio, "nightly", "blue")
    page = studio.page("/endpoints")
    assert {"/endpoints/online", "/endpoints/batch/nightly"} <= page.links
    assert "data-live" in page.markup


def test_one_that_is_not_there_is_a_page_that_says_so(studio: Any) -> None:
    assert "There is no batch endpoint named “nope”" in studio.page("/endpoints/batch/nope", 404).text


def test_the_address_that_a_summary_names_leads_to_the_page(studio: Any) -> None:
    add_batch_endpoint(studio, "nightly")
    reply = studio.get(f"/endpoints/batch/nightly/detail?wsid={studio.workspace}&tid=x")
    assert (reply.status, reply.headers["Location"]) == (302, "/endpoints/batch/nightly")
