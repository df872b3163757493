"""Deployments of the template that several modules look at; none of them changes one."""

from __future__ import annotations

import json

import pytest
from infra.template import walk
from infra.template.cloud import Cloud, Deployed
from infra.template.deployments import MAKERS, Deployments
from support.emulator import RunningEmulator


@pytest.fixture(scope="session")
def cloud(emulator: RunningEmulator) -> Cloud:
    return Cloud(emulator)


@pytest.fixture(scope="session")
def by_default(cloud: Cloud) -> Deployed:
    """The template with no parameter set."""
    return cloud.deploy()


@pytest.fixture(scope="session")
def by_the_file(cloud: Cloud) -> Deployed:
    """The template with its parameters file, as it comes in the template repository."""
    given = json.loads(walk.PARAMETERS_FILE.read_text(encoding="utf-8"))["parameters"]
    return cloud.deploy(**{name: each["value"] for name, each in given.items()})


@pytest.fixture(scope="session")
def deployments(cloud: Cloud) -> Deployments:
    """The deployments of `parameters_at_work`, each made when it is first wanted."""
    made: dict[str, Deployed] = {}

    def get(name: str) -> Deployed:
        if name not in made:
            made[name] = MAKERS[name](cloud)
        return made[name]

    return get
