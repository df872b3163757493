"""`aml-emulator federate`: the federated credentials of the service principal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aml_emulator.federation import PATH
from aml_emulator.own_client import ask

if TYPE_CHECKING:
    from aml_emulator.state import StateDirectory


def add(state: StateDirectory, *, subject: str, issuer: str, audience: str) -> int:
    """Trust a subject; the exit code.

    Raises:
        Failed: the emulator cannot be asked, or refuses.

    """
    made = ask(state, "POST", PATH, {"subject": subject, "issuer": issuer, "audience": audience})
    print(f"Trusted: {_line(made)}")
    return 0


def show(state: StateDirectory, *, as_json: bool) -> int:
    """Print every federated credential; the exit code.

    Raises:
        Failed: the emulator cannot be asked, or refuses.

    """
    found = ask(state, "GET", PATH)["value"]
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        print("\n".join(map(_line, found)) or "There are no federated credentials. Add one: federate --subject SUBJECT")
    return 0


def remove(state: StateDirectory, *, subject: str, issuer: str) -> int:
    """Trust a subject no longer; the exit code.

    Raises:
        Failed: the emulator cannot be asked, or refuses.

    """
    ask(state, "DELETE", PATH, {"subject": subject, "issuer": issuer})
    print(f"Trusted no longer: {subject}")
    return 0


def _line(one: dict[str, str]) -> str:
    return f"{one['subject']}  (issuer {one['issuer']}, audience {one['audience']})"
