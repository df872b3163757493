"""A repository that used the old actions moves over by changing `uses:` lines.

The small template as of 2021, with nothing changed but the owner of the actions and the pins that no longer exist for a
supported Python: pushed to master, it trains with SDK v1's `Run`, registers and deploys, against the emulator.
"""

import json
import os
import re
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import small_template
from support.emulator import RunningEmulator
from support.homes import actions_home  # noqa: F401 - a fixture

from aml_actions.publish import publish
from aml_emulator.github import events
from aml_emulator.github.checkout import find_repository
from aml_emulator.github.machine import machine_environment
from aml_emulator.github.results import WorkflowRun
from aml_emulator.github.runner import run_workflow, workflows_started_by

ROOT = Path(__file__).parents[2]
WORKFLOW = ".github/workflows/train_deploy.yml"

pytestmark = pytest.mark.xdist_group("small_template")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's repository: the template as it was, committed to master."""
    root = tmp_path_factory.mktemp("small template") / "iris-classifier"
    small_template.copy(root)
    git(root, "init", "--quiet", "--initial-branch", "master")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "The template, with the old actions")
    return root


@pytest.fixture(scope="module")
def run(
    repository: Path,
    emulator: RunningEmulator,
    actions_home: Path,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> WorkflowRun:
    """What the push of the change to the new actions starts."""
    small_template.move_over(repository)
    git(repository, "commit", "--quiet", "--all", "--message", "The new actions")
    actions = tmp_path_factory.mktemp("published") / "actions"
    publish(actions, source=ROOT, ref=None)
    bundle = {name: emulator.env[name] for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")}
    on_github = find_repository(repository, "octo/iris-classifier")
    push = events.push(on_github)
    assert workflows_started_by(on_github, push) == [WORKFLOW]
    return run_workflow(
        on_github,
        WORKFLOW,
        push,
        actions={"org/actions@v1": actions},
        environment=machine_environment(os.environ, AML_ACTIONS_HOME=str(actions_home), **bundle),
        secrets={"AZURE_CREDENTIALS": emulator.credentials},
        timeout=900,
    )


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


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True)


def in_workspace(emulator: RunningEmulator, path: str) -> str:
    group = f"/subscriptions/{emulator.identity['subscriptionId']}/resourceGroups/small-template"
    return f"{group}/providers/Microsoft.MachineLearningServices/workspaces/small-template/{path}"


def get(azure: httpx.Client, path: str) -> dict[str, Any]:
    answer = azure.get(path, params={"api-version": "2024-04-01"})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert isinstance(found, dict)
    return found


def test_nothing_is_changed_but_the_owner_of_the_actions_and_dead_pins(repository: Path, run: WorkflowRun) -> None:
    before, after = small_template.files(small_template.REPOSITORY), small_template.files(repository)
    assert before.keys() == after.keys()
    changed = {
        (old.strip(), new.strip())
        for name, lines in before.items()
        for old, new in zip(lines, after[name], strict=True)
        if old != new
    }
    actions = ("workspace", "compute", "run", "registermodel", "deploy")
    assert changed == {(f"uses: Azure/aml-{name}@v1", f"uses: org/actions/aml-{name}@v1") for name in actions} | {
        (f"- {old}", f"- {new}") for old, new in small_template.PINS.items()
    }


def test_every_step_is_green(run: WorkflowRun) -> None:
    assert run.succeeded, run.failures()
    assert [(step.key, step.outcome) for step in run.steps] == [
        ("checkout_repository", "success"),
        ("aml_workspace", "success"),
        ("aml_compute_training", "success"),
        ("aml_run", "success"),
        ("aml_registermodel", "success"),
        ("aml_deploy", "success"),
    ]


def test_the_job_is_completed_with_what_the_run_configuration_says(
    run: WorkflowRun, azure: httpx.Client, emulator: RunningEmulator
) -> None:
    trained = run.outputs("aml_run")
    assert trained["experiment_name"] == "iris-classifier-master"
    job = get(azure, in_workspace(emulator, f"jobs/{trained['run_id']}"))["properties"]
    assert job["status"] == "Completed"
    assert job["computeId"].endswith("/computes/githubcluster")
    assert job["environmentVariables"]["EXAMPLE_ENV_VAR"] == "EXAMPLE_VALUE"
    assert job["tags"]["example variable"] == "EXAMPLE_VALUE"


def test_what_the_script_logged_with_sdk_v1_is_in_the_metrics(run: WorkflowRun) -> None:
    trained = run.outputs("aml_run")
    run_id = trained["run_id"]
    metrics = json.loads(trained["run_metrics"])[run_id]
    assert metrics["Kernel type"] == "linear"
    assert metrics["Penalty"] == 1.0
    assert metrics["Accuracy"] == pytest.approx(37 / 38)
    assert {"precision", "recall", "f1-score"} <= set(metrics)
    artifact = f"aml://artifactId/ExperimentRun/dcid.{run_id}"
    assert metrics["Confusion matrix"] == f"{artifact}/Confusion matrix"
    assert metrics["Normalized confusion matrix"] == f"{artifact}/outputs/normalized_confusion_matrix.png"


def test_the_markdown_of_the_metrics_has_the_legacy_rows(run: WorkflowRun) -> None:
    trained = run.outputs("aml_run")
    rows = trained["run_metrics_markdown"].splitlines()
    assert f"| {trained['run_id']} | Kernel type | linear |" in rows
    assert f"| {trained['run_id']} | Accuracy | 0.974 |" in rows


def test_model_and_figures_are_artifacts_of_the_run(
    run: WorkflowRun, azure: httpx.Client, emulator: RunningEmulator
) -> None:
    artifacts = in_workspace(emulator, f"runs/{run.outputs('aml_run')['run_id']}/artifacts")
    listed = {item["path"] for item in get(azure, f"/history/v1.0{artifacts}")["value"]}
    assert {
        "outputs/model.pkl",
        "outputs/normalized_confusion_matrix.png",
        "outputs/confusion_matrix_without_normalization.png",
        "Confusion matrix",
    } <= listed


def test_the_model_is_registered_under_the_names_of_repository_and_branch(
    run: WorkflowRun, azure: httpx.Client, emulator: RunningEmulator
) -> None:
    registered = run.outputs("aml_registermodel")
    assert (registered["model_name"], registered["model_version"]) == ("iris-classifier-master", "1")
    model = get(azure, in_workspace(emulator, "models/iris-classifier-master/versions/1"))["properties"]
    assert model["jobName"] == run.outputs("aml_run")["run_id"]


def test_the_service_of_that_name_predicts(run: WorkflowRun, azure: httpx.Client, emulator: RunningEmulator) -> None:
    uri = run.outputs("aml_deploy")["service_scoring_uri"]
    endpoint = in_workspace(emulator, "onlineEndpoints/iris-classifier-master")
    assert get(azure, endpoint)["properties"]["scoringUri"] == uri
    key = azure.post(f"{endpoint}/listKeys", params={"api-version": "2024-04-01"}).json()["primaryKey"]
    flowers = {"data": [[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]]}
    answer = azure.post(uri, json=flowers, headers={"Authorization": f"Bearer {key}"})
    assert answer.json() == {"predict": [0, 2]}


def test_the_user_is_told_that_the_service_asks_for_a_key(run: WorkflowRun) -> None:
    told = [note.message for note in run.annotations if note.level == "warning" and note.step == "aml_deploy"]
    assert any(re.search(r"\bkey\b", message) for message in told), told
