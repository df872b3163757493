"""What every process of a job, deployment or function app finds in its environment.

Nothing of the shell that the emulator was started from is in it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from aml_emulator.arm import metadata
from aml_emulator.environments.builder import PythonEnvironment

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


def base_variables(emulator: Emulator, home: Path, python: PythonEnvironment) -> dict[str, str]:
    """Paths, certificate authorities, proxies, the managed identity, and where the cloud is."""
    return {
        **process_variables(emulator, home, python),
        "AZUREML_CURRENT_CLOUD": metadata.CLOUD,
        "ARM_CLOUD_METADATA_URL": metadata.address_for_jobs(emulator),
        "REGISTRY_DISCOVERY_ENDPOINT_URL": f"{emulator.base_url}/",
        "MSI_ENDPOINT": emulator.tokens.msi_endpoint,
        "MSI_SECRET": emulator.tokens.msi_secret,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        **python.variables,
    }


def process_variables(emulator: Emulator, home: Path, python: PythonEnvironment) -> dict[str, str]:
    """Paths, certificate authorities and proxies: what any process in an environment needs to reach this emulator and the rest."""
    bundle = str(emulator.state.bundle)
    found = {
        "PATH": f"{python.bin}:{_SYSTEM_PATH}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "VIRTUAL_ENV": str(python.folder),
        "PYTHONUNBUFFERED": "1",  # a log is worth reading while it is written
        "REQUESTS_CA_BUNDLE": bundle,
        "SSL_CERT_FILE": bundle,
        "CURL_CA_BUNDLE": bundle,
    }
    if proxies := {name: os.environ[name] for name in _PROXIES if os.environ.get(name)}:
        own = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
        direct = ",".join(filter(None, (own, "127.0.0.1,localhost")))
        found |= proxies | {"NO_PROXY": direct, "no_proxy": direct}
    return found
