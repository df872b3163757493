"""What is looked at before anything is made: kinds that the emulator has, registered namespaces, and what providers would refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.arm.subscriptions import is_registered
from aml_emulator.arm.template import calls
from aml_emulator.arm.template.errors import (
    NotAvailableError,
    detail,
    invalid_deployment,
    missing_registration,
)
from aml_emulator.arm.template.resources import Planned, namespace_of
from aml_emulator.arm.template.scope import Later
from aml_emulator.arm.template.values import get
from aml_emulator.http import ServiceError, not_emulated, not_found
from aml_emulator.ml import workspaces

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

Body = dict[str, Any]


def check_kinds(emulator: Emulator, kinds: list[tuple[str, str]]) -> None:
    """Refuse kinds that cannot be made at all.

    Args:
        emulator: where they would be made.
        kinds: types, each with an id of a resource of it.

    Raises:
        ServiceError: 501 for a kind that the emulator does not have, 409 MissingSubscriptionRegistration.

    """
    unknown = sorted({kind for kind, resource_id in kinds if not calls.has_route(emulator, "PUT", resource_id)})
    if unknown:
        raise not_emulated(f"resources of the type {', '.join(unknown)} in a template")
    spaces = {namespace_of(resource_id) for _, resource_id in kinds}
    missing = sorted(space for space in spaces if not is_registered(emulator, space))
    if missing:
        raise missing_registration(missing)


def check_providers(emulator: Emulator, name: str, made: list[Planned]) -> None:
    """Refuse what a provider would refuse at once.

    Args:
        emulator: where it would be deployed.
        name: of the deployment.
        made: the resources that it makes.

    Raises:
        ServiceError: 400 InvalidTemplateDeployment.

    """
    planned = {one.key for one in made}
    refused = [detail(error, one.id) for one in made for error in _refusals(emulator, one, planned)]
    if refused:
        raise invalid_deployment(name, refused)


def _refusals(emulator: Emulator, one: Planned, planned: set[str]) -> Iterator[ServiceError]:
    look = _LOOKS.get(one.type.lower())
    if look is None:
        return
    try:
        body = one.body(one.scope.with_runtime(Later()))
    except NotAvailableError:
        return
    try:
        look(emulator, one, body, planned)
    except ServiceError as error:
        yield error


def _workspace(emulator: Emulator, one: Planned, body: Body, planned: set[str]) -> None:
    """What the Machine Learning provider refuses at once: names, and ids of what is not there and is not made with it."""
    workspaces.check_name(ids.name_of(one.id))
    properties = get(body, "properties")
    if not isinstance(properties, dict):
        return
    links = [get(properties, key) for key in ("storageAccount", "keyVault", "applicationInsights", "containerRegistry")]
    encryption = get(properties, "encryption")
    if isinstance(encryption, dict) and str(get(encryption, "status")).lower() == "enabled":
        key = get(encryption, "keyVaultProperties")
        links.append(get(key, "keyVaultArmId") if isinstance(key, dict) else None)
    for link in links:
        if isinstance(link, str) and link and link.lower() not in planned and emulator.resources.get(link) is None:
            raise not_found(link)


_Look = Callable[["Emulator", Planned, Body, set[str]], None]
_LOOKS: Mapping[str, _Look] = {workspaces.TYPE.lower(): _workspace}
