"""The cloud's description: what `ARM_CLOUD_METADATA_URL` names. Nobody has to sign in to read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aml_emulator.http import Call, Reply, Router
from aml_emulator.ml.datastores import storage_suffix

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

CLOUD = "AzureLocal"

PORTAL = "https://portal.azure.local"
"""Never contacted. The SDK makes the audience `https://ml.azure.local` of its last two parts (azure-wire, 1.1)."""


def register(router: Router, emulator: Emulator) -> None:
    """Routes of the metadata."""
    url = emulator.base_url
    cloud = {
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

    def metadata(call: Call) -> Reply:
        return Reply(body=[cloud])

    router.add("GET", "/metadata/endpoints", metadata, "none")
