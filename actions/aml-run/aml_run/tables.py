"""What jobs logged, as tables of the summary and of the comment. Every text comes from elsewhere and stays text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from aml_actions.markdown import code, details, escape, link, table
from aml_run.champion import Comparison, Row
from aml_run.confusion import MOST_CLASSES, Matrix
from aml_run.learned import Learned
from aml_run.metrics import JobMetrics
from aml_run.submission import Submitted

MOST_ROWS = 100
"""Rows of one table; the outputs have everything."""
_MOST_COLUMNS = 8
"""Metrics of child jobs that stand beside each other."""
_MOST_PICTURES = 30
_LONGEST = 200
"""Characters of one cell."""
_UNKNOWN = "–"


def shown(value: Any) -> str:  # noqa: ANN401 - any JSON: SDK v1 logs texts, lists and tables too
    """Return a metric; a number with up to six significant digits."""
    return f"{value:.6g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def cut(text: str) -> str:
    """Return a text that fits into one cell."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def bounded(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table that is cut visibly when it is long."""
    rest = f"\nThe first {MOST_ROWS} of {len(rows)}; the output `result` has all.\n" if len(rows) > MOST_ROWS else ""
    return table(headers, rows[:MOST_ROWS]) + rest


def comparison(found: Comparison, job: Submitted) -> str:
    """Return the job's metrics beside the champion's, or why there is nothing to compare."""
    champion = link(found.champion, _page(job, found.page)) if found.page else code(found.champion)
    title = f"#### Compared with {champion}\n\n"
    if found.problem:
        return title + f"{escape(found.problem)}\n"
    rows = [
        (escape(cut(row.metric)), _value(row.new), _value(row.old), _difference(row), _verdict(row))
        for row in found.rows
    ]
    judged = any(row.direction for row in found.rows)
    width = 5 if judged else 4
    headers = ["Metric", "This job", "Champion", "Difference", "Verdict"][:width]
    which = [f"the champion's metrics are those of job {code(found.job)}"] if found.job != found.champion else []
    if found.ours != job.name:
        which.append(f"this job's are those of {code(found.ours)}")
    note = "; ".join(which)
    return (
        title + bounded(headers, [row[:width] for row in rows]) + (f"\n{note[0].upper()}{note[1:]}.\n" if note else "")
    )


def metrics(job: str, logged: Mapping[str, JobMetrics], learned: Learned) -> str:
    """Return the metrics of the job itself, then those of its child jobs: one row a job, one column a metric."""
    own = logged[job].metrics if job in logged else {}
    children = {name: one for name, one in logged.items() if name != job and one.metrics}
    if not own and not children:
        return "The job logged no metrics."
    parts = []
    if own:
        cells = [(escape(cut(key)), escape(cut(shown(value)))) for key, value in sorted(own.items())]
        parts.append("#### Metrics\n\n" + bounded(["Metric", "Value"], cells))
    if children:
        parts.append("#### Metrics of child jobs\n\n" + _of_children(children, learned))
    return "\n".join(parts)


def _of_children(children: Mapping[str, JobMetrics], learned: Learned) -> str:
    counts = Counter(key for one in children.values() for key in one.metrics)
    # The metrics that most jobs have; in the order of their names, so that the columns are the same in the next run.
    columns = sorted(sorted(counts, key=lambda key: (-counts[key], key))[:_MOST_COLUMNS])
    names = sorted(children, key=lambda name: name != learned.best)
    rows = [
        (
            f"{'🏆 ' if name == learned.best else ''}{escape(cut(learned.names.get(name) or name))}",
            *(escape(cut(shown(one.metrics[key]))) if key in one.metrics else _UNKNOWN for key in columns),
        )
        for name, one in ((name, children[name]) for name in names)
    ]
    rest = len(counts) - len(columns)
    note = f"\n{rest} more metrics are in the output `run_metrics`.\n" if rest > 0 else ""
    return bounded(["Job", *(escape(cut(key)) for key in columns)], rows) + note


def of_all(logged: Mapping[str, JobMetrics]) -> str:
    """Return the metrics of several jobs in one table."""
    rows = [
        (escape(name), escape(cut(key)), escape(cut(shown(value))))
        for name, one in logged.items()
        for key, value in sorted(one.metrics.items())
    ]
    return "#### Metrics\n\n" + bounded(["Job", "Metric", "Value"], rows) if rows else "The jobs logged no metrics."


def parameters(job: str, logged: Mapping[str, JobMetrics], learned: Learned) -> str:
    """Return the parameters of the job itself, then those of its child jobs, folded."""
    own = logged[job].params if job in logged else {}
    rows = [(escape(cut(name)), escape(cut(value))) for name, value in sorted(own.items())]
    parts = ["#### Parameters\n\n" + bounded(["Parameter", "Value"], rows)] if rows else []
    of_children = [
        (escape(cut(learned.names.get(name) or name)), escape(cut(key)), escape(cut(value)))
        for name, one in sorted(logged.items(), key=lambda one: one[0] != learned.best)
        if name != job
        for key, value in sorted(one.params.items())
    ]
    if of_children:
        parts.append(details("Parameters of child jobs", bounded(["Job", "Parameter", "Value"], of_children)))
    return "\n".join(parts)


def parameters_of_all(logged: Mapping[str, JobMetrics]) -> str:
    """Return the parameters of several jobs in one table; empty when they have none."""
    rows = [
        (escape(name), escape(cut(key)), escape(cut(value)))
        for name, one in logged.items()
        for key, value in sorted(one.params.items())
    ]
    return "#### Parameters\n\n" + bounded(["Job", "Parameter", "Value"], rows) if rows else ""


def matrices(learned: Learned) -> str:
    """Return the confusion matrices as tables: a row for each true class, a column for each predicted one."""
    return "\n".join(_matrix(one, learned.names.get(one.job, "")) for one in learned.matrices)


def _matrix(matrix: Matrix, job: str) -> str:
    title = f"#### Confusion matrix {code(cut(matrix.name))}{f' of {escape(cut(job))}' if job else ''}\n\n"
    if len(matrix.labels) > MOST_CLASSES:
        return title + f"It has {len(matrix.labels)} classes; Studio shows it.\n"
    labels = [escape(cut(label)) for label in matrix.labels]
    rows = [
        (f"**{label}**" if label.strip() else "", *map(shown, numbers))
        for label, numbers in zip(labels, matrix.rows, strict=True)
    ]
    return title + table(["True \\ predicted", *labels], rows)


def pictures(learned: Learned, job: Submitted) -> str:
    """Return the pictures as links to the pages of their jobs in Studio, which shows them."""
    found = learned.pictures
    if not found:
        return ""
    links = [
        link(cut(one.path), job.url if one.job == job.name else _page(job, f"runs/{quote(one.job, safe='')}"))
        for one in found
    ]
    rest = f" and {len(links) - _MOST_PICTURES} more" if len(links) > _MOST_PICTURES else ""
    return f"#### Images in Studio\n\n{' · '.join(links[:_MOST_PICTURES])}{rest}\n"


def _page(job: Submitted, path: str) -> str:
    """Return the address of another page of the Studio that shows the job."""
    before, found, _ = job.url.partition("/runs/")
    _, query, workspace = job.url.partition("?")
    return f"{before}/{path}{query}{workspace}" if found else job.url


def _value(value: float | None) -> str:
    return _UNKNOWN if value is None else shown(value)


def _difference(row: Row) -> str:
    if row.difference is None:
        return _UNKNOWN
    return f"{row.difference:+.6g}" if row.difference else "0"


def _verdict(row: Row) -> str:
    if not row.direction or row.difference is None:
        return ""
    if row.better is None:
        return "equal"
    return "✅ better" if row.better else "❌ worse"
