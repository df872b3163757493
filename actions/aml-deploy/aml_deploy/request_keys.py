"""The keys that callers of an endpoint send, chosen by the user (environment secrets PRIMARY_KEY and SECONDARY_KEY).

The SDK sends no chosen key; the operation `regenerateKeys` of Azure Resource Manager takes one as `keyValue`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from aml_actions.errors import ActionError, TimedOut
from aml_actions.polling import wait_until
from aml_deploy.environment_secrets import KEY_SECRETS

if TYPE_CHECKING:
    from aml_actions.rest import AzureRest
    from aml_actions.workspace import WorkspaceRef

API_VERSION = "2024-04-01"
TIMEOUT = 300.0
"""Seconds in which an endpoint must have the keys that were set."""
_NAMES = dict(zip(("Primary", "Secondary"), KEY_SECRETS, strict=True))


class RequestKeys:
    """The keys that an endpoint is to have. Their values are masked by the step and appear in no message."""

    def __init__(
        self,
        rest: AzureRest,
        workspace: WorkspaceRef,
        secrets: Mapping[str, str],
        say: Callable[[str], None],
        *,
        when_idle: Callable[[Callable[[], Any]], Any] = lambda begin: begin(),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Nothing is asked of Azure yet.

        Args:
            rest: signed in.
            workspace: of the endpoint.
            secrets: environment secrets of the step.
            say: prints a line.
            when_idle: begins an operation once no other runs on the endpoint.
            sleep: waits for seconds.
        """
        self._rest = rest
        self._workspace = workspace
        self._say = say
        self._when_idle = when_idle
        self._sleep = sleep
        self.wanted = {kind: secrets[name].strip() for kind, name in _NAMES.items() if secrets.get(name, "").strip()}

    def present(self, endpoint: str) -> dict[str, str]:
        """Return both keys of an endpoint, by ``Primary`` and ``Secondary``."""
        answer = self._rest.post(self._address(endpoint, "listKeys"), None, {"api-version": API_VERSION})
        return {"Primary": str(answer.get("primaryKey") or ""), "Secondary": str(answer.get("secondaryKey") or "")}

    def set(self, endpoint: str, keys: Mapping[str, str]) -> None:
        """Give an endpoint keys, and see that it has them.

        Args:
            endpoint: its name.
            keys: by ``Primary`` and ``Secondary``; a missing one stays as it is, and so does one that is there already.

        Raises:
            ActionError: it has other keys afterwards.
            azure.core.exceptions.HttpResponseError: Azure refused.
        """
        present = self.present(endpoint)
        different = [kind for kind, key in keys.items() if present[kind] != key]
        # A key that moves from the one place to the other must be free first.
        for kind in sorted(different, key=lambda kind: keys[kind] in present.values()):
            self._say(f"Setting the {kind.lower()} key of endpoint {endpoint} to the value of {_NAMES[kind]}.")
            self._when_idle(partial(self._send, endpoint, {"keyType": kind, "keyValue": keys[kind]}))
            self._wait(endpoint, kind, keys[kind])

    def _send(self, endpoint: str, body: Mapping[str, str]) -> None:
        self._rest.post(self._address(endpoint, "regenerateKeys"), dict(body), {"api-version": API_VERSION})

    def _wait(self, endpoint: str, kind: str, key: str) -> None:
        """Wait until an endpoint has a key: Azure may only have accepted the request."""
        try:
            wait_until(
                lambda: self.present(endpoint)[kind] == key,
                bool,
                what=f"{kind.lower()} key of endpoint {endpoint}",
                say=self._say,
                timeout=TIMEOUT,
                describe=lambda _: "another one",
                sleep=self._sleep,
            )
        except TimedOut as error:
            raise ActionError(
                f"The {kind.lower()} key of endpoint {endpoint} is not the value of {_NAMES[kind]}, although Azure took it.",
                cause="Azure has made a key of its own, as it does when the value is in use as the other key",
                fix=f"remove {_NAMES[kind]} from the environment of the step, or give it another value",
            ) from error

    def _address(self, endpoint: str, operation: str) -> str:
        return f"{self._workspace.arm_id}/onlineEndpoints/{endpoint}/{operation}"
