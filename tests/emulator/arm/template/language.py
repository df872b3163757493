"""Evaluates expressions and templates without a server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aml_emulator.arm.template import document, evaluator
from aml_emulator.arm.template.planning import plan
from aml_emulator.arm.template.resources import Plan
from aml_emulator.arm.template.scope import Scope, Surroundings, Target

TARGET = Target("00000000-0000-0000-0000-000000000000", "rg")
GROUP_ID = TARGET.id
SURROUNDINGS = Surroundings(
    subscription={"id": "/subscriptions/00000000-0000-0000-0000-000000000000", "tenantId": "t"},
    resource_group={"id": GROUP_ID, "name": "rg", "location": "westeurope"},
    deployment={"name": "own"},
    environment={"name": "AzureLocal"},
    tenant={"tenantId": "t"},
    deployer={"objectId": "o"},
)


def _no_secret(reference: dict[str, Any]) -> str:
    raise AssertionError(reference)


def template(**members: Any) -> dict[str, Any]:
    """A template with what every one has."""
    schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
    return {"$schema": schema, "contentVersion": "1.0.0.0", "resources": [], **members}


def nested(name: str, inner: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A deployment inside a template."""
    properties = {"mode": "Incremental", "template": inner, **members.pop("properties", {})}
    return {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2025-04-01",
        "name": name,
        "properties": properties,
        **members,
    }


def scope(given: Mapping[str, Any] | None = None, **members: Any) -> Scope:
    """The scope of a template with these members; `given` are the values of its parameters."""
    values = {name: {"value": value} for name, value in (given or {}).items()}
    return document.scope_of(template(**members), values, TARGET, SURROUNDINGS, _no_secret)


def evaluated(text: str, **members: Any) -> Any:
    """The value of an expression, brackets not included."""
    return evaluator.evaluate(f"[{text}]", scope(**members))


def planned(resources: Any, given: Mapping[str, Any] | None = None, **members: Any) -> Plan:
    """The plan of a template with these resources."""
    return plan(template(resources=resources, **members), scope(given, **members), TARGET)
