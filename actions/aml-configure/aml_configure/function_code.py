"""Publishing the code of a function app."""

from __future__ import annotations

import fnmatch
import io
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aml_actions.errors import ActionError
from aml_actions.polling import duration

if TYPE_CHECKING:
    from aml_actions.rest import AzureRest

API_VERSION = "2024-11-01"
TIMEOUT = 900.0
"""Seconds until the code is there and its packages are installed."""
ROLE = 300.0
"""Seconds until the app may use its storage account: a role that was just assigned takes some minutes to be known everywhere."""
INDEXING = 300.0
"""Seconds until the app lists the functions of new code."""
_ANCHOR = "docs/troubleshooting.md#function-app"
_FAILED, _SUCCEEDED, _DISPLACED, _PARTLY = 3, 4, 5, 6
"""How a publication ends, as the publishing service numbers it. Partly: the code is there, and the service was restarted meanwhile."""
_NO_ACCESS = ("InaccessibleStorage", "BlobUploadFailed")
_NEVER = ("__pycache__", ".git", ".venv", "local.settings.json", "*.pyc")
_DATE = (1980, 1, 1, 0, 0, 0)
"""The same code gives the same archive."""


def archive(folder: Path) -> bytes:
    """Return the code as a zip archive; ``.funcignore`` in the folder leaves files out.

    Raises:
        ActionError: there is no code.
    """
    if not (folder / "function_app.py").is_file():
        raise ActionError(
            "function_folder holds no function app: function_app.py is missing.",
            value=folder.name,
            fix="name the folder with function_app.py, host.json and requirements.txt",
            anchor=_ANCHOR,
        )
    ignored = folder / ".funcignore"
    lines = ignored.read_text(encoding="utf-8").splitlines() if ignored.is_file() else []
    patterns = [line.strip().rstrip("/") for line in lines if line.strip() and not line.startswith("#")]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for file in _files(folder, (*_NEVER, *patterns)):
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), _DATE)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(entry, file.read_bytes())
    return buffer.getvalue()


def _files(folder: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        if file.is_file() and not any(fnmatch.fnmatch(part, pattern) for part in parts for pattern in patterns):
            yield file


class FunctionApp:
    """One function app."""

    def __init__(
        self, rest: AzureRest, resource_id: str, say: Callable[[str], None], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Nothing is asked of Azure yet."""
        self._rest = rest
        self._id = resource_id
        self._say = say
        self._sleep = sleep

    @property
    def name(self) -> str:
        """Name of the app."""
        return self._id.rsplit("/", 1)[-1]

    def publish(self, package: bytes) -> list[str]:
        """Publish code, and return the names of the functions that the app has then.

        Raises:
            ActionError: it was not taken, or the app lists no function of it.
            azure.core.exceptions.HttpResponseError: Azure refused.
        """
        host = self._publishing_host()
        start = time.monotonic()
        self._say(f"Publishing {len(package):,} bytes of code to function app {self.name}")
        while True:
            status, text = self._publish(host, package)
            if status in (_SUCCEEDED, _PARTLY):
                return self._functions()
            no_access = any(mark in text for mark in _NO_ACCESS)
            if not no_access or time.monotonic() - start > ROLE:
                raise self._not_taken(status, text, no_access=no_access)
            self._say("  the app may not use its storage account yet; its role is new, so this is tried again")
            self._sleep(20.0)

    def _publish(self, host: str, package: bytes) -> tuple[int, str]:
        """Publish once, and return how it ended, and what the service says of it."""
        self._rest.upload(f"https://{host}/api/publish", package, {"RemoteBuild": "true", "Deployer": "aml-configure"})
        answer = self._wait(f"https://{host}/api/deployments/latest")
        text = str(answer.get("status_text") or answer.get("message") or "no reason was given")
        return int(answer.get("status") or 0), text

    def _not_taken(self, status: int, text: str, *, no_access: bool) -> ActionError:
        cause, fix = "a package of requirements.txt could not be installed", None
        if status == _DISPLACED:
            cause, fix = "another publication to the same app was under way", "run the job again when that has ended"
        elif no_access:
            cause = "the app's identity may not write to the container of its code (Storage Blob Data Owner), or there is none"
            fix = "look at the app's deployment storage and at the roles of its identity; then run the job again"
        return ActionError(
            f"The code was not taken by function app {self.name}.",
            value=text,
            cause=cause,
            fix=fix,
            anchor=_ANCHOR,
        )

    def _publishing_host(self) -> str:
        """Return the host that takes code: the app itself says which one it is."""
        properties = self._rest.get(self._id, {"api-version": API_VERSION}).get("properties") or {}
        for one in properties.get("hostNameSslStates") or []:
            if str(one.get("hostType")).lower() == "repository":
                return str(one["name"])
        raise ActionError(
            f"Function app {self.name} does not say where its code is published.",
            fix="look at the app in the portal; a plan of the kind Flex Consumption is expected",
            anchor=_ANCHOR,
        )

    def _wait(self, address: str) -> dict[str, Any]:
        start, told = time.monotonic(), 0.0
        while True:
            answer: dict[str, Any] = self._rest.get(address)
            waited = time.monotonic() - start
            if answer.get("complete") or answer.get("status") in (_FAILED, _SUCCEEDED, _DISPLACED, _PARTLY):
                return answer
            if waited > TIMEOUT:
                raise ActionError(
                    f"Function app {self.name} did not take its code within {duration(TIMEOUT)}.", anchor=_ANCHOR
                )
            if waited - told >= 60:
                told = waited
                self._say(f"  function app {self.name}: building ({duration(waited)})")
            self._sleep(min(10.0, max(0.1, waited / 4)))

    def _functions(self) -> list[str]:
        """Return the app's functions once it lists any."""
        start = time.monotonic()
        while True:
            listed = self._rest.get(f"{self._id}/functions", {"api-version": API_VERSION}).get("value") or []
            names = [str(one["name"]).rsplit("/", 1)[-1] for one in listed]
            if names:
                return names
            if time.monotonic() - start > INDEXING:
                raise ActionError(
                    f"Function app {self.name} has its code, but lists no function.",
                    cause="the code fails when it is loaded, or a setting is missing",
                    fix="look at the log stream of the app in the portal: it has the traceback; mend it and run the job again",
                    anchor=_ANCHOR,
                )
            self._sleep(2.0)
