"""The template's azure-pipelines.yml trains, registers and deploys, run step by step as the agent does."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from support.emulator import RunningEmulator
from support.homes import actions_home  # noqa: F401 - a fixture of these tests
from support.pipeline_agent import Agent
from support.steps import ROOT

from aml_actions.publish import publish

pytestmark = pytest.mark.xdist_group("azure pipelines")


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory, emulator: RunningEmulator, actions_home: Path) -> Agent:  # noqa: F811
    """The job after its last step."""
    pipeline = tmp_path_factory.mktemp("pipeline")
    shutil.copytree(ROOT / "example-repo", pipeline / "s", symlinks=True)
    settings = pipeline / "s" / ".cloud" / ".azure"
    for name, change in (("workspace.json", {"name": "ws-by-pipeline"}), ("deploy.json", {"name": "iris-by-pipeline"})):
        content = json.loads((settings / name).read_text(encoding="utf-8"))
        (settings / name).write_text(json.dumps({**content, **change}), encoding="utf-8")
    publish(pipeline / "actions", source=ROOT, ref=None)
    caches = {"UV_CACHE_DIR": os.environ["UV_CACHE_DIR"]} if "UV_CACHE_DIR" in os.environ else {}
    job = Agent(
        pipeline,
        variables={"AZURE_CREDENTIALS": emulator.credentials},
        environment={
            **caches,
            "AML_ACTIONS_HOME": str(actions_home),
            "REQUESTS_CA_BUNDLE": emulator.env["REQUESTS_CA_BUNDLE"],
        },
    )
    code = job.run(pipeline / "s" / "azure-pipelines.yml")
    assert code == 0, job.log
    return job


def test_every_step_hands_on_what_the_next_one_needs(agent: Agent) -> None:
    assert agent.outputs["aml_registermodel.model_version"] == "1"
    assert agent.outputs["aml_deploy.service_scoring_uri"].endswith("/iris-by-pipeline/score")
    assert "accuracy" in agent.outputs["aml_run.run_metrics_markdown"].lower()


def test_the_log_speaks_the_agents_language_only(agent: Agent) -> None:
    assert "##[group]" in agent.log
    assert not re.search(r"^::\w", agent.log, re.MULTILINE)


def test_the_secret_is_masked_and_nowhere_else(agent: Agent, emulator: RunningEmulator) -> None:
    secret = emulator.identity["clientSecret"]
    rest = [line for line in agent.log.splitlines() if not line.startswith("##vso[task.setsecret]")]
    assert secret not in "\n".join(rest)
    assert all(secret not in file.read_text() for file in (agent.pipeline / "temp").glob("*.md"))
