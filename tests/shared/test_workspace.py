"""The hand-off of the workspace between the steps of a job, in the places and formats of SDK v1."""

import json
from types import SimpleNamespace

import pytest

from aml_actions.errors import ActionError
from aml_actions.workspace import FILE_NAME, WorkspaceRef, read, write

REF = WorkspaceRef("sub-1", "rg-1", "ws-1")


@pytest.fixture
def runner(tmp_path):
    workspace = tmp_path / "work" / "repo" / "repo"
    workspace.mkdir(parents=True)
    return SimpleNamespace(workspace=workspace)


def put(folder, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE_NAME).write_text(content if isinstance(content, str) else json.dumps(content))


def test_what_one_step_writes_the_next_one_reads(runner):
    assert write(REF, runner) == runner.workspace / ".azureml" / FILE_NAME
    assert read(runner) == REF


def test_sdk_v2_reads_the_file_too(runner, monkeypatch):
    """The user's own Python step: MLClient.from_config(credential, file_name="aml_arm_config.json")."""
    from azure.ai.ml import MLClient
    from azure.core.credentials import AccessToken

    class Credential:
        def get_token(self, *_, **__):
            return AccessToken("x", 0)

    monkeypatch.setenv(
        "AZUREML_CURRENT_CLOUD", "AzureCloud"
    )  # the SDK sets it for good, and later clients would follow it
    write(REF, runner)
    client = MLClient.from_config(Credential(), path=str(runner.workspace), file_name=FILE_NAME)
    assert (client.subscription_id, client.resource_group_name, client.workspace_name) == ("sub-1", "rg-1", "ws-1")


@pytest.mark.parametrize("folder", [".azureml", "aml_config", ""])
@pytest.mark.parametrize("up", [0, 1, 2])
def test_every_place_of_sdk_v1_is_looked_in(runner, folder, up):
    base = (runner.workspace, *runner.workspace.parents)[up]
    put(base / folder, {"Id": None, "Scope": REF.arm_id})
    assert read(runner) == REF


def test_the_three_names_are_enough(runner):
    put(runner.workspace, {"subscription_id": "sub-1", "resource_group": "rg-1", "workspace_name": "ws-1"})
    assert read(runner) == REF


def test_the_scope_is_read_as_azure_spells_it(runner):
    put(runner.workspace / ".azureml", {"Scope": REF.arm_id.replace("resourceGroups", "resourcegroups") + "/"})
    assert read(runner) == REF


def test_the_choice_of_this_job_replaces_every_leftover(runner):
    """A self-hosted runner may still have the file of another workspace where SDK v1 put it."""
    put(runner.workspace / "aml_config", {"Scope": WorkspaceRef("old", "old", "old").arm_id})
    put(runner.workspace, {"Scope": WorkspaceRef("old", "old", "old").arm_id})
    write(REF, runner)
    for folder in (".azureml", "aml_config", ""):
        assert json.loads((runner.workspace / folder / FILE_NAME).read_text())["Scope"] == REF.arm_id


def test_the_file_lies_where_the_old_readme_said_too(runner):
    """`GITHUB_WORKSPACE/aml_arm_config.json`; no further folder is made."""
    write(REF, runner)
    assert {one.name for one in runner.workspace.iterdir()} == {".azureml", FILE_NAME}
    assert (runner.workspace / FILE_NAME).read_text() == (runner.workspace / ".azureml" / FILE_NAME).read_text()


def test_a_repository_with_the_old_settings_folder_finds_it_there(runner):
    """SDK v1 wrote to aml_config/ wherever that folder existed."""
    (runner.workspace / "aml_config").mkdir()
    write(REF, runner)
    assert json.loads((runner.workspace / "aml_config" / FILE_NAME).read_text())["workspace_name"] == "ws-1"


def test_the_nearest_folder_of_the_first_name_wins(runner):
    """The order of SDK v1: `.azureml` in every folder upwards before `aml_config` in any."""
    put(runner.workspace.parent / ".azureml", {"Scope": REF.arm_id})
    put(runner.workspace / "aml_config", {"Scope": WorkspaceRef("x", "x", "x").arm_id})
    put(runner.workspace, {"Scope": WorkspaceRef("x", "x", "x").arm_id})
    assert read(runner) == REF
    put(runner.workspace / ".azureml", {"Scope": WorkspaceRef("near", "rg", "ws").arm_id})
    assert read(runner).subscription_id == "near"


def test_the_file_that_sdk_v1_wrote_is_read(runner):
    put(runner.workspace / ".azureml", json.dumps({"Id": None, "Scope": REF.arm_id}))
    assert read(runner) == REF


def test_without_the_file_the_order_of_the_steps_is_explained(runner):
    with pytest.raises(ActionError, match="No workspace is chosen") as caught:
        read(runner)
    assert "run aml-workspace first, after actions/checkout" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    ["not json", "[]", "{}", '{"Scope": "/subscriptions/x"}', '{"subscription_id": "a", "resource_group": ""}'],
)
def test_a_damaged_file_is_named(runner, content):
    put(runner.workspace / ".azureml", content)
    with pytest.raises(ActionError, match="does not name a workspace") as caught:
        read(runner)
    assert str(runner.workspace / ".azureml" / FILE_NAME) in str(caught.value)
