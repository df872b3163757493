"""A workspace for the steps of aml-compute."""

import uuid
from types import SimpleNamespace

import pytest
import requests
from support.emulator import sign_in
from support.steps import run_step, write_parameters

from aml_actions.workspace import WorkspaceRef, write


@pytest.fixture(scope="module")
def made(emulator, tmp_path_factory):
    """A workspace for all tests of a file; returns its reference."""
    repository = tmp_path_factory.mktemp("repository")
    unique = uuid.uuid4().hex[:8]
    names = {"name": f"ws-{unique}", "resource_group": f"rg-{unique}"}
    write_parameters(repository, "workspace.json", {**names, "create_workspace": True, "location": "westeurope"})
    outcome = run_step(
        "aml-workspace",
        repository,
        tmp_path_factory.mktemp("runner"),
        inputs={"azure_credentials": emulator.credentials},
        env={"REQUESTS_CA_BUNDLE": emulator.env["REQUESTS_CA_BUNDLE"]},
    )
    assert outcome.code == 0, outcome.log
    return WorkspaceRef(emulator.identity["subscriptionId"], names["resource_group"], names["name"])


@pytest.fixture
def team(made, workspace):
    """The workspace, handed over to the steps of this test's job."""
    write(made, SimpleNamespace(workspace=workspace))
    return made


@pytest.fixture
def cpu():
    """A compute name that no other test uses."""
    return f"cpu-{uuid.uuid4().hex[:8]}x"  # a name must not end in a hyphen and a number


@pytest.fixture
def compute(arm, team):
    """Ask Azure for a compute of the workspace."""
    base = team.arm_id.removeprefix(f"/subscriptions/{team.subscription_id}")
    return lambda name: arm(f"{base}/computes/{name}")


@pytest.fixture
def put_compute(emulator, team):
    """Make a compute as somebody else did, with SDK v1 for example."""
    token = sign_in(emulator).json()["access_token"]

    def put(name, properties):
        answer = requests.put(
            f"{emulator.base_url}{team.arm_id}/computes/{name}",
            params={"api-version": "2024-10-01"},
            json={"location": "westeurope", "properties": properties},
            headers={"Authorization": f"Bearer {token}"},
            verify=emulator.env["REQUESTS_CA_BUNDLE"],
            timeout=30,
        )
        assert answer.ok, answer.text

    return put
