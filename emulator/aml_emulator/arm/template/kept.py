"""What providers keep and do not show in a GET, for comparing a template with it: stored bodies, app settings, secrets."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.arm.template import calls
from aml_emulator.http import Principal, ServiceError
from aml_emulator.providers import key_vault

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

Body = dict[str, Any]

_SITES = "microsoft.web/sites"


def kept(emulator: Emulator, resource_id: str, api_version: str, principal: Principal | None) -> Body:
    """A resource with everything that its last PUT said; never to be shown."""
    found = emulator.resources.get(resource_id)
    body = copy.deepcopy(found.body) if found else {}
    kind = ids.type_of(resource_id).lower()
    if kind == _SITES:
        settings = _app_settings(emulator, resource_id, api_version, principal)
        if settings is not None:
            body.setdefault("properties", {}).setdefault("siteConfig", {})["appSettings"] = settings
    elif kind == key_vault.SECRET.lower():
        vault = ids.name_of(ids.parent_of(resource_id))
        body.setdefault("properties", {})["value"] = key_vault.secret_named(emulator, vault, ids.name_of(resource_id))
    return body


def _app_settings(emulator: Emulator, site_id: str, api_version: str, principal: Principal | None) -> list[Body] | None:
    try:
        answer = calls.post(emulator, f"{site_id}/config/appsettings", "list", api_version, None, principal)
    except ServiceError:
        return None
    return [{"name": name, "value": value} for name, value in (answer.get("properties") or {}).items()]
