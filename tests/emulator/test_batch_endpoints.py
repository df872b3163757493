"""Batch endpoints by the real SDK: a pipeline component is deployed, and a call starts a job of it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from support.emulator import RunningEmulator, sign_in

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

Rest = Callable[..., requests.Response]

STEP = """type: command
name: {name}
version: "1"
environment: {{image: mcr.microsoft.com/azureml/minimal, conda_file: conda.yml}}
inputs: {{{inputs}}}
outputs: {{{outputs}}}
command: {command}
"""
PREPARE = STEP.format(
    name="prepare_text",
    inputs="text: {type: uri_folder}",
    outputs="prepared: {type: uri_folder}",
    command="cat ${{inputs.text}}/*.txt > ${{outputs.prepared}}/all.txt",
)
SCORE = STEP.format(
    name="score_text",
    inputs="prepared: {type: uri_folder}, times: {type: integer}",
    outputs="scores: {type: uri_folder}",
    command="for i in $(seq ${{inputs.times}}); do cat ${{inputs.prepared}}/all.txt; done > ${{outputs.scores}}/scores.txt",
)
PIPELINE = """type: pipeline
name: batch_scoring
version: "1"
inputs:
  text: {type: uri_folder}
  times: {type: integer, default: 2}
outputs:
  scores: {type: uri_folder}
jobs:
  prepare:
    type: command
    component: ./prepare.yml
    inputs: {text: "${{parent.inputs.text}}"}
  score:
    type: command
    component: ./score.yml
    inputs: {prepared: "${{parent.jobs.prepare.outputs.prepared}}", times: "${{parent.inputs.times}}"}
    outputs: {scores: "${{parent.outputs.scores}}"}
"""


@pytest.fixture(scope="module")
def component(ml: MLClient, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A registered pipeline component of two steps: an input folder, a number with a default, an output folder."""
    from azure.ai.ml import load_component

    folder = tmp_path_factory.mktemp("component")
    (folder / "conda.yml").write_text("dependencies: [python=3.11]")
    for name, text in (("prepare", PREPARE), ("score", SCORE), ("pipeline", PIPELINE)):
        (folder / f"{name}.yml").write_text(text)
    return ml.components.create_or_update(load_component(folder / "pipeline.yml"))


@pytest.fixture(autouse=True)
def _own_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK notes the deployment of a call in headers that all calls of a process share (1.35.2): each test gets its own."""
    from azure.ai.ml.constants._endpoint import EndpointInvokeFields

    monkeypatch.setattr(EndpointInvokeFields, "DEFAULT_HEADER", dict(EndpointInvokeFields.DEFAULT_HEADER))
    EndpointInvokeFields.DEFAULT_HEADER.pop("azureml-model-deployment", None)


def settle(ml: MLClient, name: str) -> Any:
    """The status in which a job ends."""
    deadline = time.monotonic() + 60
    while (status := ml.jobs.get(name).status) not in ("Completed", "Failed", "Canceled"):
        assert time.monotonic() < deadline, status
        time.sleep(0.1)
    return status


def endpoint(ml: MLClient, name: str | None = None) -> Any:
    """A new batch endpoint."""
    from azure.ai.ml.entities import BatchEndpoint

    name = name or f"batch-{uuid.uuid4().hex[:8]}"
    return ml.batch_endpoints.begin_create_or_update(BatchEndpoint(name=name, description="text")).result()


def deploy(ml: MLClient, endpoint_name: str, component: Any, name: str = "blue", **settings: Any) -> Any:
    """Deploy the component."""
    from azure.ai.ml.entities import PipelineComponentBatchDeployment

    wanted = PipelineComponentBatchDeployment(
        name=name, endpoint_name=endpoint_name, component=component, settings=settings, tags={"team": "x"}
    )
    return ml.batch_deployments.begin_create_or_update(wanted).result()


def test_a_pipeline_component_is_deployed_and_called(
    ml: MLClient, emulator: RunningEmulator, component: Any, tmp_path: Path
) -> None:
    from azure.ai.ml import Input
    from azure.ai.ml.entities import AmlCompute

    ml.compute.begin_create_or_update(AmlCompute(name="batch-cluster", size="Standard_DS3_v2")).result()
    made = endpoint(ml, "scoring-texts")
    assert made.provisioning_state == "Succeeded"
    assert made.scoring_uri == f"{emulator.base_url}/inference/scoring-texts/jobs"
    deployed = deploy(ml, made.name, component, continue_on_step_failure=False, default_compute="batch-cluster")
    assert (deployed.component, deployed.endpoint_name) == (component.id, made.name)
    assert deployed.settings == {"continue_on_step_failure": "False", "default_compute": "batch-cluster"}

    found = ml.batch_deployments.get("blue", made.name)
    assert (found.provisioning_state, found.tags) == ("Succeeded", {"team": "x"})
    assert [item.name for item in ml.batch_deployments.list(made.name)] == ["blue"]
    made = ml.batch_endpoints.get(made.name)
    made.defaults.deployment_name = "blue"
    made = ml.batch_endpoints.begin_create_or_update(made).result()
    assert made.defaults.deployment_name == "blue"
    assert made.name in [item.name for item in ml.batch_endpoints.list()]

    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("rose\n")
    inputs = {"text": Input(type="uri_folder", path=str(tmp_path / "data")), "times": Input(type="integer", default=3)}
    job = ml.batch_endpoints.invoke(made.name, inputs=inputs, experiment_name="nightly")
    assert "/deployments/blue/jobs/" in job.id
    assert settle(ml, job.name) == "Completed"

    ran = ml.jobs.get(job.name)
    assert (ran.type, ran.experiment_name) == ("pipeline", "nightly")
    assert ran.properties["azureml.deploymentname"] == "blue"
    assert sorted(child.display_name for child in ml.jobs.list(parent_job_name=job.name)) == ["prepare", "score"]
    ml.jobs.download(job.name, download_path=tmp_path, output_name="scores")
    assert (tmp_path / "named-outputs" / "scores" / "scores.txt").read_text() == "rose\n" * 3

    listed = ml.batch_endpoints.list_jobs(made.name)
    assert [(item.name, item.status) for item in listed] == [(job.name, "Completed")]
    assert [item.name for item in ml.batch_deployments.list_jobs(made.name, name="blue")] == [job.name]

    ml.batch_deployments.begin_delete("blue", made.name).result()
    assert ml.batch_endpoints.get(made.name).defaults.deployment_name is None
    ml.batch_endpoints.begin_delete(made.name).result()
    assert made.name not in [item.name for item in ml.batch_endpoints.list()]
    assert ml.jobs.get(job.name).status == "Completed"  # jobs are the workspace's


def test_a_call_may_name_a_deployment_and_leave_out_what_has_a_default(
    ml: MLClient, component: Any, tmp_path: Path
) -> None:
    from azure.ai.ml import Input
    from azure.core.exceptions import ResourceNotFoundError

    name = endpoint(ml).name
    deploy(ml, name, component, force_rerun=True)
    (tmp_path / "a.txt").write_text("iris\n")
    inputs = {"text": Input(type="uri_folder", path=str(tmp_path))}
    with pytest.raises(ResourceNotFoundError, match="No valid deployments to route to"):
        ml.batch_endpoints.invoke(name, inputs=inputs)
    job = ml.batch_endpoints.invoke(name, deployment_name="blue", inputs=inputs)
    assert settle(ml, job.name) == "Completed"
    assert ml.jobs.get(job.name).experiment_name == name
    ml.jobs.download(job.name, download_path=tmp_path, output_name="scores")
    assert (tmp_path / "named-outputs" / "scores" / "scores.txt").read_text() == "iris\n" * 2


def test_a_call_is_checked_before_a_job_starts(
    ml: MLClient, emulator: RunningEmulator, rest: Rest, component: Any
) -> None:
    made = endpoint(ml)
    deploy(ml, made.name, component)
    data_plane = sign_in(emulator, scope="https://ml.azure.com/.default").json()["access_token"]

    def call(body: Any, token: str = data_plane, **headers: str) -> requests.Response:
        return requests.post(
            made.scoring_uri,
            json=body,
            headers={"Authorization": f"Bearer {token}", "azureml-model-deployment": "blue", **headers},
            verify=emulator.env["REQUESTS_CA_BUNDLE"],
            timeout=60,
        )

    folder = {"JobInputType": "UriFolder", "Uri": "azureml://datastores/workspaceblobstore/paths/texts"}
    cases = [
        (call({}), 400, "must have an object 'properties'"),
        (
            call({"properties": {"InputData": {"text": {"JobInputType": "Table"}}}}),
            400,
            "jobInputType of 'text' is 'Table'",
        ),
        (call({"properties": {"InputData": {"txt": folder}}}), 400, "has no input 'txt'"),
        (call({"properties": {"InputData": "text"}}), 400, "InputData must be an object"),
        (call({"properties": {"Properties": "nightly"}}), 400, "properties of the job must be an object"),
        (call({"properties": {"InputData": {}}}), 400, "required input 'text' has no value"),
        (call({"properties": {}}, **{"azureml-model-deployment": "green"}), 404, "Deployment green of endpoint"),
        (call({"properties": {}}, sign_in(emulator).json()["access_token"]), 401, "wrong audience"),
        (call({"properties": {}}, "none"), 401, "access token is invalid"),
    ]
    for answer, status, words in cases:
        assert (answer.status_code, words in answer.json()["error"]["message"]) == (status, True), answer.text
    assert list(ml.batch_endpoints.list_jobs(made.name)) == []


@pytest.mark.parametrize(
    ("properties", "status", "words"),
    [
        ({"authMode": "Key"}, 400, "authMode of a batch endpoint is 'Key'; allowed is AADToken"),
        (
            {"authMode": "AADToken", "defaults": {"deploymentName": "blue"}},
            400,
            "default deployment 'blue' is not one of",
        ),
    ],
)
def test_an_endpoint_that_cannot_be_is_refused_and_leaves_nothing(
    rest: Rest, workspace_id: str, ml: MLClient, properties: dict[str, Any], status: int, words: str
) -> None:
    answer = rest("PUT", f"{workspace_id}/batchEndpoints/refused", json={"properties": properties})
    assert (answer.status_code, words in answer.json()["error"]["message"]) == (status, True), answer.text
    missing = rest("GET", f"{workspace_id}/batchEndpoints/refused")
    assert (missing.status_code, missing.json()["error"]["details"][0]["code"]) == (404, "NoSuchEndpoint")
    assert rest("DELETE", f"{workspace_id}/batchEndpoints/refused").status_code == 204


def test_a_deployment_that_does_not_run_here_is_refused_by_name(
    ml: MLClient, rest: Rest, workspace_id: str, component: Any
) -> None:
    name = endpoint(ml).name
    path = f"{workspace_id}/batchEndpoints/{name}/deployments/blue"

    def configuration(asset_id: str | None, **settings: Any) -> dict[str, Any]:
        kind = {"deploymentConfigurationType": "PipelineComponent", "componentId": {"assetId": asset_id}}
        return {"deploymentConfiguration": {**kind, "settings": settings}}

    cases = [
        ({"model": {"assetId": "m"}}, 501, "batch deployments of type Model"),
        (configuration(None), 400, "needs a componentId"),
        (configuration(f"{workspace_id}/components/none/versions/1"), 404, "Component none:1 was not found"),
        (configuration("azureml://registries/r/components/c/versions/1"), 501, "components of a registry"),
        (configuration(component.id, colour="red"), 501, "the settings colour of a batch deployment"),
        (configuration(component.id, default_datastore="mine"), 501, "default_datastore 'mine'"),
    ]
    for properties, status, words in cases:
        answer = rest("PUT", path, json={"properties": properties})
        assert (answer.status_code, words in answer.json()["error"]["message"]) == (status, True), answer.text
    assert rest("GET", path).status_code == 404


def test_a_step_alone_cannot_be_deployed(ml: MLClient, rest: Rest, workspace_id: str, component: Any) -> None:
    steps = rest("GET", f"{component.id}").json()["properties"]["componentSpec"]["jobs"]
    reference = {"assetId": steps["prepare"]["componentId"]}
    body = {
        "properties": {
            "deploymentConfiguration": {"deploymentConfigurationType": "PipelineComponent", "componentId": reference}
        }
    }
    answer = rest("PUT", f"{workspace_id}/batchEndpoints/{endpoint(ml).name}/deployments/blue", json=body)
    assert (answer.status_code, "is of type command" in answer.json()["error"]["message"]) == (400, True), answer.text


def test_a_name_is_one_endpoint_s_of_any_kind_and_workspace(
    ml: MLClient, rest: Rest, group: str, workspace_id: str
) -> None:
    from azure.ai.ml.entities import Workspace

    name = endpoint(ml).name
    ml.workspaces.begin_create(Workspace(name="second-workspace", location="westeurope")).result()
    other = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/second-workspace"
    for path, mode in ((f"{workspace_id}/onlineEndpoints", "Key"), (f"{other}/batchEndpoints", "AADToken")):
        answer = rest("PUT", f"{path}/{name}", json={"properties": {"authMode": mode}})
        assert (answer.status_code, "already exists" in answer.json()["error"]["message"]) == (409, True), answer.text
