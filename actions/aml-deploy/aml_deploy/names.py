"""Names of endpoints and deployments."""

from __future__ import annotations

import re
from collections.abc import Collection

LONGEST = 32
"""Characters that Azure allows in the name of an endpoint or a deployment; the shortest has 3."""
LONGEST_ON_KUBERNETES = 62
"""Characters that the names of an endpoint and a deployment on Kubernetes may have together."""


def default_endpoint_name(repository_name: str, branch: str) -> str:
    """Return the name of an endpoint for a repository and a branch.

    The legacy rule (``<repo>-<branch>`` in lower case, ``_`` as ``-``, cut to 32 characters), made to always give a valid
    name: dots and slashes of tags and branches become dashes too, and a name that does not start with a letter gets one.

    >>> default_endpoint_name("My_Model", "release/v1.2")
    'my-model-release-v1-2'
    """
    text = re.sub(r"[^a-z0-9]+", "-", f"{repository_name}-{branch}".lower()).strip("-")
    if not text[:1].isalpha():
        text = f"ml-{text}".rstrip("-")
    return text[:LONGEST].rstrip("-").ljust(3, "x")


def deployment_name(
    model_version: str, run_id: str, run_attempt: str, taken: Collection[str], longest: int = LONGEST
) -> str:
    """Return the name of the deployment of one rollout, such as ``v3-19238471234-1``.

    A rollout stands beside what serves until it has proven itself, so its name must be new on the endpoint. Made of the
    model version, the workflow run and its attempt, it also tells in any list of deployments where it came from.
    Two rollouts of one attempt to one endpoint get a counter.

    Args:
        model_version: any text that Azure takes as a version, such as ``3`` or ``2024.1``.
        run_id: number of the workflow run, may be empty.
        run_attempt: number of the attempt.
        taken: names in use on the endpoint; Azure does not tell upper from lower case.
        longest: characters that it may have.
    """
    version = re.sub(r"[^a-z0-9]+", "-", model_version.lower()).strip("-")[:8].rstrip("-")
    base = "-".join(part for part in (f"v{version}", run_id, run_attempt) if part)[: longest - 4].rstrip("-")
    used = {name.lower() for name in taken}
    candidate, number = base, 1
    while candidate.lower() in used or len(candidate) < 3:
        number += 1
        candidate = f"{base}-{number}"
    return candidate
