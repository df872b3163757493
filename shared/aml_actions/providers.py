"""Resource providers of a subscription: registered before something is created that needs them.

A subscription that never had a resource of a kind refuses it with ``MissingSubscriptionRegistration``. Registering is free, is done
once for a subscription, and takes a minute or two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from aml_actions.errors import ActionError, TimedOut
from aml_actions.polling import wait_until

if TYPE_CHECKING:
    from aml_actions.rest import AzureRest

API_VERSION = "2021-04-01"
TIMEOUT = 300.0
"""Seconds until a provider must be registered."""
_ANCHOR = "docs/troubleshooting.md#provider-not-registered"
_ON_ITS_WAY = frozenset({"registered", "registering"})


class Providers:
    """The resource providers of one subscription."""

    def __init__(self, rest: AzureRest, subscription: str, say: Callable[[str], None]) -> None:
        """Nothing is asked of Azure yet.

        Args:
            rest: signed in.
            subscription: id.
            say: prints a line.
        """
        self._rest = rest
        self._base = f"/subscriptions/{subscription}/providers"
        self._subscription = subscription
        self._say = say

    def ensure(self, namespaces: Sequence[str]) -> list[str]:
        """Register what is not registered, wait for it, and return what was registered.

        A principal whose role is on a resource group alone may not read this: then nothing is known and nothing is done, and a
        refusal of Azure later names the provider.

        Raises:
            ActionError: the principal may not register, with the commands for somebody who may; or it takes too long.
        """
        from azure.core.exceptions import HttpResponseError

        missing = []
        for namespace in namespaces:
            try:
                if self._state(namespace).lower() not in _ON_ITS_WAY:
                    missing.append(namespace)
            except HttpResponseError as error:
                if error.status_code not in (403, 404):
                    raise
        for number, namespace in enumerate(missing):
            self._say(f"Registering the resource provider {namespace} in subscription {self._subscription}")
            try:
                self._rest.post(f"{self._base}/{namespace}/register", None, {"api-version": API_VERSION})
            except HttpResponseError as error:
                if error.status_code != 403:
                    raise
                raise self._forbidden(missing[number:]) from error
        for namespace in missing:
            self._wait(namespace)
        return missing

    def _state(self, namespace: str) -> str:
        answer = self._rest.get(f"{self._base}/{namespace}", {"api-version": API_VERSION})
        return str(answer.get("registrationState") or "")

    def _wait(self, namespace: str) -> None:
        try:
            wait_until(
                lambda: self._state(namespace),
                lambda state: state.lower() == "registered",
                what=f"resource provider {namespace}",
                say=self._say,
                timeout=TIMEOUT,
                interval=lambda waited: min(10.0, max(0.5, waited / 4)),
            )
        except TimedOut as error:
            error.fix = f"look at it with `{_command('show', namespace)}`; run the job again when it is Registered"
            error.anchor = _ANCHOR
            raise

    def _forbidden(self, namespaces: Sequence[str]) -> ActionError:
        commands = "; ".join(f"{_command('register', namespace)} --wait" for namespace in namespaces)
        return ActionError(
            f"Resource providers are not registered in subscription {self._subscription}, and this principal may not register them.",
            value=", ".join(namespaces),
            cause="registering needs a role on the subscription (Contributor has it); the principal has one on a resource group only",
            fix=f"somebody with that role runs once: {commands}",
            anchor=_ANCHOR,
        )


def _command(verb: str, namespace: str) -> str:
    return f"az provider {verb} --namespace {namespace}"
