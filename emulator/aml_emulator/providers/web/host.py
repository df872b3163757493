"""Telling the function host what happens to function apps, and asking it for the functions that it found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body


class FunctionHost(Protocol):
    """What is asked of the part of the emulator that runs function apps."""

    def configured(self, site_id: str) -> None:
        """An app was made, or its settings changed."""

    def removed(self, site_id: str) -> None:
        """An app is gone."""

    def functions(self, site_id: str) -> list[Body]:
        """The functions of an app's code: each with `name` and the members of `properties` as ARM shows them."""


def host_of(emulator: Emulator) -> FunctionHost | None:
    """The function host, or None in an emulator without one."""
    found: Any = getattr(emulator, "functions", None)
    return cast("FunctionHost | None", found)
