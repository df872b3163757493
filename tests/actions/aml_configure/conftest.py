"""What the tests of aml-configure share: a repository made from the template, Azure, and a GitHub."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from infra.function.github_server import GitHub
from infra.function.github_server import running as github_running
from support.emulator import RunningEmulator
from support.infrastructure import Setup
from support.steps import Outcome

from aml_actions import credentials
from aml_actions.cloud import find
from aml_actions.publish import publish_template
from aml_actions.rest import AzureRest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def github() -> Iterator[GitHub]:
    with github_running() as found:
        yield found


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("template") / "repository"
    publish_template(root, source=ROOT, ref=None)
    return root


@pytest.fixture
def setup(emulator: RunningEmulator, github: GitHub, template: Path, tmp_path: Path) -> Setup:
    """A repository and a group of the test's own; nothing is deployed."""
    root = tmp_path / "repository"
    shutil.copytree(template, root)
    return Setup(emulator, root, tmp_path / "runner", github.url)


@pytest.fixture(scope="module")
def deployed(
    emulator: RunningEmulator, github: GitHub, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Setup, Outcome]:
    """What the first run in an empty group leaves."""
    setup = Setup(emulator, template, tmp_path_factory.mktemp("runner"), github.url)
    return setup, setup.configure()


@pytest.fixture
def rest(emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> AzureRest:
    """Azure Resource Manager, asked by the principal of the steps."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", emulator.env["REQUESTS_CA_BUNDLE"])
    signed_in = credentials.parse(emulator.credentials)
    cloud = find(signed_in)
    return AzureRest(credentials.token_credential(signed_in, cloud), cloud)
