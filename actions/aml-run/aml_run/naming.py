"""The name of the experiment."""

from __future__ import annotations

import re

from aml_actions.runner import Runner

PATTERN = r"^[a-zA-Z0-9][A-Za-z0-9_-]{0,254}$"
"""What the service takes as the name of an experiment."""
_LONGEST_DEFAULT = 36
"""Characters; the legacy action cut to this length."""


def default_experiment(runner: Runner) -> str:
    """Return ``<repository>-<branch>`` as a valid name: other characters become ``-``, and it is cut to 36 characters."""
    name = re.sub(r"[^A-Za-z0-9_-]", "-", f"{runner.repository_name}-{runner.branch}")
    return name.lstrip("-_")[:_LONGEST_DEFAULT] or "experiment"
