"""Tags with which jobs and models lead back to their commit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aml_actions.runner import Runner


def github_tags(runner: Runner) -> dict[str, str]:
    """Return the four tags of the legacy aml-run. They win over tags of the same name from a parameters file, as there."""
    return {
        "GITHUB_ACTOR": runner.actor,
        "GITHUB_REPOSITORY": runner.repository,
        "GITHUB_SHA": runner.sha,
        "GITHUB_REF": runner.ref,
    }


def as_texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Return tags or properties of a JSON file as the service takes them: every value a text, booleans as JSON spells them."""
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in values.items()}
