"""The job summary: what a data scientist wants to read after a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from aml_actions.errors import ActionError
from aml_actions.markdown import code, details, escape, link, table
from aml_actions.polling import duration
from aml_actions.runner import Runner
from aml_run import plots, tables
from aml_run.learned import Learned
from aml_run.metrics import JobMetrics
from aml_run.outcome import Outcome
from aml_run.publish import Published
from aml_run.submission import Submitted
from aml_run.tables import cut
from aml_run.usage import Used

_MOST_ROWS = 100
"""Rows of one table; the outputs have everything."""


def of_one(outcome: Outcome, runner: Runner, *, brief: bool = False) -> str:
    """Return the section of a single job that completed, or that nobody waited for.

    Args:
        outcome: of the job.
        runner: the workflow run.
        brief: leave out what only the summary has room for: tags and files.
    """
    job = outcome.job
    parts = [heading(job, outcome.status), facts(job, runner, outcome.status, outcome.seconds, outcome.learned.used)]
    if outcome.published:
        parts.append(_published([outcome.published]))
    if outcome.logged:
        parts.append(results(job, outcome.logged, outcome.learned, () if brief else outcome.artifacts))
    if not brief and outcome.learned.tags:
        parts.append(_tags(outcome.learned.tags))
    return "\n".join(parts)


def of_failed(outcome: Outcome, runner: Runner) -> str:
    """Return the section of a single job that did not complete, in short: the job summary has its whole error."""
    job = outcome.job
    what = outcome.error.what if isinstance(outcome.error, ActionError) else f"Job {job.name} did not complete."
    return f"### ❌ aml-run: {escape(job.experiment)}\n\n**{escape(what)}**\n\n" + facts(
        job, runner, outcome.status, outcome.seconds, outcome.learned.used
    )


def of_several(outcomes: Sequence[Outcome], runner: Runner, *, brief: bool = False) -> str:
    """Return the section of several jobs: one table with all, then what they logged; a brief one leaves files out."""
    green = all(outcome.is_green for outcome in outcomes)
    rows = [
        (
            f"{'✅' if outcome.status == 'Completed' and outcome.is_green else '🚀' if outcome.is_green else '❌'} "
            f"{escape(_state(outcome.status, outcome.seconds))}",
            link(outcome.job.name, outcome.job.url),
            code(outcome.job.experiment),
            _compute(outcome.job),
            escape(dict(outcome.learned.used.rows()).get("Node-hours", "")),
            code(outcome.job.definition),
        )
        for outcome in outcomes
    ]
    sections = [
        f"### {'✅' if green else '❌'} aml-run: {len(outcomes)} jobs\n",
        table(["Status", "Job", "Experiment", "Compute", "Node-hours", "Definition"], rows),
        f"Commit {_commit(runner)}\n",
    ]
    if published := [outcome.published for outcome in outcomes if outcome.published]:
        sections.append(_published(published))
    logged = {name: one for outcome in outcomes for name, one in _own_first(outcome)}
    if logged:
        sections += [tables.of_all(logged), tables.parameters_of_all(logged)]
    sections += [
        tables.comparison(outcome.learned.comparison, outcome.job) for outcome in outcomes if outcome.learned.comparison
    ]
    series = [replace(one, job=one.job or outcome.job.name) for outcome in outcomes for one in outcome.learned.series]
    sections.append(plots.of(series))
    for outcome in outcomes:
        name = outcome.job.name
        named = replace(outcome.learned, names={**outcome.learned.names, name: name})
        sections += [tables.matrices(named), tables.pictures(named, outcome.job)]
    if not brief:
        sections += [
            _files(f"Files of {outcome.job.name}", outcome.artifacts) for outcome in outcomes if outcome.artifacts
        ]
    return "\n".join(section for section in sections if section)


def _own_first(outcome: Outcome) -> list[tuple[str, JobMetrics]]:
    """Return what a job and its child jobs logged; its own comes first, since long tables are cut."""
    return sorted(outcome.logged.items(), key=lambda one: one[0] != outcome.job.name)


def heading(job: Submitted, status: str) -> str:
    """Return the title of the section."""
    return f"### {'✅' if status == 'Completed' else '🚀'} aml-run: {escape(job.experiment)}\n"


def facts(job: Submitted, runner: Runner, status: str, seconds: float | None, used: Used | None = None) -> str:
    """Return state, link and origin of the job as a table.

    Args:
        job: the job.
        runner: the workflow run, for the commit.
        status: of the job.
        seconds: from submission to end; None when nobody waited.
        used: time and nodes that the job took, if that is known.
    """
    rows = [
        ("Status", escape(_state(status, seconds))),
        ("Job", link(job.name, job.url)),
        ("Experiment", code(job.experiment)),
        ("Type", escape(job.kind)),
        ("Compute", _compute(job)),
        *((name, escape(text)) for name, text in (used.rows() if used else ())),
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


def results(job: Submitted, logged: Mapping[str, JobMetrics], learned: Learned, artifacts: Sequence[str]) -> str:
    """Return what the job taught: comparison, metrics, curves, matrices, pictures, parameters, files.

    Args:
        job: the job itself among those in `logged`.
        logged: what it and its child jobs logged.
        learned: what is known beside that.
        artifacts: paths of the files that it left.

    """
    sections = [tables.comparison(learned.comparison, job)] if learned.comparison else []
    sections.append(tables.metrics(job.name, logged, learned))
    sections += [plots.of(learned.series), tables.matrices(learned), tables.pictures(learned, job)]
    sections.append(tables.parameters(job.name, logged, learned))
    if artifacts:
        sections.append(_files("Files of the job", artifacts))
    return "\n\n".join(section for section in sections if section)


def _tags(tags: Mapping[str, str]) -> str:
    rows = [(escape(name), escape(cut(value))) for name, value in sorted(tags.items())]
    return details(f"Tags ({len(rows)})", tables.bounded(["Tag", "Value"], rows))


def _files(title: str, artifacts: Sequence[str]) -> str:
    names = "\n".join(f"- {code(path)}" for path in _outputs_first(artifacts)[:_MOST_ROWS])
    rest = f"\n- and {len(artifacts) - _MOST_ROWS} more" if len(artifacts) > _MOST_ROWS else ""
    return details(f"{title} ({len(artifacts)})", names + rest)


def _outputs_first(artifacts: Sequence[str]) -> list[str]:
    """Return the paths with those under ``outputs/`` first and logs last."""
    return sorted(artifacts, key=lambda path: (not path.startswith("outputs/"), "logs/" in path, path))
