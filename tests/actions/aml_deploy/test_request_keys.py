"""PRIMARY_KEY and SECONDARY_KEY: keys that the user chose, on a real endpoint."""

import io

import pytest

from aml_actions import cloud, credentials
from aml_actions.errors import ActionError
from aml_actions.rest import AzureRest
from aml_actions.workflow import Workflow
from aml_deploy import request_keys, sources
from aml_deploy.endpoints import OnlineEndpoints
from aml_deploy.managed import Managed
from aml_deploy.models import ModelVersion
from aml_deploy.order import Order
from aml_deploy.parameters import DeployParameters
from aml_deploy.request_keys import RequestKeys
from aml_deploy.rollout import Rollout
from aml_deploy.sizing import Size

from .conftest import endpoint

ONE, TWO, THREE = "first-key-of-the-user", "second-key-of-the-user", "third-key-of-the-user"
STAMP = {"managed-by": "github-actions", "repository": "octo/credit-risk", "commit": "c", "workflow-run": "https://x/1"}


def keys(azure, name):
    found = azure.online_endpoints.get_keys(name)
    return found.primary_key, found.secondary_key


@pytest.fixture
def rest(emulator, azure):
    signed_in = credentials.parse(emulator.credentials)
    found = cloud.find(signed_in)
    return AzureRest(credentials.token_credential(signed_in, found), found)


@pytest.fixture
def said():
    return []


@pytest.fixture
def wanted(rest, azure, said):
    def build(primary="", secondary="", kind=RequestKeys):
        secrets = {"PRIMARY_KEY": primary, "SECONDARY_KEY": secondary}
        return kind(rest, azure.ref, secrets, said.append, sleep=lambda _: None)

    return build


@pytest.fixture
def made(repository, azure):
    """An endpoint without deployments."""
    from azure.ai.ml.entities import ManagedOnlineEndpoint

    azure.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name=repository.endpoint)).result()
    return repository.endpoint


def test_a_service_is_called_with_the_keys_of_the_user_and_none_is_shown(repository, azure):
    repository._environment |= {"PRIMARY_KEY": ONE, "SECONDARY_KEY": TWO}
    repository.write(
        "code/test/test.py",
        f"def main(service):\n    assert service.get_keys() == ({ONE!r}, {TWO!r})\n    service.run('{{\"data\": [1]}}')\n",
    )
    first = repository.deploy("1", test_enabled=True)
    assert first.code == 0, first.log
    assert first.warnings == []
    assert keys(azure, repository.endpoint) == (ONE, TWO)

    repository._environment |= {"PRIMARY_KEY": TWO, "SECONDARY_KEY": THREE}
    second = repository.deploy("2")
    assert second.code == 0, second.log
    assert keys(azure, repository.endpoint) == (TWO, THREE)
    for result in (first, second):
        shown = "\n".join(line for line in result.log.splitlines() if not line.startswith("::add-mask::"))
        for secret in (ONE, TWO, THREE):
            assert secret not in shown + result.summary + str(result.outputs)


def test_one_key_alone_leaves_the_other_as_it_is(wanted, made, azure, said):
    _, secondary = keys(azure, made)
    chosen = wanted(primary=ONE)
    chosen.set(made, chosen.wanted)
    assert keys(azure, made) == (ONE, secondary)
    assert said == [f"Setting the primary key of endpoint {made} to the value of PRIMARY_KEY."]


def test_keys_that_are_there_already_are_left_alone(wanted, made, azure, said):
    chosen = wanted(ONE, TWO)
    chosen.set(made, chosen.wanted)
    said.clear()
    chosen.set(made, chosen.wanted)
    assert keys(azure, made) == (ONE, TWO)
    assert said == []


@pytest.mark.parametrize(("first", "second"), [((ONE, TWO), (TWO, THREE)), ((ONE, TWO), (THREE, ONE))])
def test_a_key_may_move_from_one_place_to_the_other(wanted, made, azure, first, second):
    for primary, secondary in (first, second):
        chosen = wanted(primary, secondary)
        chosen.set(made, chosen.wanted)
    assert keys(azure, made) == second


def test_a_key_that_azure_does_not_take_is_an_error_that_shows_none(wanted, made, azure, monkeypatch):
    monkeypatch.setattr(request_keys, "TIMEOUT", 0.0)
    chosen = wanted(ONE, TWO)
    chosen.set(made, chosen.wanted)
    swapped = wanted(TWO, ONE)
    with pytest.raises(ActionError) as caught:
        swapped.set(made, swapped.wanted)
    assert "is not the value of PRIMARY_KEY" in str(caught.value)
    assert ONE not in str(caught.value)
    assert TWO not in str(caught.value)


def test_without_secrets_nothing_is_wanted(wanted):
    assert wanted().wanted == {}
    assert wanted(primary="  ", secondary=TWO).wanted == {"Secondary": TWO}


def test_a_rollout_that_fails_at_the_keys_sets_back_keys_and_traffic(wanted, repository, azure):
    log = io.StringIO()

    def roll(version, chosen=None):
        given = DeployParameters()
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
        return Rollout(order, OnlineEndpoints(azure, workflow), workflow, repository.folder, chosen).run()

    class Breaking(RequestKeys):
        broken = False

        def _send(self, endpoint, body):
            if body["keyType"] == "Secondary" and not self.broken:
                self.broken = True
                raise ActionError("the second key is refused")
            super()._send(endpoint, body)

    first = roll("1").deployment
    before = keys(azure, repository.endpoint)
    with pytest.raises(ActionError) as caught:
        roll("2", wanted(ONE, TWO, Breaking))
    assert "the second key is refused. The keys were set back. The traffic was set back." in caught.value.what
    assert keys(azure, repository.endpoint) == before
    assert endpoint(azure, repository.endpoint).traffic == {first: 100}
