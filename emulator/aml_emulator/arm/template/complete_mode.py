"""Complete mode: what a deployment deletes because its template does not name it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from aml_emulator import ids
from aml_emulator.arm.template.scope import Target

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

_KEPT = ("microsoft.resources", "microsoft.authorization")
"""Namespaces whose resources in a group are not the group's: deployments, role assignments, locks."""


def others(emulator: Emulator, target: Target, named: Iterable[str]) -> list[str]:
    """Top resources of the target's group that are not among the named ones, newest first."""
    kept = {resource_id.lower() for resource_id in named}
    found = [resource.id for resource in emulator.resources.list(target.id)]
    return [
        resource_id
        for resource_id in reversed(found)
        if resource_id.lower() not in kept and ids.type_of(resource_id).partition("/")[0].lower() not in _KEPT
    ]
