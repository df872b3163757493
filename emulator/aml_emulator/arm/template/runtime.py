"""Resources as a running deployment asks for them: `reference()` is a GET, `list...()` a POST, both by the emulator's routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.arm.template import calls
from aml_emulator.arm.template.errors import USAGE, TemplateError
from aml_emulator.arm.template.resources import Plan, Planned, full_id, relative_id
from aml_emulator.arm.template.scope import Scope
from aml_emulator.arm.template.values import Value
from aml_emulator.http import Principal

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

_SHOWN_IN_FULL = ("location", "sku", "tags", "kind", "identity", "plan", "zones", "properties")


class RunningResources:
    """Answers for the resources of a deployment, of those around it, and for any other by its id."""

    def __init__(
        self, emulator: Emulator, plan: Plan, principal: Principal | None, around: RunningResources | None = None
    ) -> None:
        self._emulator, self._plan, self._principal, self._around = emulator, plan, principal, around

    def find(self, text: str) -> Planned | None:
        """The resource of the template that a text names."""
        found = self._plan.find(text)
        if len(found) == 1:
            return found[0]
        return self._around.find(text) if self._around is not None else None

    def reference(self, scope: Scope, resource: str, version: str, *, full: bool) -> Value:
        """A resource's properties, or all of it."""
        planned, resource_id, version = self._resolved("reference", scope, resource, version)
        body = calls.get(self._emulator, resource_id, version, self._principal)
        if not isinstance(body, dict):
            raise TemplateError(f"The resource '{resource_id}' has no properties to refer to.")
        if not full:
            return body.get("properties") or {}
        found: dict[str, Any] = {"apiVersion": version}
        found |= {key: body[key] for key in _SHOWN_IN_FULL if body.get(key) is not None}
        return {
            **found,
            "subscriptionId": ids.segment(resource_id, "subscriptions"),
            "resourceGroupName": ids.segment(resource_id, "resourceGroups"),
            "scope": "",
            "resourceId": relative_id(resource_id),
            "referenceApiVersion": version,
            "condition": True,
            "isConditionTrue": True,
            "isTemplateResource": planned is not None,
            "isAction": False,
            "provisioningOperation": "Create" if planned is not None else "Read",
        }

    def list(self, scope: Scope, function: str, resource: str, version: str, body: Value) -> Value:
        """The answer to a `list...` function."""
        _, resource_id, version = self._resolved(function, scope, resource, version)
        return calls.post(self._emulator, resource_id, function, version, body, self._principal)

    def _resolved(self, function: str, scope: Scope, resource: str, version: str) -> tuple[Planned | None, str, str]:
        planned = self.find(resource)
        if planned is not None:
            return planned, planned.id, version or planned.api_version
        if "/" not in resource:
            raise TemplateError(
                f"The resource '{resource}' is not defined in the template. Please see https://aka.ms/arm-template {USAGE}"
            )
        if not version:
            raise TemplateError(
                f"Unable to evaluate template language function '{function}': the apiVersion is required for '{resource}', which is not "
                f"in the template. Please see https://aka.ms/arm-functions#{function} {USAGE}"
            )
        return None, full_id(resource, scope.target), version
