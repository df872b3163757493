"""`pipeline_publish`: the pipeline of a job becomes the default deployment of a batch endpoint."""

import time
from typing import Any

import pytest
from support.training import COMPUTE, IMAGE, PLAIN, TrainingRepository

from aml_run.publish import component_name, deployment_name, endpoint_name

PIPELINE = f"""\
type: pipeline
description: one step
inputs: {{who: world}}
settings: {{default_compute: azureml:{COMPUTE}}}
jobs:
  greet:
    type: command
    code: src
    command: python greet.py ${{{{inputs.who}}}}
    environment: {{image: "{IMAGE}:latest", conda_file: environment.yml}}
    inputs: {{who: "${{{{parent.inputs.who}}}}"}}
"""


def write(repository: TrainingRepository, job: str = PIPELINE) -> None:
    repository.write(
        {
            "jobs/job.yml": job,
            "jobs/src/greet.py": "import sys\nprint('hello', sys.argv[1])\n",
            "jobs/environment.yml": PLAIN,
        }
    )


def test_a_pipeline_is_published_and_can_be_started_by_its_endpoint(
    repository: TrainingRepository, client: Any
) -> None:
    write(repository)
    parameters = {
        "job_file": "jobs/job.yml",
        "pipeline_publish": True,
        "pipeline_name": "greeting",
        "pipeline_version": "1.0",
        "pipeline_continue_on_step_failure": True,
    }
    done = repository.step("aml-run", parameters)
    assert done.code == 0, done.log
    assert done.outputs["published_pipeline_id"].endswith("/batchEndpoints/greeting/deployments/version-1-0")
    assert done.outputs["published_pipeline_status"] == "Succeeded"
    endpoint = client.batch_endpoints.get("greeting")
    assert done.outputs["published_pipeline_endpoint"] == endpoint.scoring_uri
    assert done.result["published_pipeline"]["version"] == "1.0"
    assert endpoint.tags["repository"] == "octo/credit-risk"
    assert "greeting" in done.summary

    component = client.components.get("greeting", "1.0")
    assert set(component.inputs) == {"who"}

    # What the endpoint starts is the pipeline, with the values that it was published with.
    started = client.batch_endpoints.invoke("greeting")
    deadline = time.monotonic() + 120
    while (status := client.jobs.get(started.name).status) not in ("Completed", "Failed", "Canceled"):
        assert time.monotonic() < deadline
        time.sleep(1)
    assert status == "Completed"

    # Publishing the same version again changes nothing.
    again = repository.step("aml-run", parameters)
    assert again.code == 0, again.log
    assert again.outputs["published_pipeline_id"] == done.outputs["published_pipeline_id"]
    assert [one.version for one in client.components.list("greeting")] == ["1.0"]
    assert [one.name for one in client.batch_deployments.list("greeting")] == ["version-1-0"]

    # A new version becomes the default one; the old one stays.
    newer = repository.step("aml-run", {**parameters, "pipeline_version": "1.1", "wait_for_completion": False})
    assert newer.code == 0, newer.log
    assert newer.result["status"] == "Submitted"
    assert newer.outputs["published_pipeline_id"].endswith("/deployments/version-1-1")
    assert {one.name for one in client.batch_deployments.list("greeting")} == {"version-1-0", "version-1-1"}
    defaults = client.batch_endpoints.get("greeting").defaults
    assert "version-1-1" in str(defaults)


def test_without_a_name_and_a_version_both_are_chosen(repository: TrainingRepository, client: Any) -> None:
    write(repository)
    done = repository.step("aml-run", {"job_file": "jobs/job.yml", "pipeline_publish": True})
    assert done.code == 0, done.log
    published = done.result["published_pipeline"]
    assert published["name"] == "credit-risk-main"
    assert set(client.components.get("credit_risk_main", published["version"]).inputs) == {"who"}


def test_a_job_that_is_no_pipeline_is_not_published(repository: TrainingRepository) -> None:
    write(
        repository,
        f"""\
type: command
code: src
command: python greet.py there
environment: {{image: "{IMAGE}:latest", conda_file: environment.yml}}
compute: azureml:{COMPUTE}
""",
    )
    done = repository.step("aml-run", {"job_file": "jobs/job.yml", "pipeline_publish": True})
    assert done.code == 0, done.log
    assert "is no pipeline but a command job; it is not published" in done.log
    assert "published_pipeline_id" not in done.outputs


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("training-pipeline", "training-pipeline"),
        ("training_pipeline v2", "training-pipeline-v2"),
        ("2nd", "pipeline-2nd"),
        ("ab", "ab-pipeline"),
        ("--", "pipeline"),
        ("a" * 31 + "-b", "a" * 31),
        ("Größe", "Gr-e"),
    ],
)
def test_names_that_an_endpoint_cannot_have_are_changed(wanted: str, name: str) -> None:
    assert endpoint_name(wanted) == name


def test_names_of_components_and_deployments() -> None:
    assert component_name("Training-Pipeline v2") == "training_pipeline_v2"
    assert component_name("2nd") == "pipeline_2nd"
    assert component_name("__") == "pipeline"
    assert deployment_name("1.0") == "version-1-0"
