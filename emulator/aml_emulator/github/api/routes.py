"""Every route of the emulator's GitHub API, and of its own management."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aml_emulator.github.api import actions, apps, issues, management, own_account, repositories
from aml_emulator.github.api.endpoint import Api

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.http import Router


def register(router: Router, emulator: Emulator) -> None:
    """Add them."""
    api = Api(router, emulator)
    for module in (apps, repositories, issues, actions, own_account):
        module.register(api)
    api.refuse_the_rest()
    management.register(router, emulator)
