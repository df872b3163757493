"""The job summary: what a data scientist wants to read after a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aml_actions.markdown import code, details, escape, link, table
from aml_actions.polling import duration
from aml_actions.runner import Runner
from aml_actions.tracking import Logged
from aml_run.submission import Submitted

_MOST_ROWS = 100
"""Rows of one table; the outputs have everything."""


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
    state = (
        f"{status} after {duration(seconds)}" if seconds is not None else f"{status}; this step does not wait for it"
    )
    rows = [
        ("Status", escape(state)),
        ("Job", link(job.name, job.url)),
        ("Experiment", code(job.experiment)),
        ("Compute", code(job.compute) if job.compute else "chosen by each step of the pipeline"),
        ("Definition", code(job.definition)),
        ("Commit", link(runner.sha[:12], f"{runner.server_url}/{runner.repository}/commit/{runner.sha}")),
    ]
    return table(["", ""], rows)


def results(job: str, logged: Mapping[str, Logged], artifacts: Sequence[str]) -> str:
    """Return the tables of metrics and parameters and the list of files.

    Args:
        job: the job itself among those in `logged`.
        logged: what it and its child jobs logged.
        artifacts: paths of the files that it left.

    """
    sections = [_metrics(job, logged)]
    parameters = [(escape(name), escape(value)) for name, value in sorted(logged[job].params.items())]
    if parameters:
        sections.append("#### Parameters\n\n" + _table(["Parameter", "Value"], parameters))
    if artifacts:
        names = "\n".join(f"- {code(path)}" for path in _outputs_first(artifacts)[:_MOST_ROWS])
        rest = f"\n- and {len(artifacts) - _MOST_ROWS} more" if len(artifacts) > _MOST_ROWS else ""
        sections.append(details(f"Files of the job ({len(artifacts)})", names + rest))
    return "\n\n".join(sections)


def _metrics(job: str, logged: Mapping[str, Logged]) -> str:
    if len([name for name, one in logged.items() if one.metrics]) > 1:
        rows = [
            (escape(name), escape(key), escape(shown(value)))
            for name, one in logged.items()
            for key, value in sorted(one.metrics.items())
        ]
        return "#### Metrics\n\n" + _table(["Job", "Metric", "Value"], rows)
    of_one = next((one.metrics for one in logged.values() if one.metrics), {})
    if not of_one:
        return "The job logged no metrics."
    cells = [(escape(key), escape(shown(value))) for key, value in sorted(of_one.items())]
    return "#### Metrics\n\n" + _table(["Metric", "Value"], cells)


def shown(value: float | int | str) -> str:
    """Return a metric with up to six significant digits."""
    return value if isinstance(value, str) else f"{value:.6g}"


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rest = f"\nThe first {_MOST_ROWS} of {len(rows)}; the output `result` has all.\n" if len(rows) > _MOST_ROWS else ""
    return table(headers, rows[:_MOST_ROWS]) + rest


def _outputs_first(artifacts: Sequence[str]) -> list[str]:
    """Return the paths with those under ``outputs/`` first and logs last."""
    return sorted(artifacts, key=lambda path: (not path.startswith("outputs/"), "logs/" in path, path))
