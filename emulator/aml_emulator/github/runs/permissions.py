"""What the GITHUB_TOKEN of a run may do: the `permissions:` of its workflow and jobs."""

from __future__ import annotations

from collections.abc import Mapping

from aml_emulator.github import permissions as rules
from aml_emulator.github.definition import Located, Workflow

DEFAULT = {"contents": "read", "packages": "read"}
"""What GitHub gives without a `permissions:`, in a repository whose owner has not chosen otherwise."""

_WORDS = {"read-all": "read", "write-all": "write"}


def token_permissions(workflow: Workflow) -> dict[str, str]:
    """Give the permissions of the token.

    GitHub makes a token for each job; a run has one here, which may do what any of its jobs may. `id-token` is among
    them, although it is no permission of the REST API: it says that the run may ask for OpenID Connect tokens.
    """
    ours = workflow.raw.get("permissions")
    found: dict[str, str] = {}
    for job in workflow.jobs:
        for name, level in _permissions(job.raw.get("permissions", ours)).items():
            if found.get(name) != "write":
                found[name] = level
    return found


def _permissions(settings: object) -> Mapping[str, str]:
    if settings is None:
        return DEFAULT
    if isinstance(settings, Located):
        named = {str(name).replace("-", "_"): str(level) for name, level in settings.items()}
        return {name: level for name, level in named.items() if name in rules.NAMES and level in ("read", "write")}
    return dict.fromkeys(rules.NAMES - {"id_token"}, _WORDS[str(settings)]) if str(settings) in _WORDS else {}
