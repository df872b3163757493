"""Routes of Event Grid: system topics, event subscriptions, and the emulator's own address for its command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aml_emulator.eventgrid import api, subscriptions, topics

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.http import Router


def register(router: Router, emulator: Emulator) -> None:
    """Add them."""
    topics.register(router, emulator)
    subscriptions.register(router, emulator)
    api.register(router, emulator)
