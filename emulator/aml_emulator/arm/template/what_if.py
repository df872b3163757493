"""What a deployment would do: nothing is made; every resource is compared with what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aml_emulator.arm.template import calls, complete_mode, evaluator
from aml_emulator.arm.template.differences import differences
from aml_emulator.arm.template.errors import NotAvailableError, TemplateError
from aml_emulator.arm.template.kept import kept
from aml_emulator.arm.template.preparation import Prepared, nested
from aml_emulator.arm.template.resources import Planned
from aml_emulator.arm.template.runtime import RunningResources
from aml_emulator.arm.template.scope import Scope
from aml_emulator.arm.template.values import Value, get
from aml_emulator.http import ServiceError

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

Body = dict[str, Any]


class _Looking(RunningResources):
    """Resources as they are now: one that is not there yet has a value only when the deployment runs."""

    def reference(self, scope: Scope, resource: str, version: str, *, full: bool) -> Value:
        """A resource's properties, or all of it."""
        try:
            return super().reference(scope, resource, version, full=full)
        except ServiceError:
            raise NotAvailableError(f"The value of reference('{resource}') is not known yet.") from None

    def list(self, scope: Scope, function: str, resource: str, version: str, body: Value) -> Value:
        """The answer to a `list...` function."""
        try:
            return super().list(scope, function, resource, version, body)
        except ServiceError:
            raise NotAvailableError(f"The value of {function}('{resource}') is not known yet.") from None


def what_if(prepared: Prepared, *, only_ids: bool) -> Body:
    """The answer to a what-if: a change for every resource of the template and of the group."""
    emulator = prepared.emulator
    changes = _changes(prepared, None)
    named = {str(change["resourceId"]).lower() for change in changes}
    complete = prepared.submission.mode == "Complete"
    for resource_id in complete_mode.others(emulator, prepared.target, named) if prepared.target.group else ():
        before = _shown(emulator, resource_id, "2024-10-01", prepared)
        changes.append({"resourceId": resource_id, "changeType": "Delete" if complete else "Ignore", "before": before})
    changes.sort(key=lambda change: str(change["resourceId"]).lower())
    if only_ids:
        changes = [_only_id(change) for change in changes]
    properties: Body = {"correlationId": prepared.correlation, "changes": prepared.secrets.masked(changes)}
    return {"status": "Succeeded", "properties": properties}


def _only_id(change: Body) -> Body:
    kind = "Deploy" if change["changeType"] in ("Modify", "NoChange") else change["changeType"]
    return {"resourceId": change["resourceId"], "changeType": kind}


def _changes(prepared: Prepared, around: RunningResources | None) -> list[Body]:
    looking = _Looking(prepared.emulator, prepared.plan, prepared.principal, around)
    changes: list[Body] = []
    for one in prepared.plan.resources:
        if not one.deploys:
            continue
        scope = one.scope.with_runtime(looking)
        if one.is_deployment:
            changes += _nested_changes(prepared, one, scope, looking)
        else:
            changes.append(_change(prepared, one, scope))
    return changes


def _nested_changes(prepared: Prepared, one: Planned, scope: Scope, looking: RunningResources) -> list[Body]:
    try:
        inner = nested(prepared, one, scope)
    except (TemplateError, ServiceError) as error:
        reason = f"The nested deployment cannot be told before it runs: {error}"
        return [{"resourceId": one.id, "changeType": "Unsupported", "unsupportedReason": reason}]
    return _changes(inner, looking)


def _change(prepared: Prepared, one: Planned, scope: Scope) -> Body:
    emulator = prepared.emulator
    known = {key: _as_known(value, scope, (*one.path, key)) for key, value in one.raw.items() if key.lower() in _SHOWN}
    after: Body = {
        "id": one.id,
        "type": one.type,
        "name": one.name.rpartition("/")[2],
        "apiVersion": one.api_version,
        **known,
    }
    before = _shown(emulator, one.id, one.api_version, prepared)
    if before is None:
        return {"resourceId": one.id, "changeType": "Create", "after": after}
    delta = differences(before, after, kept(emulator, one.id, one.api_version, prepared.principal))
    kind = "Modify" if delta else "NoChange"
    change: Body = {"resourceId": one.id, "changeType": kind, "before": before, "after": _merged(before, after)}
    return {**change, "delta": delta} if delta else change


_SHOWN = ("location", "tags", "sku", "kind", "identity", "zones", "plan", "properties")


def _as_known(value: Value, scope: Scope, path: tuple[str | int, ...]) -> Value:
    """A value with what can be evaluated now; an expression that cannot stays as it stands in the template."""
    if isinstance(value, dict):
        if any(key.lower() == "copy" and evaluator.is_loops(inner) for key, inner in value.items()):
            return _evaluated_or_left(value, scope, path)
        found: Body = {}
        for key, inner in value.items():
            name = _evaluated_or_left(key, scope, path)
            found[name if isinstance(name, str) else key] = _as_known(inner, scope, (*path, key))
        return found
    if isinstance(value, list):
        return [_as_known(inner, scope, (*path, index)) for index, inner in enumerate(value)]
    return _evaluated_or_left(value, scope, path)


def _evaluated_or_left(value: Value, scope: Scope, path: tuple[str | int, ...]) -> Value:
    try:
        return evaluator.evaluate(value, scope, path)
    except NotAvailableError:
        return value


def _merged(before: Body, after: Body) -> Body:
    """A resource as it will be: what the template says over what is there."""
    merged = dict(before)
    for key, value in after.items():
        known = get(before, key)
        merged[key] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def _shown(emulator: Emulator, resource_id: str, version: str, prepared: Prepared) -> Body | None:
    """A resource as its provider shows it; None when it is not there."""
    try:
        body = calls.get(emulator, resource_id, version, prepared.principal)
    except ServiceError as error:
        if error.status in (404, 501):
            return None
        raise
    return (
        {key: value for key, value in body.items() if key not in ("systemData", "etag")}
        if isinstance(body, dict)
        else None
    )
