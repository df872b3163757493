"""What a template would change in a resource: the `delta` of what-if."""

from __future__ import annotations

from typing import Any

from aml_emulator.arm.template.values import Value, equal, find_key

Body = dict[str, Any]

_ENVELOPE = ("location", "tags", "sku", "kind", "identity", "zones", "plan", "properties")


def differences(before: Body, after: Body, stored: Body) -> list[Body]:
    """The changes from a resource as it is to what a template says; what the template does not say stays as it is.

    Args:
        before: the resource as its provider shows it.
        after: the template's resource, evaluated.
        stored: the resource as it is kept, with what its provider does not show: a secret that stays the same is no change.

    """
    found: list[Body] = []
    for key in _ENVELOPE:
        if find_key(after, key) is not None:
            found += _of(key, _get(before, key), _get(after, key), _get(stored, key))
    return found


def _get(body: Value, key: str) -> Value:
    known = find_key(body, key) if isinstance(body, dict) else None
    return None if known is None else body[known]


def _of(path: str, before: Value, after: Value, stored: Value) -> list[Body]:
    if after is None or _same(path, before, after):
        return []
    if isinstance(after, dict) and (isinstance(before, dict) or (before is None and isinstance(stored, dict))):
        changes: list[Body] = []
        for key, value in after.items():
            changes += _of(f"{path}.{key}", _get(before, key), value, _get(stored, key))
        if path == "tags" and isinstance(before, dict):
            gone = [key for key in before if find_key(after, key) is None]
            changes += [{"path": f"tags.{key}", "propertyChangeType": "Delete", "before": before[key]} for key in gone]
        return changes
    if before is None:
        if stored is not None:  # kept and not shown
            return (
                []
                if _same(path, stored, after) or not _of(path, stored, after, None)
                else [_change(path, None, None, "Modify")]
            )
        return [] if _is_nothing(after) else [_change(path, None, after, "Create")]
    if isinstance(before, list) and isinstance(after, list):
        children = _items(before, after, stored if isinstance(stored, list) else [])
        if not children:
            return []
        return [{"path": path, "propertyChangeType": "Array", "before": before, "after": after, "children": children}]
    return [_change(path, before, after, "Modify")]


def _items(before: list[Value], after: list[Value], stored: list[Value]) -> list[Body]:
    """Items are compared by their place, or by their name where they have one."""
    changes: list[Body] = []
    for index, value in enumerate(after):
        old = _counterpart(before, value, index)
        kept = _counterpart(stored, value, index)
        if old is None and kept is None:
            changes.append(_change(str(index), None, value, "Create"))
        elif not (isinstance(value, dict) and isinstance(old, dict)):
            changes += [] if _same("", old, value) else [_change(str(index), old, value, "Modify")]
        else:
            inner = [change for key in value for change in _of(key, _get(old, key), value[key], _get(kept, key))]
            if inner:
                changes.append(
                    {
                        "path": str(index),
                        "propertyChangeType": "Modify",
                        "before": old,
                        "after": value,
                        "children": inner,
                    }
                )
    if len(before) > len(after):
        gone = [item for index, item in enumerate(before) if _counterpart(after, item, index) is None]
        changes += [{"path": str(before.index(item)), "propertyChangeType": "Delete", "before": item} for item in gone]
    return changes


def _counterpart(items: list[Value], wanted: Value, index: int) -> Value:
    name = _get(wanted, "name")
    if isinstance(name, str):
        named = [
            item for item in items if isinstance(_get(item, "name"), str) and _get(item, "name").lower() == name.lower()
        ]
        if named:
            return named[0]
        return None if any(_get(item, "name") for item in items) else (items[index] if index < len(items) else None)
    return items[index] if index < len(items) else None


def _change(path: str, before: Value, after: Value, kind: str) -> Body:
    change: Body = {"path": path, "propertyChangeType": kind}
    if before is not None:
        change["before"] = before
    if after is not None:
        change["after"] = after
    return change


def _is_nothing(value: Value) -> bool:
    """What a provider does not keep: nulls and what holds nothing else."""
    if isinstance(value, dict):
        return all(_is_nothing(inner) for inner in value.values())
    return value is None or value in ("", [])


def _same(path: str, one: Value, other: Value) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        if path.rpartition(".")[2].lower() == "location":
            return one.replace(" ", "").lower() == other.replace(" ", "").lower()
        # Ids and the words of enums are the same in any case.
        return one == other or (
            one.lower() == other.lower() and (one.startswith("/") or one.isalnum() or "_" in one or "," in one)
        )
    return equal(one, other)
