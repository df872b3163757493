"""A workflow that is run again pays for a job once."""

from collections.abc import Iterator

import pytest
import requests
from support.emulator import sign_in
from support.fault_matrix import Cloud
from support.steps import Outcome
from support.training import COMPUTE, IMAGE, PLAIN, TrainingRepository

TRAINS = 'print("trained")\n'
FAILS = "import sys\nsys.exit(3)\n"


@pytest.fixture
def workflow(repository: TrainingRepository, request: pytest.FixtureRequest) -> Iterator[object]:
    """Run aml-run in an attempt of one workflow run, which has a number of its own."""
    number = str(abs(hash(request.node.nodeid)) % 10**9)

    def run(attempt: int = 1, parameters: object = None, **env: str) -> Outcome:
        return repository.step(
            "aml-run",
            parameters or {},
            env={
                "GITHUB_RUN_ID": number,
                "GITHUB_RUN_ATTEMPT": str(attempt),
                "GITHUB_JOB": "train",
                "GITHUB_ACTION": "__run",
                **env,
            },
        )

    yield run


def names(outcome: Outcome) -> list[str]:
    import json

    return [run["run_id"] for run in json.loads(outcome.outputs["runs"])]


def test_the_name_says_where_a_job_comes_from(workflow, repository, client):
    repository.training(TRAINS)
    first = workflow()
    assert first.code == 0, first.log
    name = first.outputs["run_id"]
    assert name.startswith("credit-risk-")
    assert name.endswith("-1")
    tags = client.jobs.get(name).tags
    assert tags["GITHUB_RUN_ID"] in name
    assert {"GITHUB_REPOSITORY", "GITHUB_SHA", "GITHUB_REF", "GITHUB_ACTOR", "AML_RUN_DEFINITION"} <= set(tags)


def test_a_rerun_takes_the_job_that_is_done(workflow, repository):
    repository.training(TRAINS)
    first = workflow()
    again = workflow(2)
    assert again.code == 0, again.log
    assert again.outputs["run_id"] == first.outputs["run_id"]
    assert f"Job {first.outputs['run_id']} in experiment credit-risk-main: attached;" in again.log
    assert "trained" in again.log


def test_a_third_attempt_finds_it_too(workflow, repository):
    repository.training(TRAINS)
    first = workflow()
    assert workflow(2).outputs["run_id"] == workflow(3).outputs["run_id"] == first.outputs["run_id"]


def test_a_rerun_attaches_to_the_job_that_still_runs(workflow, repository, client):
    repository.training("import time\nprint('slowly', flush=True)\ntime.sleep(8)\n")
    first = workflow(parameters={"wait_for_completion": False})
    assert first.code == 0, first.log
    assert first.result["status"] == "Submitted"
    again = workflow(2, {})
    # Whether somebody waits is part of the parameters set, and changes what is asked for, not what is run.
    assert again.outputs["run_id"] == first.outputs["run_id"], again.log
    assert again.code == 0, again.log
    assert again.result["status"] == "Completed"
    assert "slowly" in again.log


def test_a_failed_job_is_run_anew(workflow, repository):
    repository.training(FAILS)
    first = workflow()
    assert first.code == 1
    again = workflow(2)
    assert again.code == 1
    assert again.outputs["run_id"] == first.outputs["run_id"].removesuffix("-1") + "-2"
    assert f"Job {first.outputs['run_id']} of attempt 1 is Failed: a new one is submitted." in again.log


def test_a_job_with_another_definition_is_run_anew_and_that_is_said(workflow, repository):
    repository.training(TRAINS)
    first = workflow()
    repository.training("print('trained otherwise')\n")
    again = workflow(2)
    assert again.code == 0, again.log
    assert again.outputs["run_id"] != first.outputs["run_id"]
    assert f"Job {first.outputs['run_id']} of an earlier attempt has another definition" in again.log
    assert "trained otherwise" in again.log


PIPELINE = f"""\
type: pipeline
settings: {{default_compute: azureml:{COMPUTE}}}
jobs:
  train:
    type: command
    command: python train.py
    code: code/train
    environment: {{image: {IMAGE}, conda_file: code/train/environment.yml}}
"""


def uploaded_twice(repository: TrainingRepository) -> None:
    """Give all code another id, as when another step has uploaded the same at the same time, and the SDK finds that one first."""
    emulator = repository.emulator
    cloud = Cloud(emulator, repository.workspace)
    uploads = f"{cloud.workspace_id}/codes/"
    codes = {one["path"] for one in cloud.requests() if one["method"] == "PUT" and one["path"].startswith(uploads)}
    moved = 0
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {sign_in(emulator).json()['access_token']}"
        session.trust_env, session.verify = False, emulator.env["REQUESTS_CA_BUNDLE"]
        session.params = {"api-version": "2023-04-01"}
        for code in codes:
            found = session.get(emulator.base_url + code)
            if found.status_code == 200:
                kept = {key: found.json()["properties"][key] for key in ("codeUri", "properties", "isAnonymous")}
                other = code.replace("/codes/", "/codes/other-")
                assert session.put(emulator.base_url + other, json={"properties": kept}).status_code == 201
                assert session.delete(emulator.base_url + code).status_code == 200
                moved += 1
    assert moved


@pytest.mark.parametrize("file", ["", "job.yml"], ids=["a job", "a step of a pipeline"])
def test_code_that_was_uploaded_twice_is_the_same_code(workflow, repository, file):
    repository.training('print("trained here")\n', conda=PLAIN)
    repository.write({"job.yml": PIPELINE})
    parameters = {"job_file": file} if file else {}
    first = workflow(1, parameters)
    assert first.code == 0, first.log
    uploaded_twice(repository)
    again = workflow(2, parameters)
    assert again.code == 0, again.log
    assert again.outputs["run_id"] == first.outputs["run_id"], again.log


def test_rerun_new_always_makes_a_new_job(workflow, repository):
    repository.training(TRAINS)
    first = workflow()
    again = workflow(2, {"rerun": "new"})
    assert again.code == 0, again.log
    assert again.outputs["run_id"] not in names(first)
    assert "attached" not in again.log


def test_two_steps_of_one_attempt_never_share_a_job(workflow, repository):
    repository.training(TRAINS)
    assert workflow().outputs["run_id"] != workflow().outputs["run_id"]


def test_steps_with_the_same_id_find_their_own_jobs_again(workflow, repository, tmp_path):
    """Inside a composite action the runner calls every step the same; its folder for temporary files lives as long as the job."""
    repository.training(TRAINS)
    folders = [tmp_path / "first attempt", tmp_path / "second attempt"]
    for folder in folders:
        folder.mkdir()
    first = [workflow(1, RUNNER_TEMP=str(folders[0])).outputs["run_id"] for _ in range(2)]
    again = [workflow(2, RUNNER_TEMP=str(folders[1])).outputs["run_id"] for _ in range(2)]
    assert first == again
    assert len(set(first)) == 2


def test_the_legs_of_a_matrix_find_their_own_jobs_again(workflow, repository):
    repository.training(TRAINS)
    legs = ['{"fold": 1}', '{"fold": 2}']
    first = [workflow(1, AML_ACTION_MATRIX=leg).outputs["run_id"] for leg in legs]
    again = [workflow(2, AML_ACTION_MATRIX=leg).outputs["run_id"] for leg in reversed(legs)]
    assert first == again[::-1]
    assert len(set(first)) == 2


def test_each_job_of_a_list_finds_its_own_again(workflow, repository):
    repository.training(TRAINS)
    sets = [{"tags": {"number": number}} for number in range(3)]
    first = workflow(1, sets)
    again = workflow(2, sets)
    assert again.code == 0, again.log
    assert names(first) == names(again)
    assert again.log.count(": attached;") == 3
