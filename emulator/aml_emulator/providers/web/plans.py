"""App Service plans: the two that function apps run on, Flex Consumption (FC1) and Consumption (Y1). They are records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aml_emulator.http import Router, ServiceError, not_emulated
from aml_emulator.providers.checks import Fields, invalid
from aml_emulator.providers.generic import Put, register_type

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource

PLAN = "Microsoft.Web/serverfarms"
FLEX, CONSUMPTION = "FC1", "Y1"
_TIERS = {FLEX: "FlexConsumption", CONSUMPTION: "Dynamic"}


def register(router: Router, emulator: Emulator) -> None:
    """Routes of plans."""
    register_type(router, emulator, PLAN, name_pattern=r"[a-zA-Z0-9-]{1,60}", on_put=_plan, before_delete=_check_empty)


def _check_empty(emulator: Emulator, plan: Resource) -> None:
    apps = [
        site.name
        for site in emulator.resources.all_of("Microsoft.Web/sites")
        if str(site.properties["serverFarmId"]).rstrip("/").lower() == plan.id.lower()
    ]
    if apps:
        message = (
            f"Server farm '{plan.name}' cannot be deleted because it has web app(s) {', '.join(apps)} assigned to it."
        )
        raise ServiceError(409, "Conflict", message)


def _plan(put: Put) -> None:
    sku = Fields(put.body, "body").inner("sku", required=True)
    name = sku.text("name", required=True).upper()
    if name not in _TIERS:
        raise not_emulated(f"App Service plans of size {name}; {FLEX} and {CONSUMPTION} are")
    given = sku.text("tier")
    if given and given.lower() != _TIERS[name].lower():
        raise invalid(sku.at("tier"), f"'{given}' is not the tier of {name}, which is {_TIERS[name]}.")
    put.body["sku"] = {"name": name, "tier": _TIERS[name], "size": name, "family": name[:-1]}
    put.body.setdefault("kind", "functionapp")
    fields = put.fields
    if not fields.flag("reserved", default=False):
        raise not_emulated("plans for Windows; set properties.reserved to true, which means Linux")
    fields.flag("zoneRedundant", default=False)
    put.properties["status"] = "Ready"
