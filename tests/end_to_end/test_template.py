"""A data scientist's day with the template: its own workflow files, run by act, against the emulator.

Nothing is replaced but the clouds: the published actions, the real SDK, a real training process, the real inference server.
"""

import json
import os
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.emulator import RunningEmulator
from support.homes import actions_home  # noqa: F401 - a fixture

from aml_actions.publish import publish, publish_template
from aml_emulator.github import events
from aml_emulator.github.checkout import find_repository
from aml_emulator.github.machine import machine_environment
from aml_emulator.github.results import WorkflowRun
from aml_emulator.github.runner import run_workflow, workflows_started_by

ROOT = Path(__file__).parents[2]
SETUP, DEPLOY, TRAIN = (f".github/workflows/{name}.yml" for name in ("setup", "train_deploy", "train_model"))

pytestmark = pytest.mark.xdist_group("template")


@dataclass
class Desk:
    """A clone of somebody's copy of the template, and GitHub to push it to."""

    root: Path
    actions: Path
    environment: dict[str, str]
    credentials: str

    def git(self, *arguments: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=self.root, check=True)

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text, encoding="utf-8")

    def replace(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def push(self, message: str, *, credentials: str | None = None) -> dict[str, WorkflowRun]:
        """Commit everything and push the branch; give the runs that this started, by workflow path."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        repository = find_repository(self.root, "local/template-test")
        event = events.push(repository)
        return {
            path: run_workflow(
                repository,
                path,
                event,
                actions={"org/actions@v1": self.actions},
                environment=self.environment,
                secrets={"AZURE_CREDENTIALS": self.credentials if credentials is None else credentials},
                timeout=900,
            )
            for path in workflows_started_by(repository, event)
        }


@pytest.fixture(scope="module")
def desk(emulator: RunningEmulator, actions_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Desk:  # noqa: F811
    folder = tmp_path_factory.mktemp("template")
    publish(folder / "actions", source=ROOT, ref=None)
    root = folder / "repository"
    publish_template(root, source=ROOT, ref=None)
    bundle = {name: emulator.env[name] for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")}
    environment = machine_environment(os.environ, AML_ACTIONS_HOME=str(actions_home), **bundle)
    found = Desk(root, folder / "actions", environment, emulator.credentials)
    found.git("init", "--quiet", "--initial-branch", "main")
    # One emulator serves many tests: a workspace, and so an endpoint, of this test's own.
    found.replace(".cloud/.azure/workspace.json", '"mlops-workspace"', '"template-workspace"')
    return found


@pytest.fixture(scope="module")
def first(desk: Desk) -> WorkflowRun:
    """The first push to main."""
    runs = desk.push("the template")
    assert list(runs) == [SETUP, DEPLOY, TRAIN]
    assert [job.result for path in (SETUP, TRAIN) for job in runs[path].jobs] == ["skipped", "skipped"]
    return runs[DEPLOY]


@pytest.fixture(scope="module")
def azure(emulator: RunningEmulator) -> Iterator[httpx.Client]:
    """A client with a token of the service principal, for what a user would ask Azure afterwards."""
    trusted = ssl.create_default_context(cafile=emulator.env["REQUESTS_CA_BUNDLE"])
    identity = emulator.identity
    with httpx.Client(base_url=emulator.base_url, verify=trusted, timeout=60, trust_env=False) as client:
        signed_in = client.post(
            f"/{identity['tenantId']}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": identity["clientId"],
                "client_secret": identity["clientSecret"],
                "scope": f"{emulator.base_url}/.default",
            },
        )
        client.headers["Authorization"] = f"Bearer {signed_in.json()['access_token']}"
        yield client


def result(run: WorkflowRun, step: str) -> dict[str, Any]:
    found = json.loads(run.outputs(step)["result"])
    assert isinstance(found, dict)
    return found


def endpoint_key(azure: httpx.Client, run: WorkflowRun) -> str:
    endpoint = (
        f"{result(run, 'aml_workspace')['workspace_id']}/onlineEndpoints/{run.outputs('aml_deploy')['endpoint_name']}"
    )
    keys = azure.post(f"{endpoint}/listKeys", params={"api-version": "2024-04-01"})
    return str(keys.json()["primaryKey"])


def test_every_step_of_the_first_push_succeeds(first: WorkflowRun) -> None:
    assert first.succeeded, first.failures()
    assert [(step.name, step.outcome) for step in first.steps] == [
        ("Check out the repository", "success"),
        ("Find or create the workspace", "success"),
        ("Find or create the compute cluster", "success"),
        ("Train", "success"),
        ("Register the model", "success"),
        ("Deploy and test the model", "success"),
        ("Show what was made", "success"),
    ]


def test_the_template_raises_no_warning(first: WorkflowRun) -> None:
    assert [note for note in first.annotations if note.level != "notice"] == []


def test_the_metrics_of_the_training_are_those_of_the_classifier(first: WorkflowRun) -> None:
    trained = first.outputs("aml_run")
    metrics = json.loads(trained["run_metrics"])[trained["run_id"]]
    assert metrics["Accuracy"] == pytest.approx(37 / 38)
    assert {"precision", "recall", "f1-score", "train_accuracy", "validation_accuracy"} <= set(metrics)
    assert "Accuracy | 0.974" in trained["run_metrics_markdown"]
    assert trained["experiment_name"] == "iris-svc"


def test_the_learning_curve_is_a_curve(first: WorkflowRun, azure: httpx.Client) -> None:
    query = {"run_id": first.outputs("aml_run")["run_id"], "metric_key": "validation_accuracy"}
    points = azure.get("/api/2.0/mlflow/metrics/get-history", params=query).json()["metrics"]
    assert [point["step"] for point in points] == sorted({point["step"] for point in points})
    assert len(points) == 10


def test_the_model_and_the_figures_are_kept_with_the_run(first: WorkflowRun) -> None:
    kept = set(result(first, "aml_run")["artifacts"])
    assert {"outputs/model.pkl", "confusion_matrix.png", "confusion_matrix.json", "learning_curve.png"} <= kept


def test_the_model_is_registered_from_the_run(first: WorkflowRun) -> None:
    registered = first.outputs("aml_registermodel")
    assert (registered["model_name"], registered["model_version"]) == ("iris-svc", "1")
    assert result(first, "aml_registermodel")["run_id"] == first.outputs("aml_run")["run_id"]


def test_the_service_answers_with_the_key_and_only_with_it(first: WorkflowRun, azure: httpx.Client) -> None:
    uri = first.outputs("aml_deploy")["service_scoring_uri"]
    flowers = {"data": [[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]]}
    signed = {"Authorization": f"Bearer {endpoint_key(azure, first)}"}
    assert azure.post(uri, json=flowers, headers=signed).json() == {"predict": [0, 2]}
    assert azure.post(uri, json=flowers, headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_wrong_request_to_the_service_is_told_what_is_wrong(first: WorkflowRun, azure: httpx.Client) -> None:
    uri = first.outputs("aml_deploy")["service_scoring_uri"]
    signed = {"Authorization": f"Bearer {endpoint_key(azure, first)}"}
    answer = azure.post(uri, json={"data": [[1, 2, 3]]}, headers=signed)
    assert 400 <= answer.status_code < 500
    assert "not a list of 4 numbers" in answer.text


def test_the_deployment_was_tested_before_it_got_the_traffic(first: WorkflowRun) -> None:
    deployed = result(first, "aml_deploy")
    assert deployed["test"]["passed"] is True
    assert deployed["traffic"] == {first.outputs("aml_deploy")["deployment_name"]: 100}


def test_the_studio_has_the_page_of_the_run(first: WorkflowRun, azure: httpx.Client) -> None:
    page = azure.get(first.outputs("aml_run")["run_url"])
    assert page.status_code == 200
    assert first.outputs("aml_run")["run_id"] in page.text
    assert "Accuracy" in page.text


def test_the_summary_tells_what_a_person_wants_to_know(first: WorkflowRun) -> None:
    summary = first.summary
    for wanted in ("template-workspace", "githubcluster", "Accuracy", "iris-svc", "# What this push made"):
        assert wanted in summary
    assert first.outputs("aml_deploy")["service_scoring_uri"] in summary
    assert first.outputs("aml_run")["run_url"] in summary
    assert all(step.summary for step in first.steps if step.key.startswith("aml_"))


def test_the_secret_is_nowhere(first: WorkflowRun, emulator: RunningEmulator) -> None:
    assert emulator.identity["clientSecret"] not in repr(first)


def test_a_second_push_makes_a_new_version_and_serves_it_from_the_same_place(
    first: WorkflowRun, desk: Desk, azure: httpx.Client
) -> None:
    desk.git("checkout", "--quiet", "main")
    desk.replace("code/train/run_config.yml", '"1.0"', '"0.5"')
    second = desk.push("a softer margin")[DEPLOY]
    assert second.succeeded, second.failures()
    assert result(second, "aml_workspace")["created"] is False
    assert second.outputs("aml_registermodel")["model_version"] == "2"
    before, after = first.outputs("aml_deploy"), second.outputs("aml_deploy")
    assert after["service_scoring_uri"] == before["service_scoring_uri"]
    assert after["deployment_name"] != before["deployment_name"]
    assert result(second, "aml_deploy")["traffic"] == {after["deployment_name"]: 100}
    signed = {"Authorization": f"Bearer {endpoint_key(azure, second)}"}
    assert azure.post(after["service_scoring_uri"], json={"data": [[5.1, 3.5, 1.4, 0.2]]}, headers=signed).json()


def test_a_push_of_code_to_a_branch_trains_and_stops_there(first: WorkflowRun, desk: Desk) -> None:
    desk.git("checkout", "--quiet", "-B", "kernel")
    desk.replace("code/train/run_config.yml", "linear", "rbf")
    runs = desk.push("another kernel")
    assert list(runs) == [TRAIN]
    assert runs[TRAIN].succeeded, runs[TRAIN].failures()
    assert "Accuracy" in runs[TRAIN].summary


def test_a_training_that_fails_is_told_with_its_last_words(first: WorkflowRun, desk: Desk) -> None:
    desk.git("checkout", "--quiet", "-B", "broken", "main")
    desk.write("code/train/train.py", "print('before the fall')\nraise ValueError('the data is not there')\n")
    run = desk.push("broken")[TRAIN]
    assert not run.succeeded
    [told] = run.failures()
    assert "the data is not there" in told
    assert run.step("aml_run").outputs["run_id"] in told
    assert "the data is not there" in run.step("aml_run").summary


def test_credentials_that_azure_refuses_stop_the_first_step(first: WorkflowRun, desk: Desk) -> None:
    refused = json.dumps({**json.loads(desk.credentials), "clientSecret": "not-the-secret-of-anybody"})
    desk.git("checkout", "--quiet", "-B", "refused", "main")
    desk.replace("code/train/train.py", "SEED = 0", "SEED = 1")
    run = desk.push("refused", credentials=refused)[TRAIN]
    assert [step.outcome for step in run.steps] == ["success", "failure", "skipped", "skipped"]
    [told] = run.failures()
    assert "AADSTS7000215" in told
    assert "Traceback" not in told
    assert "not-the-secret-of-anybody" not in repr(run)
