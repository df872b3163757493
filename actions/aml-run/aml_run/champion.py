"""The job's metrics beside those of the champion: the registered model that is in use, or another job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aml_actions import documents
from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.registered_models import job_behind, version_of
from aml_actions.run_history import RunHistory
from aml_actions.settings import FOLDER, SUFFIXES
from aml_actions.tracking import Tracking

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

_MODEL_FILE = "registermodel"
"""Name of the parameters file of aml-registermodel, without its suffix."""
_MOST_CHILDREN = 20
"""Child jobs of the champion that are asked for their metrics."""
BEST_CHILD = ("best_child_run_id", "automl_best_child_run_id")
"""Properties in which a sweep and AutoML name their best trial."""

Metrics = Mapping[str, Any]


@dataclass(frozen=True)
class Rules:
    """What the parameters file of aml-registermodel says about models.

    Attributes:
        model: name of the model; empty if the file names none.
        directions: metric, and ``max`` or ``min``: what is better.
    """

    model: str = ""
    directions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One metric of both jobs.

    Attributes:
        metric: its name.
        new: value of the job.
        old: value of the champion.
        direction: ``max`` or ``min``, what is better; empty if nobody has said.
    """

    metric: str
    new: float | None
    old: float | None
    direction: str = ""

    @property
    def difference(self) -> float | None:
        """New minus old."""
        return None if self.new is None or self.old is None else self.new - self.old

    @property
    def better(self) -> bool | None:
        """Whether the job is better than the champion; None if they are equal, or nobody has said what is better."""
        if not self.difference or not self.direction:
            return None
        return (self.difference > 0) == (self.direction == "max")


@dataclass(frozen=True)
class Comparison:
    """The job beside the champion.

    Attributes:
        champion: ``name:version`` of a model, or the name of a job.
        page: path of its page in Studio.
        job: that the champion's metrics are of.
        ours: job that the new metrics are of: the job itself, its best trial, or a step of it.
        rows: those with a direction first.
        problem: why there is nothing to compare; the rows are then empty.
        asked: `compare_with` names the champion.
    """

    champion: str
    page: str = ""
    job: str = ""
    ours: str = ""
    rows: Sequence[Row] = ()
    problem: str = ""
    asked: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "champion": self.champion,
            "job": self.job or None,
            "compared_job": self.ours or None,
            "metrics": {
                row.metric: {
                    "value": row.new,
                    "champion": row.old,
                    "difference": row.difference,
                    "direction": row.direction or None,
                    "better": row.better,
                }
                for row in self.rows
            },
            "problem": self.problem or None,
        }


def rules(workspace: Path, say: Callable[[str], None]) -> Rules:
    """Return what ``.cloud/.azure/registermodel.json`` of the repository says; nothing if it is not there or cannot be read."""
    file = next((one for suffix in SUFFIXES if (one := workspace / FOLDER / f"{_MODEL_FILE}{suffix}").is_file()), None)
    if file is None:
        return Rules()
    try:
        data = documents.read(file, file.name, Findings()).data
    except ActionError as error:
        say(f"{file.name} could not be read for the comparison with the champion: {error.what}")
        return Rules()
    if not isinstance(data, dict):
        return Rules()
    directions = {
        name: direction
        for direction, key in (("max", "metrics_max"), ("min", "metrics_min"))
        for name in _texts(data.get(key))
    }
    model = data.get("model_name")
    return Rules(model.strip() if isinstance(model, str) else "", directions)


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


@dataclass(frozen=True)
class Asked:
    """Whom to ask about the champion."""

    client: MLClient
    history: RunHistory
    tracking: Tracking


def compare(asked: Asked, compare_with: str | None, known: Rules, logged: Mapping[str, Metrics]) -> Comparison | None:
    """Compare a completed job with its champion.

    Args:
        asked: the services of the workspace.
        compare_with: value of the key of the parameters file; None if it is not there.
        known: what registermodel.json says.
        logged: metrics of the jobs that may be compared: the job itself first, then its best trial or its steps.

    Returns:
        None if nothing is to be compared.

    Raises:
        azure.core.exceptions.AzureError: the services cannot be asked.

    """
    name = (known.model if compare_with is None else compare_with).strip()
    if not name:
        return None
    is_asked = compare_with is not None
    champion, page, behind = _find(asked, name, only_models=not is_asked)
    if not champion:
        what = "registered model or job" if is_asked else "registered model"
        return Comparison(name, problem=f"There is no {what} {name} yet to compare with.", asked=is_asked)
    if not behind:
        problem = f"{champion} did not come from a job; there are no metrics to compare with."
        return Comparison(champion, page, problem=problem, asked=is_asked)
    if behind in logged:
        return Comparison(champion, page, behind, problem=f"{champion} came from this very job.", asked=is_asked)
    old = _numbers_of(asked, behind)
    if not any(old.values()):
        problem = f"Job {behind}, from which {champion} came, logged no metrics to compare with."
        return Comparison(champion, page, behind, problem=problem, asked=is_asked)
    new = {one: numbers(metrics) for one, metrics in logged.items()}
    # The first pair of those with most metrics in common: a step of a pipeline meets the same step of the champion.
    ours, theirs = max(((a, b) for a in new for b in old), key=lambda pair: len(new[pair[0]].keys() & old[pair[1]]))
    return Comparison(champion, page, theirs, ours, _rows(new[ours], old[theirs], known.directions), asked=is_asked)


def numbers(metrics: Metrics) -> dict[str, float]:
    """Return the metrics that can be compared: finite numbers."""
    return {
        name: float(value)
        for name, value in metrics.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }


def _find(asked: Asked, name: str, *, only_models: bool) -> tuple[str, str, str]:
    """Return name, page in Studio and job of a champion; empty texts if there is none."""
    from azure.core.exceptions import HttpResponseError

    model, _, version = name.partition(":")
    found = version_of(asked.client, model, version)
    if found is not None:
        champion = f"{found.name}:{found.version}"
        return champion, f"model/{quote(champion, safe=':')}/details", job_behind(found)
    if only_models or version:
        return "", "", ""
    try:
        asked.history.details(name)
    except HttpResponseError as error:
        if error.status_code == 404:
            return "", "", ""
        raise
    return name, f"runs/{quote(name, safe='')}", name


def _numbers_of(asked: Asked, job: str) -> dict[str, dict[str, float]]:
    """Return the metrics of the champion's job, or where it has none, of its best trial or its child jobs."""
    own = numbers(asked.tracking.logged(job).metrics)
    if own:
        return {job: own}
    properties = asked.history.run(job).properties
    best = next((properties[key] for key in BEST_CHILD if properties.get(key)), "")
    children = [best] if best else [child.name for child in asked.history.children(job)[:_MOST_CHILDREN]]
    return {child: numbers(asked.tracking.logged(child).metrics) for child in children}


def _rows(new: Mapping[str, float], old: Mapping[str, float], directions: Mapping[str, str]) -> list[Row]:
    shared = [name for name in sorted(new) if name in old]
    others = [name for name in sorted({*new, *old}) if name not in shared]
    names = sorted([*shared, *others], key=lambda name: (name not in directions, name not in shared))
    return [Row(name, new.get(name), old.get(name), directions.get(name, "")) for name in names]
