"""Rollouts to which something happens on the way: the operations are real, and one of them is interfered with."""

import io
import json
import time

import pytest

from aml_actions.errors import ActionError
from aml_actions.workflow import Workflow
from aml_deploy import endpoints as endpoints_module
from aml_deploy import rollout as rollout_module
from aml_deploy import sources
from aml_deploy.endpoints import OnlineEndpoints
from aml_deploy.managed import Managed
from aml_deploy.models import ModelVersion
from aml_deploy.order import Order
from aml_deploy.parameters import DeployParameters
from aml_deploy.rollout import Rollout
from aml_deploy.sizing import Size

from .conftest import endpoint

STAMP = {"managed-by": "github-actions", "repository": "octo/credit-risk", "commit": "c", "workflow-run": "https://x/1"}


@pytest.fixture
def log():
    return io.StringIO()


@pytest.fixture
def roll(repository, azure, log):
    """Roll out in this process; `kind` is a class of operations in which a test interferes."""

    def run(version, kind=OnlineEndpoints, **parameters):
        given = DeployParameters(**parameters)
        order = Order(
            endpoint=repository.endpoint,
            model=ModelVersion("scores", version, "", {}),
            target=Managed(Size("Standard_DS3_v2", "asked for"), given),
            sources=sources.check(given, repository.folder),
            parameters=given,
            stamp=STAMP,
            run_id="77",
            run_attempt=version,
        )
        workflow = Workflow(log)
        return Rollout(order, kind(azure, workflow, sleep=lambda _: time.sleep(0.2)), workflow, repository.folder).run()

    return run


def traffic(azure, name):
    return dict(endpoint(azure, name).traffic)


def test_traffic_that_somebody_changed_meanwhile_is_left_alone_and_told(roll, repository, azure, monkeypatch):
    first = roll("1").deployment
    monkeypatch.setattr(rollout_module, "VERIFY_TIMEOUT", 1.0)

    class Overtaken(OnlineEndpoints):
        def set_traffic(self, name, wanted, tags=None):
            super().set_traffic(name, wanted, tags)
            super().set_traffic(name, {first: 100})

    with pytest.raises(ActionError) as caught:
        roll("2", Overtaken)
    assert "Deployment v2-77-2 does not hold the traffic" in str(caught.value)
    assert f"{first} 100 %" in str(caught.value)
    assert traffic(azure, repository.endpoint) == {first: 100}


def test_traffic_that_cannot_be_given_is_set_back(roll, repository, azure):
    from azure.core.exceptions import HttpResponseError

    first = roll("1").deployment

    class Breaking(OnlineEndpoints):
        broken = False

        def set_traffic(self, name, wanted, tags=None):
            super().set_traffic(name, wanted, tags)
            if not self.broken:
                self.broken = True
                raise HttpResponseError("the answer was lost")

    with pytest.raises(ActionError) as caught:
        roll("2", Breaking)
    assert "the answer was lost" in str(caught.value)
    assert f"The traffic was set back. Deployment v2-77-2 was deleted. Traffic now: {first} 100 %." in str(caught.value)
    assert traffic(azure, repository.endpoint) == {first: 100}


def test_an_older_deployment_that_cannot_be_deleted_is_a_warning_with_the_command(roll, repository, azure, log):
    from azure.core.exceptions import HttpResponseError

    first = roll("1").deployment

    class Locked(OnlineEndpoints):
        def delete_deployment(self, endpoint, name):
            raise HttpResponseError("it is locked")

    outcome = roll("2", Locked)
    assert outcome.removed == ()
    assert traffic(azure, repository.endpoint) == {first: 0, outcome.deployment: 100}
    (warning,) = [line for line in log.getvalue().splitlines() if line.startswith("::warning")]
    assert "it is locked" in warning
    assert f"az ml online-deployment delete --yes --endpoint-name {repository.endpoint} --name {first}" in warning


def test_a_deployment_that_is_lost_from_sight_is_found_again(roll, repository, azure, monkeypatch, log):
    from azure.core.exceptions import ServiceResponseError

    wait = endpoints_module.wait_for_poller

    def lose(poller, *, what, **settings):
        if what.startswith("deployment "):
            raise ServiceResponseError("connection reset")
        return wait(poller, what=what, **settings)

    monkeypatch.setattr(endpoints_module, "wait_for_poller", lose)
    outcome = roll("1")
    assert traffic(azure, repository.endpoint) == {outcome.deployment: 100}
    assert "watching it failed" in log.getvalue()


def test_a_deployment_that_takes_too_long_is_removed(roll, repository, azure):
    repository.write(
        "code/deploy/score.py", "import time\ndef init():\n    time.sleep(600)\ndef run(data):\n    return 1\n"
    )

    class Impatient(OnlineEndpoints):
        def deploy(self, build, timeout):
            super().deploy(build, timeout=2.0)

    with pytest.raises(ActionError) as caught:
        roll("1", Impatient)
    assert "took longer than 2.0 s" in str(caught.value)
    assert "deployment_timeout_minutes" in (caught.value.fix or "")
    assert f"Endpoint {repository.endpoint} was deleted." in caught.value.what
    assert endpoint(azure, repository.endpoint) is None


def test_an_endpoint_of_another_workspace_has_the_name(repository, azure, emulator):
    from azure.ai.ml.entities import ManagedOnlineEndpoint, Workspace

    from aml_actions import client, cloud, credentials, workspace

    signed_in = credentials.parse(emulator.credentials)
    found = cloud.find(signed_in)
    ref = workspace.WorkspaceRef(azure.ref.subscription_id, azure.ref.resource_group, f"{azure.ref.name}-other")
    other = client.ml_client(credentials.token_credential(signed_in, found), found, ref)
    other.workspaces.begin_create(Workspace(name=ref.name, location="westeurope")).result()
    other.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name=repository.endpoint)).result()
    result = repository.deploy()
    assert result.code == 1
    assert f"The endpoint name {repository.endpoint} is taken" in result.error
    assert json.loads(repository.environment["AML_ACTION_INPUT_AZURE_CREDENTIALS"])["clientSecret"] not in result.error
    assert other.online_endpoints.get(repository.endpoint).provisioning_state == "Succeeded"
