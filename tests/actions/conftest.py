"""Steps of the actions against a running emulator, as the runner runs them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from support.emulator import RunningEmulator
from support.homes import actions_home  # noqa: F401 - a fixture of these tests
from support.steps import Outcome, run_step, write_parameters

_CERTIFICATES = ("REQUESTS_CA_BUNDLE",)
"""All that a step needs to know beside its credentials: whom to trust. Nothing tells it that its cloud is an emulator."""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """The checked-out repository of the user."""
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder


@pytest.fixture
def step(emulator: RunningEmulator, workspace: Path, tmp_path: Path) -> Callable[..., Outcome]:
    """Run an action of the job in `workspace`: ``step("aml-compute", {"name": "cpu"})`` writes compute.json and runs.

    Keywords: `credentials` (text; by default the emulator's), `inputs`, `command`; the others are environment variables.
    """
    numbers = itertools.count()
    trust = {name: emulator.env[name] for name in _CERTIFICATES}

    def run(action, parameters=None, *, credentials=None, inputs=None, command=None, **env):
        if parameters is not None:
            write_parameters(workspace, f"{action.removeprefix('aml-')}.json", parameters)
        return run_step(
            action,
            workspace,
            tmp_path / f"step {next(numbers)}",
            inputs={
                "azure_credentials": emulator.credentials if credentials is None else credentials,
                **(inputs or {}),
            },
            env={**trust, **env},
            command=command,
        )

    return run


@pytest.fixture
def arm(emulator: RunningEmulator) -> Callable[..., dict]:
    """Ask the emulator's Azure Resource Manager: what a step really did, seen from outside."""
    from azure.identity import ClientSecretCredential

    from aml_actions import credentials
    from aml_actions.cloud import find
    from aml_actions.rest import AzureRest

    signed_in = credentials.parse(emulator.credentials)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", emulator.env["REQUESTS_CA_BUNDLE"])
        cloud = find(signed_in)
        token = credentials.token_credential(signed_in, cloud)
        assert isinstance(token, ClientSecretCredential)
        rest = AzureRest(token, cloud)

        def get(path, version="2024-10-01"):
            return rest.get(f"/subscriptions/{signed_in.subscription_id}{path}", {"api-version": version})

        yield get


@pytest.fixture
def leaves_no_secret(emulator: RunningEmulator) -> Callable[[Outcome], None]:
    """Assert that a step wrote the principal's secret nowhere but into its mask."""

    def check(outcome: Outcome) -> None:
        secret = emulator.identity["clientSecret"]
        masked = [line for line in outcome.log.splitlines() if line.startswith("::add-mask::")]
        rest = [line for line in outcome.log.splitlines() if not line.startswith("::add-mask::")]
        assert any(secret in line for line in masked)
        assert secret not in "\n".join(rest) + outcome.summary + repr(outcome.outputs)

    return check
