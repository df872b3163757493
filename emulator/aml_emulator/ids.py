"""ARM resource ids: made in one place, compared without regard to case as ARM does."""

from __future__ import annotations

PROVIDER = "Microsoft.MachineLearningServices"


def resource_group_id(subscription: str, group: str) -> str:
    """Id of a resource group."""
    return f"/subscriptions/{subscription}/resourceGroups/{group}"


def workspace_id(subscription: str, group: str, workspace: str) -> str:
    """Id of a Machine Learning workspace."""
    return f"{resource_group_id(subscription, group)}/providers/{PROVIDER}/workspaces/{workspace}"


def child_id(parent: str, collection: str, name: str) -> str:
    """Id of a child resource, for example `child_id(workspace, "jobs", "brave_sand")`."""
    return f"{parent}/{collection}/{name}"


def name_of(resource_id: str) -> str:
    """Last segment of an id: the resource's own name."""
    return resource_id.rstrip("/").rsplit("/", 1)[-1]


def parent_of(resource_id: str) -> str:
    """Id of the resource (or resource group) that holds this one; "" for a subscription."""
    parts = resource_id.rstrip("/").split("/")
    head = parts[:-2]
    # `.../resourceGroups/rg/providers/Microsoft.X/type/name`: the parent of a top resource is its group.
    if len(head) >= 2 and head[-2].lower() == "providers":
        head = head[:-2]
    return "/".join(head)


def type_of(resource_id: str) -> str:
    """ARM type, for example `Microsoft.MachineLearningServices/workspaces/jobs`."""
    parts = resource_id.strip("/").split("/")
    lowered = [part.lower() for part in parts]
    if "providers" in lowered:
        start = len(lowered) - 1 - lowered[::-1].index("providers")
        return "/".join([parts[start + 1], *parts[start + 2 :: 2]])
    return "Microsoft.Resources/resourceGroups" if "resourcegroups" in lowered else "Microsoft.Resources/subscriptions"


def segment(resource_id: str, collection: str) -> str | None:
    """The name that follows a collection in an id: `segment(id, "workspaces")`; None where it is absent."""
    parts = resource_id.split("/")
    for position, part in enumerate(parts[:-1]):
        if part.lower() == collection.lower():
            return parts[position + 1]
    return None
