"""What a completed job taught, beside its metrics: curves, matrices, pictures, what it took, how it compares with the champion.

None of it can turn a step red: where a service does not answer, the log says so and the part is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from aml_actions.data_plane import DataPlane
from aml_actions.run_history import ChildRun, Run
from aml_actions.tracking import Point
from aml_run import champion
from aml_run.champion import BEST_CHILD, Comparison
from aml_run.confusion import MOST_BYTES, Matrix, candidates, is_picture, parse
from aml_run.plots import MOST_PLOTS, Series
from aml_run.signed_blobs import Unreadable, stream
from aml_run.usage import Used, used

if TYPE_CHECKING:
    from aml_actions.step import Step
    from aml_run.metrics import JobMetrics
    from aml_run.parameters import RunParameters
    from aml_run.submission import Submitted

T = TypeVar("T")

_MOST_LOOKED_AT = 5
"""Steps of a pipeline whose curves and matrices are looked for."""
_MOST_HISTORIES = 12
"""Metrics whose history is read for the curves."""
_MOST_MATRICES = 4
_MOST_FILES = 8
"""Files that are read because they may be a matrix."""


@dataclass(frozen=True)
class Picture:
    """A picture that a job left; Studio shows it on the page of the job."""

    job: str
    path: str


@dataclass(frozen=True)
class Learned:
    """What a completed job taught.

    Attributes:
        used: time and nodes.
        tags: of the job, as they are at its end.
        best: name of the best trial of a sweep or of AutoML.
        names: of the child jobs, for people.
        series: curves.
        matrices: confusion matrices.
        pictures: that Studio shows.
        comparison: with the champion.
    """

    used: Used = field(default_factory=Used)
    tags: Mapping[str, str] = field(default_factory=dict)
    best: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    series: Sequence[Series] = ()
    matrices: Sequence[Matrix] = ()
    pictures: Sequence[Picture] = ()
    comparison: Comparison | None = None


def learn(
    step: Step[RunParameters],
    plane: DataPlane,
    compare_with: str | None,
    job: Submitted,
    children: Sequence[ChildRun],
    logged: Mapping[str, JobMetrics],
    artifacts: Sequence[str],
) -> Learned:
    """Ask for everything about a completed job.

    Args:
        step: of the workflow.
        plane: of its workspace.
        compare_with: the key of the parameters file.
        job: that completed.
        children: all jobs below it.
        logged: what they logged.
        artifacts: paths of the files of the job itself.

    """
    say = step.workflow.info
    run = _asked(say, "times and tags", Run(job.name), plane.history.run, job.name)
    noted = {**run.tags, **run.properties}
    best = next((noted[key] for key in BEST_CHILD if noted.get(key) in logged), "")
    names = {child.name: child.display_name or child.name for child in children}
    jobs = [job.name, *([best] if best else list(reversed(list(logged)))[1 : _MOST_LOOKED_AT + 1])]
    files = {job.name: list(artifacts)}
    for name in jobs[1:]:
        files[name] = _asked(say, f"files of {name}", [], plane.history.artifacts, job.experiment, name)
    known = champion.rules(step.runner.workspace, say)
    services = champion.Asked(step.ml_client(), plane.history, plane.tracking)
    metrics = {name: logged[name].metrics for name in jobs}
    comparison = _asked(say, "the champion", None, champion.compare, services, compare_with, known, metrics)
    if comparison and comparison.problem and comparison.asked:
        step.workflow.warning(f"compare_with: {comparison.problem}", title="aml-run")
    return Learned(
        used=used(run.usage, children),
        tags=run.tags,
        best=best,
        names=names,
        series=_series(plane, jobs, names, logged, say),
        matrices=_matrices(plane, job.experiment, jobs, files, logged, say),
        pictures=[Picture(name, path) for name in jobs for path in files[name] if is_picture(path)],
        comparison=comparison,
    )


def _asked(say: Callable[[str], None], what: str, otherwise: T, ask: Callable[..., T], *arguments: object) -> T:
    """Return what `ask` answers, or `otherwise` where the service does not, and say so."""
    from azure.core.exceptions import AzureError

    try:
        return ask(*arguments)
    except AzureError as error:
        say(f"What the summary says lacks {what}: {type(error).__name__}.")
        return otherwise


def _series(
    plane: DataPlane,
    jobs: Sequence[str],
    names: Mapping[str, str],
    logged: Mapping[str, JobMetrics],
    say: Callable[[str], None],
) -> list[Series]:
    """Return the histories of metrics that have one: those with steps first, those of the job itself before its children's."""
    wanted = [
        (name, metric)
        for has_steps in (True, False)
        for name in jobs
        for metric, step in logged[name].steps.items()
        if bool(step) is has_steps
    ]
    found: list[Series] = []
    for name, metric in wanted[:_MOST_HISTORIES]:
        points: list[Point] = _asked(say, f"the curve of {metric}", [], plane.tracking.history, name, metric)
        if len(points) > 1:
            found.append(Series(metric, names.get(name, ""), points))
        if len(found) == MOST_PLOTS:
            break
    return found


def _matrices(
    plane: DataPlane,
    experiment: str,
    jobs: Sequence[str],
    files: Mapping[str, Sequence[str]],
    logged: Mapping[str, JobMetrics],
    say: Callable[[str], None],
) -> list[Matrix]:
    found: list[Matrix] = []
    places = [(job, *one) for job in jobs for one in candidates(job, files[job], logged[job].metrics)]
    for job, name, path in places[:_MOST_FILES]:
        url = _asked(say, f"file {path}", "", plane.history.artifact_url, experiment, job, path)
        matrix = parse(name, job, _content(url)) if url else None
        if matrix is not None:
            found.append(matrix)
        if len(found) == _MOST_MATRICES:
            break
    return found


def _content(url: str) -> bytes:
    """Return a small file; nothing for one that is too large or cannot be read."""
    content = b""
    try:
        for piece in stream(url, 0):
            content += piece
            if len(content) > MOST_BYTES:
                return b""
    except Unreadable:
        return b""
    return content
