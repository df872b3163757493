"""The switchboard's own addresses, which `aml-emulator fault` asks with a token for ARM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aml_emulator.faults.token_life import TokenLife
from aml_emulator.http import Call, Reply, Router, ServiceError

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

PATH = "/emulator/faults"


def register(router: Router, emulator: Emulator) -> None:
    """Routes."""
    faults = emulator.faults

    def listing(call: Call) -> Reply:
        life = faults.tokens
        body = {"value": [one.shown() for one in faults.all()], "file_problem": faults.problem}
        return Reply(body={**body, "tokens": {"seconds": life.seconds, "told": life.told}})

    def add(call: Call) -> Reply:
        try:
            made = faults.add(call.json())
        except ValueError as error:
            raise ServiceError(400, "InvalidRequest", str(error)) from None
        return Reply(201, made.shown())

    def tokens(call: Call) -> Reply:
        try:
            faults.tokens = TokenLife.read(call.json())
        except ValueError as error:
            raise ServiceError(400, "InvalidRequest", str(error)) from None
        return Reply(204)

    def clear(call: Call) -> Reply:
        faults.clear()
        return Reply(204)

    router.add("GET", PATH, listing)
    router.add("POST", PATH, add)
    router.add("PUT", f"{PATH}/tokens", tokens)
    router.add("DELETE", PATH, clear)
