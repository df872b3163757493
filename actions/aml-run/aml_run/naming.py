"""The names of the experiment and of the job."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Sequence

from aml_actions.runner import Runner

PATTERN = r"^[a-zA-Z0-9][A-Za-z0-9_-]{0,254}$"
"""What the service takes as the name of an experiment."""
_LONGEST_DEFAULT = 36
"""Characters; the legacy action cut to this length."""


def default_experiment(runner: Runner) -> str:
    """Return ``<repository>-<branch>`` as a valid name: other characters become ``-``, and it is cut to 36 characters."""
    name = re.sub(r"[^A-Za-z0-9_-]", "-", f"{runner.repository_name}-{runner.branch}")
    return name.lstrip("-_")[:_LONGEST_DEFAULT] or "experiment"


_LONGEST_REPOSITORY = 24
"""Characters of the repository's name in the name of a job, which is for people; the hash after it tells jobs apart."""


def job_stem(runner: Runner, place: Sequence[str]) -> str:
    """Return what the names of a job have in common in every attempt of the same workflow run.

    A valid beginning of a job's name (letters, digits, ``_`` and ``-``), at most 60 characters, such as
    ``credit-risk-4711-3f2a9c01be``. Equal for the same repository, workflow run, job of the workflow, leg of its matrix, step and
    `place`; empty where the workflow run has no number.

    Args:
        runner: the workflow run.
        place: what tells the job from others of the same step.

    """
    if not runner.run_id:
        return ""
    parts = [runner.repository, runner.run_id, runner.job, runner.leg, runner.step, *place]
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:10]
    run = re.sub(r"[^A-Za-z0-9]", "", runner.run_id)[:20]
    return f"{_readable(runner)}-{run}-{digest}"


def random_job_name(runner: Runner, stem: str = "") -> str:
    """Return a name that no other job has; it begins with `stem`, or with the name of the repository."""
    return f"{stem or _readable(runner)}-{secrets.token_hex(4)}"


def _readable(runner: Runner) -> str:
    name = re.sub(r"[^A-Za-z0-9]+", "-", runner.repository_name).strip("-")[:_LONGEST_REPOSITORY].rstrip("-")
    return name.lower() or "job"
