"""Resource ids of Azure as people write them in parameters files: whole, or the short form of the legacy actions."""

from __future__ import annotations

import re

from aml_actions.workspace import WorkspaceRef

_NAME = r"[^/\s]+"


def checked(value: str, *types: str) -> str:
    """Return a resource id without the white space around it.

    Args:
        value: a whole id, or the short form ``Microsoft.Storage/storageAccounts/<name>``.
        types: the types of resource that are meant, such as ``Microsoft.Storage/storageAccounts``.

    Raises:
        ValueError: it is neither; the text says what is allowed, for the error of the key that it stands in.
    """
    text = value.strip().rstrip("/")
    group = rf"/subscriptions/{_NAME}/resourceGroups/{_NAME}/providers/"
    if any(re.fullmatch(rf"(?:{group}|/?){re.escape(one)}/{_NAME}", text, re.IGNORECASE) for one in types):
        return text
    short = " or ".join(f"{one}/<name>" for one in types)
    raise ValueError(
        f"the whole resource id (/subscriptions/<id>/resourceGroups/<group>/providers/{types[0]}/<name>), or the short form {short}"
    )


def expanded(resource: str, workspace: WorkspaceRef, resource_group: str | None = None) -> str:
    """Return the whole id of a resource.

    Args:
        resource: as `checked` returns it.
        workspace: of whose subscription the short form speaks.
        resource_group: of which group it speaks; the workspace's, unless it is given.
    """
    if resource.lower().startswith("/subscriptions/"):
        return resource
    group = resource_group or workspace.resource_group
    return f"/subscriptions/{workspace.subscription_id}/resourceGroups/{group}/providers/{resource.lstrip('/')}"
