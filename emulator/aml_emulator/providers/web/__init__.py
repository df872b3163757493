"""Microsoft.Web: plans and function apps. The apps are described here; `aml_emulator.functions` runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aml_emulator.http import Router
from aml_emulator.providers.web import functions, keys, plans, settings, sites

if TYPE_CHECKING:
    from aml_emulator.context import Emulator


def register(router: Router, emulator: Emulator) -> None:
    """Routes of all its types."""
    for module in (plans, sites, settings, keys, functions):
        module.register(router, emulator)
