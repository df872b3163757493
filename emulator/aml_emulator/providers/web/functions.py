"""The functions of an app, as ARM lists them: what the function host found in the app's code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aml_emulator.arm.subscriptions import GROUP
from aml_emulator.http import Call, Reply, Router, not_found
from aml_emulator.ml.scope import page
from aml_emulator.providers.web.sites import SITE, find_site

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

FUNCTION = f"{SITE}/functions"


def register(router: Router, emulator: Emulator) -> None:
    """Routes of functions."""

    def listing(call: Call) -> Reply:
        return page(emulator, call, _found(emulator, find_site(emulator, call)))

    def get(call: Call) -> Reply:
        site = find_site(emulator, call)
        for function in _found(emulator, site):
            if str(function["id"]).rpartition("/")[2].lower() == call.params["function"].lower():
                return Reply(body=function)
        raise not_found(f"{site.id}/functions/{call.params['function']}")

    base = f"{GROUP}/providers/{SITE}/{{name}}/functions"
    router.add("GET", base, listing)
    router.add("GET", f"{base}/{{function}}", get)


def _found(emulator: Emulator, site: Resource) -> list[Body]:
    return [
        {
            "id": f"{site.id}/functions/{function['name']}",
            "name": f"{site.name}/{function['name']}",
            "type": FUNCTION,
            "location": site.body["location"],
            "properties": function,
        }
        for function in emulator.functions.functions(site.id)
    ]
