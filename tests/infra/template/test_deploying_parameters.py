"""Each parameter of the template reaches the resource that it names."""

from __future__ import annotations

import json
from typing import Any

import pytest
from infra.template import cloud as clouds
from infra.template import parameters_at_work as table
from infra.template import walk
from infra.template.cloud import Cloud, Deployed
from infra.template.deployments import Deployments

PARAMETERS: dict[str, dict[str, Any]] = walk.load().body["parameters"]
IDLE = {name for name, each in PARAMETERS.items() if each["metadata"].get("withoutEffect")}


def filled(value: Any, deployed: Deployed, elsewhere: str) -> Any:
    return value.format(**deployed.names, elsewhere=elsewhere) if isinstance(value, str) else value


def elsewhere_of(deployed: Deployed) -> str:
    """The group of what is there already."""
    groups = {value for name, value in deployed.given.items() if name.endswith("ResourceGroupName")}
    return groups.pop() if groups else "none"


def test_every_parameter_is_in_the_table() -> None:
    assert set(table.CASES) == set(PARAMETERS) - IDLE


@pytest.mark.parametrize("name", table.CASES)
def test_a_parameter_reaches_the_resource_that_it_names(
    deployments: Deployments, by_default: Deployed, name: str
) -> None:
    case = table.CASES[name]
    deployed = deployments(case.deployment)
    assert deployed.given[name] != PARAMETERS[name]["defaultValue"]
    elsewhere = elsewhere_of(deployed)
    for place in case.places:
        resource = place.resource.replace("{elsewhere}", elsewhere)
        value = filled(place.value, deployed, elsewhere)
        assert deployed.read(resource, place.path) == value, f"{place.resource}: {place.path}"
        if not case.same and resource != clouds.ENVIRONMENT:  # no code is published by default
            assert by_default.read(resource, place.path) != value, f"{place.resource}: {place.path} tells nothing"


@pytest.mark.parametrize("name", sorted(IDLE))
def test_a_parameter_that_has_no_effect_reaches_nothing(deployments: Deployments, name: str) -> None:
    deployed = deployments(table.OWN)
    value = deployed.given[name]
    assert str(value).startswith("idle-")
    assert value not in json.dumps(deployed.resources())


@pytest.mark.parametrize("kind", PARAMETERS["storageAccountType"]["allowedValues"])
def test_every_redundancy_gives_an_account_on_which_a_workspace_can_stand(cloud: Cloud, kind: str) -> None:
    deployed = cloud.deploy(storageAccountType=kind)
    for account in (table.STORAGE, table.FUNCTION_STORAGE):
        assert deployed.read(account, "sku.name") == kind.replace("Premium", "Standard")
