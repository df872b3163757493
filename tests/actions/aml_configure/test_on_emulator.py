"""aml-configure as a step of a job: the template of this project, its function, and an event that reaches GitHub."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from infra.function.github_server import GitHub
from infra.function.github_server import running as github_running
from support.emulator import RunningEmulator, command
from support.steps import Outcome, run_step

from aml_actions.publish import publish_template

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "github_pat_11ABCDEFG0_personal"


@dataclass
class Setup:
    """A repository with infra/, a resource group of its own, and the step that deploys the one to the other."""

    emulator: RunningEmulator
    root: Path
    scratch: Path
    github: str
    group: str = field(default_factory=lambda: f"rg-{uuid.uuid4().hex[:8]}")

    def configure(self, *, mapped: str = "", **inputs: str) -> Outcome:
        given = {
            "azure_credentials": self.emulator.credentials,
            "resource_group": self.group,
            "location": "westeurope",
            "armtemplate_file": "infra/deploy.core-infra.json",
            "deployment_mode": "Incremental",
            "what_if": "false",
            "function_folder": "infra/function",
            "mapped_params": f"repo_name=octo/credit-risk\ngitHubApiUrl={self.github}\npatToken={TOKEN}\n{mapped}",
            **inputs,
        }
        trusted = {"REQUESTS_CA_BUNDLE": self.emulator.env["REQUESTS_CA_BUNDLE"]}
        return run_step("aml-configure", self.root, self.scratch / uuid.uuid4().hex, inputs=given, env=trusted)

    def change(self, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        file = self.root / "infra" / name
        document = json.loads(file.read_text())
        change(document)
        file.write_text(json.dumps(document, indent=2))

    def send(self, event_type: str, **data: object) -> None:
        workspace = f"{self.base}/providers/Microsoft.MachineLearningServices/workspaces/mlops-workspace"
        asked = ("--source", workspace, "--type", event_type, "--subject", "s", "--data", json.dumps(data))
        done = command("events", "send", *asked, state=self.emulator.state)
        assert done.returncode == 0, done.stderr

    @property
    def base(self) -> str:
        return f"/subscriptions/{self.emulator.identity['subscriptionId']}/resourceGroups/{self.group}"


@pytest.fixture(scope="module")
def github() -> Any:
    with github_running() as found:
        yield found


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("template") / "repository"
    publish_template(root, source=ROOT, ref=None)
    return root


@pytest.fixture
def setup(emulator: RunningEmulator, github: GitHub, template: Path, tmp_path: Path) -> Setup:
    root = tmp_path / "repository"
    shutil.copytree(template, root)
    return Setup(emulator, root, tmp_path / "runner", github.url)


@pytest.fixture(scope="module")
def deployed(
    emulator: RunningEmulator, github: GitHub, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Setup, Outcome]:
    """What the first run in an empty subscription leaves."""
    setup = Setup(emulator, template, tmp_path_factory.mktemp("runner"), github.url)
    return setup, setup.configure()


def eventually(ready: Callable[[], bool], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def resources(arm: Callable[..., dict[str, Any]], setup: Setup) -> dict[str, str]:
    """Type and name of everything in the group, with the text of its properties."""
    listed = arm(f"/resourceGroups/{setup.group}/resources", "2021-04-01")["value"]
    return {f"{one['type']}/{one['name']}": json.dumps(one, sort_keys=True) for one in listed}


def test_the_first_run_makes_everything_and_says_so(
    deployed: tuple[Setup, Outcome], arm: Callable[..., dict[str, Any]], leaves_no_secret: Callable[[Outcome], None]
) -> None:
    setup, outcome = deployed
    assert outcome.code == 0, outcome.log
    kinds = {name.rpartition("/")[0] for name in resources(arm, setup)}
    assert {
        "Microsoft.MachineLearningServices/workspaces",
        "Microsoft.Web/sites",
        "Microsoft.EventGrid/systemTopics",
        "Microsoft.KeyVault/vaults",
    } <= kinds
    assert outcome.result["functions"] == ["aml_event_to_github", "aml_events"]
    assert outcome.result["resource_group"] == setup.group
    assert json.loads(outcome.outputs["deployment_outputs"])["workspaceName"] == "mlops-workspace"
    assert "with the event subscriptions" in outcome.log
    assert "mlops-workspace" in outcome.summary
    leaves_no_secret(outcome)
    assert TOKEN in "".join(line for line in outcome.log.splitlines() if line.startswith("::add-mask::"))
    assert TOKEN not in "".join(line for line in outcome.log.splitlines() if not line.startswith("::add-mask::"))
    assert TOKEN not in outcome.summary + repr(outcome.outputs)


def test_the_event_of_a_completed_run_becomes_a_dispatch_of_the_repository(
    deployed: tuple[Setup, Outcome], github: GitHub
) -> None:
    setup, _ = deployed
    setup.send(
        "RunCompleted", runId="iris_1", experimentName="credit", runTags={"GITHUB_REPOSITORY": "octo/credit-risk"}
    )
    assert eventually(
        lambda: any(body["client_payload"]["data"].get("runId") == "iris_1" for _, body in github.dispatches)
    )
    [(repository, body)] = [
        (name, sent) for name, sent in github.dispatches if sent["client_payload"]["data"].get("runId") == "iris_1"
    ]
    assert repository == "octo/credit-risk"
    assert body["event_type"] == "machinelearningservices-runcompleted"
    assert body["client_payload"]["data"]["experimentName"] == "credit"


def test_an_event_of_drift_reaches_the_repository_under_its_name(
    deployed: tuple[Setup, Outcome], github: GitHub
) -> None:
    setup, _ = deployed
    setup.send("DatasetDriftDetected", DataDriftName="flowers", DriftCoefficient=0.83)
    named = "machinelearningservices-datasetdriftdetected"
    assert eventually(lambda: any(body["event_type"] == named for _, body in github.dispatches))


def test_the_second_run_changes_nothing(deployed: tuple[Setup, Outcome], arm: Callable[..., dict[str, Any]]) -> None:
    setup, _ = deployed
    before = resources(arm, setup)
    outcome = setup.configure()
    assert outcome.code == 0, outcome.log
    assert resources(arm, setup) == before
    asked = setup.configure(what_if="true", mapped="deployEventSubscriptions=true")
    assert asked.code == 0, asked.log
    kinds = {change["kind"] for change in asked.result["changes"]}
    assert kinds <= {"NoChange", "Ignore", "Deploy"}, asked.log


def test_what_would_change_in_a_group_that_is_not_there_cannot_be_told(setup: Setup) -> None:
    outcome = setup.configure(what_if="true")
    assert outcome.code == 1
    assert setup.group in outcome.annotations[0]


def test_a_parameter_that_is_missing_or_wrong_is_told_before_anything_is_made(
    setup: Setup, arm: Callable[..., dict[str, Any]]
) -> None:
    outcome = setup.configure(mapped="computeMaxNodes=many\nworkspaceNane=x")
    assert outcome.code == 1
    [told] = outcome.annotations
    assert "computeMaxNodes" in told
    assert "workspaceNane" in told
    assert "workspaceName" in told
    assert "Traceback" not in outcome.log
    with pytest.raises(Exception, match="ResourceGroupNotFound"):
        arm(f"/resourceGroups/{setup.group}", "2021-04-01")


def test_a_template_that_is_no_json_is_told_with_its_line(setup: Setup) -> None:
    file = setup.root / "infra" / "deploy.core-infra.json"
    file.write_text(file.read_text().replace('"resources"', '"resources', 1))
    outcome = setup.configure()
    assert outcome.code == 1
    assert "infra/deploy.core-infra.json" in outcome.annotations[0]
    assert "line=" in outcome.log


def test_what_azure_says_of_a_resource_is_told_with_the_resource(setup: Setup) -> None:
    def break_it(template: dict[str, Any]) -> None:
        cluster = next(one for one in template["resources"] if one["type"].endswith("workspaces/computes"))
        cluster["properties"]["properties"]["vmSize"] = "STANDARD_NOT_THERE"

    setup.change("deploy.core-infra.json", break_it)
    outcome = setup.configure(function_folder="")
    assert outcome.code == 1
    [told] = outcome.annotations
    assert "STANDARD_NOT_THERE" in told
    assert "githubcluster" in told
    assert "Traceback" not in outcome.log


def test_code_that_cannot_be_loaded_fails_the_step_and_leaves_no_subscription(
    setup: Setup, arm: Callable[..., dict[str, Any]]
) -> None:
    (setup.root / "infra/function/requirements.txt").write_text("no-such-package-anywhere==1.0\n")
    outcome = setup.configure()
    assert outcome.code == 1
    [told] = outcome.annotations
    assert "no-such-package-anywhere" in told
    assert "with the event subscriptions" not in outcome.log
    topics = f"/resourceGroups/{setup.group}/providers/Microsoft.EventGrid/systemTopics"
    [topic] = arm(topics, "2025-02-15")["value"]
    assert arm(f"{topics}/{topic['name']}/eventSubscriptions", "2025-02-15")["value"] == []


def test_a_template_without_a_function_needs_no_code(setup: Setup) -> None:
    (setup.root / "infra/small.json").write_text(
        json.dumps(
            {
                "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                "contentVersion": "1.0.0.0",
                "resources": [
                    {
                        "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
                        "apiVersion": "2023-01-31",
                        "name": "somebody",
                        "location": "westeurope",
                    }
                ],
                "outputs": {"name": {"type": "string", "value": "somebody"}},
            }
        )
    )
    small = {"armtemplate_file": "infra/small.json", "function_folder": ""}
    outcome = setup.configure(**small, mapped_params="")
    assert outcome.code == 0, outcome.log
    assert json.loads(outcome.outputs["deployment_outputs"]) == {"name": "somebody"}
    with_code = setup.configure(**{**small, "function_folder": "infra/function"}, mapped_params="")
    assert with_code.code == 1
    assert "functionAppResourceId" in with_code.annotations[0]
