"""The cloud's description: what `ARM_CLOUD_METADATA_URL` names. Nobody has to sign in to read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aml_emulator.http import Call, Reply, Router
from aml_emulator.ml.datastores import storage_suffix

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

CLOUD = "AzureLocal"

PORTAL = "https://portal.azure.local"
"""Never contacted. The SDK makes the audience `https://ml.azure.local` of its last two parts (azure-wire, 1.1)."""

_PUBLIC_CLOUD = "AzureCloud"
_FOR_JOBS = "jobs"


def address_for_jobs(emulator: Emulator) -> str:
    """What `ARM_CLOUD_METADATA_URL` is in a job: there the document names this cloud twice.

    SDK v1 looks for the public cloud in a job, whatever cloud the job runs in; it would ask the real one for its document.
    """
    return f"{emulator.base_url}/metadata/endpoints?for={_FOR_JOBS}"


def cloud(emulator: Emulator) -> dict[str, Any]:
    """The endpoints of this cloud."""
    url = emulator.base_url
    return {
        "name": CLOUD,
        "portal": PORTAL,
        "resourceManager": f"{url}/",
        "authentication": {
            "loginEndpoint": url,
            "audiences": [url, f"{url}/"],
            "tenant": emulator.tokens.identity.tenant_id,
            "identityProvider": "AAD",
        },
        "suffixes": {"storage": storage_suffix(emulator)},
        # No key of Azure's document: where the Studio is, for clients that link to it.
        "azureMachineLearningStudio": url,
    }


def register(router: Router, emulator: Emulator) -> None:
    """Routes of the metadata."""
    found = cloud(emulator)

    def metadata(call: Call) -> Reply:
        if call.query.get("for") == _FOR_JOBS:
            return Reply(body=[found, {**found, "name": _PUBLIC_CLOUD}])
        return Reply(body=[found])

    router.add("GET", "/metadata/endpoints", metadata, "none")
