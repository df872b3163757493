"""The environment of a function app's host: what App Service sets, and the app's own settings with Key Vault's secrets in their place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from aml_emulator import ids
from aml_emulator.providers import key_vault
from aml_emulator.providers.web.settings import app_settings
from aml_emulator.surroundings import process_variables

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.environments.builder import PythonEnvironment
    from aml_emulator.resources import Resource

_REFERENCE = re.compile(r"@Microsoft\.KeyVault\((?P<parts>[^()]*)\)", re.IGNORECASE)
DEFAULT_PYTHON = "3.12"
"""Of an app that does not say which."""


def python_of(site: Resource) -> str:
    """The version of Python that an app runs on, for example 3.12."""
    runtime = (site.properties.get("functionAppConfig") or {}).get("runtime") or {}
    if version := runtime.get("version"):
        return str(version)
    classic = str((site.properties.get("siteConfig") or {}).get("linuxFxVersion") or "")
    return classic.rpartition("|")[2] or DEFAULT_PYTHON


def variables(
    emulator: Emulator, site: Resource, package: Path, home: Path, python: PythonEnvironment
) -> tuple[dict[str, str], list[str]]:
    """The whole environment of an app's host, and the names of the settings whose reference to Key Vault leads nowhere.

    Such a setting keeps the text of its reference, as on Azure.
    """
    wanted, unresolved = _settings(emulator, site.id)
    authority = emulator.base_url.removeprefix("https://")
    flex = bool(site.properties.get("functionAppConfig"))
    group = ids.segment(site.id, "resourceGroups") or ""
    location = str(site.body.get("location") or "")
    own = {
        "AZURE_FUNCTIONS_ENVIRONMENT": "Production",
        "AzureWebJobsScriptRoot": str(package),
        "FUNCTIONS_EXTENSION_VERSION": "~4",
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "FUNCTIONS_WORKER_RUNTIME_VERSION": python_of(site),
        "IDENTITY_ENDPOINT": emulator.tokens.msi_endpoint,
        "IDENTITY_HEADER": emulator.tokens.msi_secret,
        "REGION_NAME": location,
        "WEBSITE_HOSTNAME": f"{authority}/functions/{site.name}",
        "WEBSITE_OWNER_NAME": f"{emulator.tokens.identity.subscription_id}+{group}-{location}webspace",
        "WEBSITE_RESOURCE_GROUP": group,
        "WEBSITE_SITE_NAME": site.name,
        "WEBSITE_SKU": "FlexConsumption" if flex else "Dynamic",
    }
    if not site.body.get("identity"):  # an app without an identity gets no tokens
        del own["IDENTITY_ENDPOINT"], own["IDENTITY_HEADER"]
    return {**process_variables(emulator, home, python), **wanted, **own}, unresolved


def _settings(emulator: Emulator, site_id: str) -> tuple[dict[str, str], list[str]]:
    found: dict[str, str] = {}
    unresolved: list[str] = []
    for name, value in app_settings(emulator, site_id).items():
        match = _REFERENCE.fullmatch(value.strip())
        secret = _secret(emulator, match["parts"]) if match else None
        if match and secret is None:
            unresolved.append(name)
        found[name.replace(":", "__")] = (value if secret is None else secret).replace("\x00", "")
    return found, unresolved


def _secret(emulator: Emulator, text: str) -> str | None:
    parts = {
        name.strip().lower(): value.strip()
        for name, _, value in (part.partition("=") for part in text.split(";"))
        if name
    }
    if "secreturi" in parts:
        return key_vault.secret(emulator, parts["secreturi"])
    if "vaultname" in parts and "secretname" in parts:
        return key_vault.secret_named(emulator, parts["vaultname"], parts["secretname"], parts.get("secretversion", ""))
    return None
