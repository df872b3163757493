"""Permissions of fine-grained tokens and GitHub Apps: names with the level read, write or admin."""

from __future__ import annotations

from collections.abc import Mapping

LEVELS = ("read", "write", "admin")
"""Each includes those before it."""

NAMES = frozenset(
    (
        "actions",
        "actions_variables",
        "administration",
        "attestations",
        "checks",
        "codespaces",
        "contents",
        "dependabot_secrets",
        "deployments",
        "discussions",
        "environments",
        "id_token",
        "issues",
        "metadata",
        "packages",
        "pages",
        "pull_requests",
        "repository_custom_properties",
        "repository_hooks",
        "repository_projects",
        "secret_scanning_alerts",
        "secrets",
        "security_events",
        "single_file",
        "statuses",
        "vulnerability_alerts",
        "workflows",
    )
)
"""Permissions of repositories. Those that no route here asks for are kept and given back."""


def checked(permissions: Mapping[str, object]) -> dict[str, str]:
    """The permissions with `metadata: read`, which every token has.

    Raises ValueError for a name or a level that GitHub does not know.
    """
    found = {}
    for name, level in permissions.items():
        if name not in NAMES:
            raise ValueError(f"There is no permission {name!r} of repositories. There are: {', '.join(sorted(NAMES))}.")
        if not isinstance(level, str) or level not in LEVELS:
            raise ValueError(f"The permission {name} has one of the levels {', '.join(LEVELS)}, not {level!r}.")
        found[name] = level
    return {"metadata": "read", **found}


def allows(permissions: Mapping[str, str], name: str, level: str) -> bool:
    """Whether a permission is among them with that level, or a higher one."""
    return name in permissions and LEVELS.index(permissions[name]) >= LEVELS.index(level)
