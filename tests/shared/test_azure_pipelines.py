"""The actions as steps of Azure Pipelines: the agent's commands, its variables, its sign-in."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from support.emulator import RunningEmulator
from support.homes import actions_home  # noqa: F401 - a fixture of these tests
from support.steps import RUN, write_parameters

from aml_actions import cloud
from aml_actions.azure_pipelines import AzurePipelines, defused
from aml_actions.credentials import from_service_connection, token_credential
from aml_actions.errors import ActionError
from aml_actions.runner import Runner

VARIABLES = {
    "TF_BUILD": "True",
    "BUILD_SOURCESDIRECTORY": "/w/1/s",
    "BUILD_REPOSITORY_NAME": "credit-risk",
    "BUILD_SOURCEBRANCH": "refs/heads/main",
    "BUILD_SOURCEVERSION": "c0ffee",
    "BUILD_BUILDID": "4711",
    "BUILD_REASON": "IndividualCI",
    "BUILD_REQUESTEDFOR": "Ada",
    "SYSTEM_TEAMPROJECT": "Risk models",
    "SYSTEM_COLLECTIONURI": "https://dev.azure.com/contoso/",
    "SYSTEM_JOBATTEMPT": "2",
    "AGENT_TEMPDIRECTORY": "/w/_temp",
}
CONNECTION = {
    "AZURESUBSCRIPTION_CLIENT_ID": "11111111-1111-1111-1111-111111111111",
    "AZURESUBSCRIPTION_TENANT_ID": "33333333-3333-3333-3333-333333333333",
    "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": "44444444-4444-4444-4444-444444444444",
    "AZURE_SUBSCRIPTION_ID": "22222222-2222-2222-2222-222222222222",
    "SYSTEM_ACCESSTOKEN": "job-token",
}


@pytest.fixture
def stream():
    return io.StringIO()


@pytest.fixture
def agent(stream, tmp_path):
    return AzurePipelines(stream, folder=tmp_path / "temp", outputs=("run_id", "result"))


def test_an_issue_has_its_place_and_stays_one_line(agent, stream):
    agent.error("100% wrong\nsecond; line]", title="aml-run", file="a;b].json", line=3)
    agent.warning("careful")
    assert stream.getvalue().splitlines() == [
        "##vso[task.logissue type=error;sourcepath=a%3Bb%5D.json;linenumber=3]aml-run: 100%AZP25 wrong%0Asecond; line]",
        "##vso[task.logissue type=warning]careful",
    ]


def test_secrets_are_masked_line_by_line_and_hidden(agent, stream):
    agent.mask("first-line\nsecond-line")
    agent.info("it is first-line")
    lines = stream.getvalue().splitlines()
    assert "##vso[task.setsecret]first-line" in lines
    assert "##vso[task.setsecret]second-line" in lines
    assert not any("%0A" in line for line in lines), "the agent takes no secret of several lines"
    assert lines[-1] == "it is ***"


def test_outputs_are_output_variables(agent, stream):
    agent.set_output("run_id", "a\nb")
    agent.set_output("result", {"a": 1})
    assert stream.getvalue().splitlines() == [
        "##vso[task.setvariable variable=run_id;isOutput=true]a%0Ab",
        '##vso[task.setvariable variable=result;isOutput=true]{"a": 1}',
    ]
    with pytest.raises(ValueError, match="not declared"):
        agent.set_output("other", "x")


def test_each_summary_is_a_file_that_the_agent_uploads(agent, stream):
    agent.summary("# One")
    agent.summary("# Two")
    files = re.findall(r"^##vso\[task\.uploadsummary\](.*)$", stream.getvalue(), re.MULTILINE)
    assert [Path(file).read_text().strip() for file in files] == ["# One", "# Two"]
    assert all(Path(file).is_absolute() for file in files)


def test_groups_debug_lines_and_notices(agent, stream):
    with agent.group("Log"):
        agent.debug("one\ntwo")
    agent.notice("told")
    assert stream.getvalue().splitlines() == ["##[group]Log", "##[debug]one", "##[debug]two", "##[endgroup]", "told"]


@pytest.mark.parametrize(
    "text",
    [
        "##vso[task.setvariable variable=PATH]x",
        "progress 5 % ##VSO[task.complete result=Succeeded;]",
        "x\n##[error]y",
        "##vso[task.setsecret]a ##vso[task.uploadfile]/etc/passwd",
    ],
)
def test_what_a_remote_log_says_is_never_obeyed(agent, stream, text):
    agent.relay(text)
    agent.info(text)
    assert not re.search(r"##(vso)?\[", stream.getvalue(), re.IGNORECASE)
    assert "task" in stream.getvalue() or "error" in stream.getvalue()


def test_text_without_commands_stays_as_it_is():
    assert defused("## Heading [link] #1") == "## Heading [link] #1"


def test_the_run_of_a_pipeline():
    runner = Runner.from_environment(VARIABLES)
    assert (runner.repository, runner.repository_name, runner.branch) == (
        "Risk models/credit-risk",
        "credit-risk",
        "main",
    )
    assert runner.run_link == "https://dev.azure.com/contoso/Risk%20models/_build/results?buildId=4711"
    assert runner.stamp()["managed-by"] == "azure-pipelines"
    assert runner.run_attempt == "2"


def test_a_repository_on_github_keeps_its_name():
    assert Runner.from_environment({**VARIABLES, "BUILD_REPOSITORY_NAME": "octo/iris"}).repository == "octo/iris"


def test_a_step_outside_a_pipeline_is_told():
    with pytest.raises(ActionError, match="BUILD_SOURCESDIRECTORY and BUILD_REPOSITORY_NAME not set"):
        Runner.from_environment({"TF_BUILD": "True"})


def test_a_service_connection_signs_in_without_a_secret(monkeypatch):
    from azure.identity import AzurePipelinesCredential

    monkeypatch.setenv("SYSTEM_OIDCREQUESTURI", "https://dev.azure.com/contoso/_oidc")
    found = from_service_connection(CONNECTION)
    assert found is not None
    assert "job-token" not in repr(found)
    assert isinstance(token_credential(found, cloud.find(found)), AzurePipelinesCredential)


def test_without_a_service_connection_the_credentials_count():
    assert from_service_connection({}) is None


@pytest.mark.parametrize("missing", ["SYSTEM_ACCESSTOKEN", "AZURE_SUBSCRIPTION_ID"])
def test_a_service_connection_that_lacks_something_says_what(missing):
    with pytest.raises(ActionError, match=missing) as caught:
        from_service_connection({name: value for name, value in CONNECTION.items() if name != missing})
    assert "$(System.AccessToken)" in (caught.value.fix or "")


@pytest.fixture
def pipeline(tmp_path: Path, emulator: RunningEmulator, actions_home: Path):  # noqa: F811 - the fixture
    """Run an action as a script step of a pipeline does: the agent's variables, nothing else."""

    def run(action: str, credentials: str | None = None) -> subprocess.CompletedProcess[str]:
        environment = {
            **{name: os.environ[name] for name in ("PATH", "UV_CACHE_DIR") if name in os.environ},
            **VARIABLES,
            "HOME": str(tmp_path),
            "BUILD_SOURCESDIRECTORY": str(tmp_path / "s"),
            "AGENT_TEMPDIRECTORY": str(tmp_path / "temp"),
            "AML_ACTIONS_HOME": str(actions_home),
            "AML_ACTION_INPUT_AZURE_CREDENTIALS": emulator.credentials if credentials is None else credentials,
            "REQUESTS_CA_BUNDLE": emulator.env["REQUESTS_CA_BUNDLE"],
        }
        return subprocess.run(
            ["bash", str(RUN), action], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    (tmp_path / "s").mkdir()
    return run


def test_a_workspace_is_made_by_a_pipeline(pipeline, tmp_path: Path, emulator: RunningEmulator) -> None:
    parameters = {"name": "ws-pipelines", "resource_group": "rg-pipelines", "create_workspace": True}
    write_parameters(tmp_path / "s", "workspace.json", {**parameters, "location": "westeurope"})
    done = pipeline("aml-workspace")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "##vso[task.setvariable variable=workspace_name;isOutput=true]ws-pipelines" in done.stdout
    assert "##vso[task.uploadsummary]" in done.stdout
    assert not re.search(r"^::", done.stdout, re.MULTILINE), "no command of the GitHub runner"
    secret = json.loads(emulator.credentials)["clientSecret"]
    assert f"##vso[task.setsecret]{secret}" in done.stdout
    assert (tmp_path / "s" / ".azureml" / "aml_arm_config.json").is_file()


def test_a_wrong_setting_is_an_issue_of_the_pipeline(pipeline, tmp_path: Path) -> None:
    write_parameters(tmp_path / "s", "workspace.json", '{\n  "name": "a b"\n}')
    done = pipeline("aml-workspace")
    assert done.returncode == 1
    assert "##vso[task.logissue type=error;sourcepath=.cloud/.azure/workspace.json;linenumber=2]" in done.stdout
