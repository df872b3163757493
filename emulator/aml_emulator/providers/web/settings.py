"""Application settings of function apps: names and texts that its code sees as environment variables.

They may hold secrets, so no GET shows them: `POST .../config/appsettings/list` does, as on Azure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aml_emulator import ids
from aml_emulator.arm.subscriptions import GROUP
from aml_emulator.http import Call, Reply, Router, ServiceError, not_found
from aml_emulator.ml.scope import find_group
from aml_emulator.providers.checks import Fields, invalid

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

_SITE = "Microsoft.Web/sites"
_FLEX = "FlexConsumption"

_NAME = re.compile(r"[\w.:-]+")
_NOT_ON_FLEX = ("FUNCTIONS_WORKER_RUNTIME",)
"""What Flex Consumption refuses; other settings that it has no use for are kept and have no effect."""


def app_settings(emulator: Emulator, site_id: str) -> dict[str, str]:
    """An app's settings as they were set: references to Key Vault are not resolved.

    Raises:
        LookupError: there is no such app.

    """
    if emulator.resources.get(site_id) is None:
        raise LookupError(f"no function app {site_id}")
    stored = emulator.resources.get(f"{site_id}/config/appsettings")
    return {name: str(value) for name, value in stored.properties.items()} if stored else {}


def replace(emulator: Emulator, site_id: str, wanted: dict[str, str]) -> None:
    """Put these settings in the place of those that there are."""
    emulator.resources.put(f"{site_id}/config/appsettings", {"properties": wanted})


def of_site_config(configuration: Fields) -> dict[str, str] | None:
    """The settings in a `siteConfig`; None when it says nothing about them, which leaves those that there are.

    Raises:
        ServiceError: a name is missing, unusable or there twice.

    """
    if "appSettings" not in configuration.body:
        return None
    found: dict[str, str] = {}
    for item in configuration.items("appSettings"):
        name = item.text("name", required=True, pattern=_NAME)
        if name.lower() in {other.lower() for other in found}:
            raise invalid(item.at("name"), f"the setting '{name}' is there twice.")
        found[name] = _text(item.body.get("value"), item.at("value"))
    return found


def check_flex(wanted: dict[str, str]) -> None:
    """Refuse the settings that an app on Flex Consumption may not have.

    Raises:
        ServiceError: 400, with the service's text.

    """
    for name in wanted:
        if name.upper() in _NOT_ON_FLEX:
            raise ServiceError(
                400,
                "BadRequest",
                f"The following app setting (Site.SiteConfig.AppSettings.{name}) for Flex Consumption sites is invalid. Please remove or "
                "rename it before retrying. (ExtendedCode 51021)",
                target=f"Site.SiteConfig.AppSettings.{name}",
            )


def register(router: Router, emulator: Emulator) -> None:
    """Routes of an app's settings."""

    def find(call: Call) -> Resource:
        site_id = f"{find_group(emulator, call).id}/providers/{_SITE}/{call.params['name']}"
        found = emulator.resources.get(site_id)
        if found is None:
            raise not_found(site_id)
        return found

    def put(call: Call) -> Reply:
        site = find(call)
        sent = Fields(call.json(), "body").inner("properties").body
        wanted = {name: _text(value, f"properties.{name}") for name, value in sent.items()}
        for name in wanted:
            if not _NAME.fullmatch(name):
                raise invalid(
                    "properties", f"'{name}' is not the name of a setting: letters, digits, '_', '.', ':' and '-'."
                )
        if site.properties.get("sku") == _FLEX:
            check_flex(wanted)
        replace(emulator, site.id, wanted)
        emulator.functions.configured(site.id)
        return Reply(body=_shown(site, wanted))

    def get(call: Call) -> Reply:
        return Reply(body=_shown(find(call), {}))

    def listing(call: Call) -> Reply:
        site = find(call)
        return Reply(body=_shown(site, app_settings(emulator, site.id)))

    base = f"{GROUP}/providers/{_SITE}/{{name}}/config/appsettings"
    router.add("PUT", base, put)
    router.add("GET", base, get)
    router.add("POST", f"{base}/list", listing)


def _text(value: object, path: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (str, int, float)):
        raise invalid(path, "the value of a setting is a string.")
    return str(value)


def _shown(site: Resource, properties: dict[str, str]) -> Body:
    return {
        "id": f"{site.id}/config/appsettings",
        "name": "appsettings",
        "type": ids.type_of(f"{site.id}/config/appsettings"),
        "location": site.body["location"],
        "properties": properties,
    }
