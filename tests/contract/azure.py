"""Putting into the emulator what must be there before a scenario: resources that no action makes."""

from __future__ import annotations

from typing import Any

import requests
from support.emulator import RunningEmulator, sign_in


def put(emulator: RunningEmulator, path: str, body: Any, version: str = "2024-04-01") -> None:
    """Create a resource of the subscription; `path` begins with ``/resourceGroups/``."""
    token = sign_in(emulator).json()["access_token"]
    answer = requests.put(
        f"{emulator.base_url}/subscriptions/{emulator.identity['subscriptionId']}{path}",
        params={"api-version": version},
        json=body,
        headers={"Authorization": f"Bearer {token}"},
        verify=emulator.env["REQUESTS_CA_BUNDLE"],
        timeout=60,
    )
    assert answer.status_code < 300, answer.text
