"""Resource providers are registered before something is created, or it is said who has to do it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from azure.core.exceptions import HttpResponseError
from support.emulator import RunningEmulator

from aml_actions import credentials
from aml_actions.cloud import find
from aml_actions.errors import ActionError
from aml_actions.providers import Providers
from aml_actions.rest import AzureRest

NAMESPACE = "Microsoft.OperationalInsights"


@pytest.fixture
def rest(emulator: RunningEmulator) -> Iterator[AzureRest]:
    signed_in = credentials.parse(emulator.credentials)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", emulator.env["REQUESTS_CA_BUNDLE"])
        cloud = find(signed_in)
        yield AzureRest(credentials.token_credential(signed_in, cloud), cloud)


def test_what_is_missing_is_registered_and_waited_for(emulator: RunningEmulator, rest: AzureRest) -> None:
    subscription = emulator.identity["subscriptionId"]
    base = f"/subscriptions/{subscription}/providers/{NAMESPACE}"
    rest.post(f"{base}/unregister", None, {"api-version": "2021-04-01"})
    said: list[str] = []
    providers = Providers(rest, subscription, said.append)
    assert providers.ensure(["Microsoft.Resources", NAMESPACE]) == [NAMESPACE]
    assert rest.get(base, {"api-version": "2021-04-01"})["registrationState"] == "Registered"
    assert said[0] == f"Registering the resource provider {NAMESPACE} in subscription {subscription}"
    assert providers.ensure([NAMESPACE]) == []


class Refusing:
    """A service for a principal that lacks roles on the subscription."""

    def __init__(self, *, may_read: bool) -> None:
        self.may_read = may_read

    def get(self, url: str, params: object = None) -> dict[str, str]:
        if not self.may_read:
            raise self._forbidden()
        return {"registrationState": "NotRegistered"}

    def post(self, url: str, json: object, params: object = None) -> dict[str, str]:
        raise self._forbidden()

    @staticmethod
    def _forbidden() -> HttpResponseError:
        error = HttpResponseError("AuthorizationFailed")
        error.status_code = 403
        return error


def test_who_may_not_register_is_told_the_commands() -> None:
    providers = Providers(Refusing(may_read=True), "sub", lambda _: None)  # type: ignore[arg-type]
    with pytest.raises(ActionError) as caught:
        providers.ensure(["Microsoft.A", "Microsoft.B"])
    for namespace in ("Microsoft.A", "Microsoft.B"):
        assert f"az provider register --namespace {namespace} --wait" in (caught.value.fix or "")


def test_who_may_not_even_look_goes_on() -> None:
    assert Providers(Refusing(may_read=False), "sub", lambda _: None).ensure(["Microsoft.A"]) == []  # type: ignore[arg-type]
