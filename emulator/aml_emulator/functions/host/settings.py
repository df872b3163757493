"""What `host.json` and the app's settings say to the host."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_DEFAULT_TIMEOUT_SECONDS = 1800.0
"""As on Flex Consumption."""
_DEFAULT_THREADS = 32
"""This one process stands for all instances of the app, each of which has 5 threads and more on Azure."""
_MOST_THREADS = 1024
_TIME = re.compile(r"(?:(?P<days>\d+)\.)?(?P<hours>\d{1,2}):(?P<minutes>\d{2}):(?P<seconds>\d{2}(?:\.\d+)?)")


class SettingsError(Exception):
    """A setting that is wrong: the app cannot start."""


@dataclass(frozen=True)
class HostSettings:
    """What the host goes by.

    Attributes:
        route_prefix: first part of the addresses of HTTP functions, without slashes; may be empty.
        timeout: seconds that an invocation may take; None without a limit.
        threads: how many functions that are not coroutines run at the same time.
        script: name of the file with the app.

    """

    route_prefix: str = "api"
    timeout: float | None = _DEFAULT_TIMEOUT_SECONDS
    threads: int = _DEFAULT_THREADS
    script: str = "function_app.py"


def read(package: Path, environment: Mapping[str, str]) -> HostSettings:
    """The settings of an app. A package without `host.json` has the defaults.

    Raises:
        SettingsError: one of them is wrong.

    """
    file = package / "host.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8-sig")) if file.exists() else {"version": "2.0"}
    except ValueError as error:
        raise SettingsError(f"host.json is not JSON: {error}") from None
    if not isinstance(found, dict) or found.get("version") != "2.0":
        raise SettingsError('host.json must be an object with "version": "2.0".')
    http = (found.get("extensions") or {}).get("http") or {}
    return HostSettings(
        route_prefix=str(http.get("routePrefix", "api")).strip("/"),
        timeout=_seconds(found.get("functionTimeout")),
        threads=_threads(environment.get("PYTHON_THREADPOOL_THREAD_COUNT", "")),
        script=environment.get("PYTHON_SCRIPT_FILE_NAME") or "function_app.py",
    )


def disabled(function: str, environment: Mapping[str, str]) -> bool:
    """Whether the setting `AzureWebJobs.<function>.Disabled` is on; on Linux its dots may be written `__`."""
    values = [environment.get(f"AzureWebJobs{dot}{function}{dot}Disabled", "") for dot in (".", "__")]
    return any(value.lower() in ("1", "true") for value in values)


def _seconds(value: object) -> float | None:
    if value is None:
        return _DEFAULT_TIMEOUT_SECONDS
    if value == "-1":
        return None
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise SettingsError(f'functionTimeout of host.json is {value!r}; a time such as "00:05:00" is expected.')
    hours = int(match["days"] or 0) * 24 + int(match["hours"])
    return (hours * 60 + int(match["minutes"])) * 60 + float(match["seconds"])


def _threads(value: str) -> int:
    if not value:
        return _DEFAULT_THREADS
    if not value.isdigit() or not 1 <= int(value) <= _MOST_THREADS:
        raise SettingsError(
            f"PYTHON_THREADPOOL_THREAD_COUNT is {value!r}; a number from 1 to {_MOST_THREADS} is expected."
        )
    return int(value)
