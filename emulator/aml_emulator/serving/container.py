"""The folder of a deployment and what its "container" tells: phases, events and logs, as `getLogs` shows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from aml_emulator.resources import now

Phase = Literal["SystemSetup", "UserContainerImagePull", "ModelDownload", "UserContainerStart"]
"""What a deployment goes through, in the service's words: environment, code and server, model, entry script."""

_PHASES: tuple[Phase, ...] = ("SystemSetup", "UserContainerImagePull", "ModelDownload", "UserContainerStart")


class Container:
    """One generation of a deployment on disk. A new deployment of the same name gets a new one beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._events = folder / "events.jsonl"

    def create(self) -> None:
        """Make the folders."""
        for made in (self.folder, self.code, self.home):
            made.mkdir(parents=True, exist_ok=True)
        self.server_log.touch()
        self.storage_log.touch()

    @property
    def code(self) -> Path:
        """The code snapshot: AML_APP_ROOT."""
        return self.folder / "code"

    @property
    def home(self) -> Path:
        """HOME of its processes."""
        return self.folder / "home"

    @property
    def server_log(self) -> Path:
        """What the inference server and the entry script wrote; before it, the environment's build."""
        return self.folder / "inference-server.log"

    @property
    def storage_log(self) -> Path:
        """What bringing code and model wrote."""
        return self.folder / "storage-initializer.log"

    def model(self, name: str, version: str) -> Path:
        """Where a model version goes: AZUREML_MODEL_DIR."""
        return self.folder / "azureml-models" / name / version

    def phase(self, phase: Phase, state: Literal["InProgress", "Succeeded", "Failed"], message: str) -> None:
        """Note how far the deployment is."""
        event = {"phase": phase, "state": state, "message": message, "time": now()}
        with self._events.open("a") as file:
            file.write(json.dumps(event) + "\n")

    def note(self, text: str) -> None:
        """Add a line to the log of bringing code and model."""
        with self.storage_log.open("a") as file:
            file.write(f"{now()} {text}\n")

    def logs(self, container: str, tail: int | None) -> str:
        """The text that `getLogs` answers: states of the instance, events, and the end of a container's log."""
        events = [json.loads(line) for line in self._events.read_text().splitlines()] if self._events.exists() else []
        states = {event["phase"]: event["state"] for event in events}
        log = self.storage_log if container == "StorageInitializer" else self.server_log
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        shown = lines if tail is None else lines[-tail:] if tail > 0 else []
        status = "".join(f"{phase}: {states.get(phase, 'NotStarted')}\n" for phase in _PHASES)
        told = "".join(
            f"Kind: Pod, Name: {event['phase']}, Type: {'Warning' if event['state'] == 'Failed' else 'Normal'},"
            f" Time: {event['time']}, Message: {event['message']}\n"
            for event in events
        )
        text = "".join(f"{line}\n" for line in shown)
        return f"Instance status:\n{status}\nContainer events:\n{told}\nContainer logs:\n{text}"
