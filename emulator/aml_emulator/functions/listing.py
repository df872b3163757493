"""A function as Azure Resource Manager describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource


def described(emulator: Emulator, site: Resource, function: dict[str, Any]) -> Body:
    """The `properties` of a function resource, of what the host found in the code."""
    name, address = function["name"], f"{emulator.base_url}/functions/{site.name}"
    found: Body = {
        "name": name,
        "function_app_id": site.id,
        "script_href": f"{address}/admin/vfs/site/wwwroot/{function['scriptFile']}",
        "href": f"{address}/admin/functions/{name}",
        "config": {
            "name": name,
            "scriptFile": function["scriptFile"],
            "language": "python",
            "functionDirectory": "/home/site/wwwroot",
            "bindings": function["bindings"],
        },
        "files": None,
        "test_data": "",
        "invoke_url_template": "",
        "language": "python",
        "isDisabled": function["isDisabled"],
    }
    if function["address"] is not None:
        found["invoke_url_template"] = f"{address}{function['address']}"
    return found
