"""Routes of every resource provider beside Microsoft.MachineLearningServices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aml_emulator.http import Router
from aml_emulator.providers import (
    authorization,
    container_registry,
    key_vault,
    managed_identity,
    monitoring,
    network,
    storage,
    web,
)

if TYPE_CHECKING:
    from aml_emulator.context import Emulator


def register(router: Router, emulator: Emulator) -> None:
    """Register every type."""
    for module in (
        storage,
        key_vault,
        container_registry,
        monitoring,
        managed_identity,
        authorization,
        network,
        web,
    ):
        module.register(router, emulator)
