"""The job summary: what a data scientist wants to read after a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aml_actions.markdown import code, details, escape, link, table
from aml_actions.polling import duration
from aml_actions.runner import Runner
from aml_run.metrics import JobMetrics
from aml_run.outcome import Outcome
from aml_run.publish import Published
from aml_run.submission import Submitted

_MOST_ROWS = 100
"""Rows of one table; the outputs have everything."""


def of_one(outcome: Outcome, runner: Runner) -> str:
    """Return the section of a single job that completed, or that nobody waited for."""
    parts = [heading(outcome.job, outcome.status), facts(outcome.job, runner, outcome.status, outcome.seconds)]
    if outcome.published:
        parts.append(_published([outcome.published]))
    if outcome.logged:
        parts.append(results(outcome.job.name, outcome.logged, outcome.artifacts))
    return "\n".join(parts)


def of_several(outcomes: Sequence[Outcome], runner: Runner) -> str:
    """Return the section of several jobs: one table with all, then what they logged."""
    green = all(outcome.is_green for outcome in outcomes)
    rows = [
        (
            f"{'✅' if outcome.status == 'Completed' and outcome.is_green else '🚀' if outcome.is_green else '❌'} "
            f"{escape(_state(outcome.status, outcome.seconds))}",
            link(outcome.job.name, outcome.job.url),
            code(outcome.job.experiment),
            _compute(outcome.job),
            code(outcome.job.definition),
        )
        for outcome in outcomes
    ]
    sections = [
        f"### {'✅' if green else '❌'} aml-run: {len(outcomes)} jobs\n",
        table(["Status", "Job", "Experiment", "Compute", "Definition"], rows),
        f"Commit {_commit(runner)}\n",
    ]
    if published := [outcome.published for outcome in outcomes if outcome.published]:
        sections.append(_published(published))
    logged = {name: one for outcome in outcomes for name, one in outcome.logged.items()}
    if logged:
        sections.append(_metrics(logged))
    parameters = [
        (escape(name), escape(key), escape(value))
        for name, one in logged.items()
        for key, value in sorted(one.params.items())
    ]
    if parameters:
        sections.append("#### Parameters\n\n" + _table(["Job", "Parameter", "Value"], parameters))
    sections += [_files(f"Files of {outcome.job.name}", outcome.artifacts) for outcome in outcomes if outcome.artifacts]
    return "\n".join(sections)


def heading(job: Submitted, status: str) -> str:
    """Return the title of the section."""
    return f"### {'✅' if status == 'Completed' else '🚀'} aml-run: {escape(job.experiment)}\n"


def facts(job: Submitted, runner: Runner, status: str, seconds: float | None) -> str:
    """Return state, link and origin of the job as a table.

    Args:
        job: the job.
        runner: the workflow run, for the commit.
        status: of the job.
        seconds: from submission to end; None when nobody waited.
    """
    rows = [
        ("Status", escape(_state(status, seconds))),
        ("Job", link(job.name, job.url)),
        ("Experiment", code(job.experiment)),
        ("Type", escape(job.kind)),
        ("Compute", _compute(job)),
        ("Definition", code(job.definition)),
        ("Commit", _commit(runner)),
    ]
    return table(["", ""], rows)


def _state(status: str, seconds: float | None) -> str:
    return f"{status} after {duration(seconds)}" if seconds is not None else f"{status}; this step does not wait for it"


def _compute(job: Submitted) -> str:
    if job.compute:
        return code(job.compute)
    return "chosen by each step of the pipeline" if job.kind == "pipeline" else "serverless"


def _commit(runner: Runner) -> str:
    return link(runner.sha[:12], f"{runner.server_url}/{runner.repository}/commit/{runner.sha}")


def _published(pipelines: Sequence[Published]) -> str:
    rows = [(code(one.name), escape(one.version), escape(one.status), code(one.endpoint)) for one in pipelines]
    return "#### Published pipeline\n\n" + table(["Endpoint", "Version", "Status", "Address"], rows)


def results(job: str, logged: Mapping[str, JobMetrics], artifacts: Sequence[str]) -> str:
    """Return the tables of metrics and parameters and the list of files.

    Args:
        job: the job itself among those in `logged`.
        logged: what it and its child jobs logged.
        artifacts: paths of the files that it left.

    """
    sections = [_metrics(logged)]
    parameters = [(escape(name), escape(value)) for name, value in sorted(logged[job].params.items())]
    if parameters:
        sections.append("#### Parameters\n\n" + _table(["Parameter", "Value"], parameters))
    if artifacts:
        sections.append(_files("Files of the job", artifacts))
    return "\n\n".join(sections)


def _files(title: str, artifacts: Sequence[str]) -> str:
    names = "\n".join(f"- {code(path)}" for path in _outputs_first(artifacts)[:_MOST_ROWS])
    rest = f"\n- and {len(artifacts) - _MOST_ROWS} more" if len(artifacts) > _MOST_ROWS else ""
    return details(f"{title} ({len(artifacts)})", names + rest)


def _metrics(logged: Mapping[str, JobMetrics]) -> str:
    if len([name for name, one in logged.items() if one.metrics]) > 1:
        rows = [
            (escape(name), escape(key), escape(shown(value)))
            for name, one in logged.items()
            for key, value in sorted(one.metrics.items())
        ]
        return "#### Metrics\n\n" + _table(["Job", "Metric", "Value"], rows)
    of_one: Mapping[str, Any] = next((one.metrics for one in logged.values() if one.metrics), {})
    if not of_one:
        return "The job logged no metrics."
    cells = [(escape(key), escape(shown(value))) for key, value in sorted(of_one.items())]
    return "#### Metrics\n\n" + _table(["Metric", "Value"], cells)


def shown(value: Any) -> str:  # noqa: ANN401 - any JSON: SDK v1 logs texts, lists and tables too
    """Return a metric; a number with up to six significant digits."""
    return f"{value:.6g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rest = f"\nThe first {_MOST_ROWS} of {len(rows)}; the output `result` has all.\n" if len(rows) > _MOST_ROWS else ""
    return table(headers, rows[:_MOST_ROWS]) + rest


def _outputs_first(artifacts: Sequence[str]) -> list[str]:
    """Return the paths with those under ``outputs/`` first and logs last."""
    return sorted(artifacts, key=lambda path: (not path.startswith("outputs/"), "logs/" in path, path))
