"""The emulator of the demonstration, through its command line as a user has it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aml_emulator.demo.console import run, say, telling


class Emulator:
    """The emulator on a state folder. State is kept from one demonstration to the next."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self._variables: Mapping[str, str] = {}

    def command(self, *arguments: str, text: str | None = None) -> str:
        """Run `aml-emulator ARGUMENTS`; what it printed. Raises DemoFailed when it fails."""
        return run([sys.executable, "-m", "aml_emulator", *arguments, "--state", str(self.state)], text=text)

    def up(self) -> None:
        """Start it on a free port, so that it is in nobody's way; it may be up from `--keep`."""
        self.state.parent.mkdir(parents=True, exist_ok=True)
        self.command("up", "--port", "0")

    def down(self) -> None:
        """Stop it with everything it runs; nothing happens when it is not up."""
        if self.state.exists():
            with telling("\nStopping the emulator"):
                self.command("down")

    def variables(self) -> Mapping[str, str]:
        """Give the variables that bring an Azure SDK to it."""
        if not self._variables:
            self._variables = _object(self.command("env", "--format", "json"))
        return self._variables

    def credentials(self) -> str:
        """Give the text for the secret AZURE_CREDENTIALS."""
        return self.command("credentials")

    def explain(self) -> None:
        """Say how to look around, and how to stop it."""
        program = Path(sys.executable).parent / "aml-emulator"
        url = _object(self.command("status", "--json")).get("url")
        say("\nThe emulator stays up:")
        say(f"  Studio      {url}/")
        say(f'  In a shell  eval "$({program} env --state {self.state})", then use azure-ai-ml as against Azure')
        say(f"  Stop it     {program} down --state {self.state}")


def _object(text: str) -> dict[str, Any]:
    found = json.loads(text)
    return found if isinstance(found, dict) else {}
