"""The job summary of a registration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aml_actions.markdown import code, escape, link, table
from aml_registermodel.gate import Comparison
from aml_registermodel.registration import Wanted


def section(
    wanted: Wanted,
    version: str,
    *,
    is_new: bool,
    url: str,
    size: str,
    job_link: str,
    metrics: Mapping[str, float | int | str],
    comparisons: Sequence[Comparison],
) -> str:
    """Return the section: which model, from where, how good.

    Args:
        wanted: the version.
        version: its number.
        is_new: this step made it.
        url: its page in Studio.
        size: of the file or folder, for people.
        job_link: Markdown link to the job; empty in local mode.
        metrics: of that job.
        comparisons: with the version before; empty if nothing was compared.
    """
    title = f"{wanted.name}:{version}"
    rows = [
        ("Model", link(title, url)),
        ("Version", f"{code(version)} - " + ("new" if is_new else "was registered before; nothing was uploaded")),
        ("From", job_link or "the repository"),
        ("Path", f"{code(wanted.source.shown)} ({escape(size)})" if size else code(wanted.source.shown)),
        ("Type", code(wanted.type)),
    ]
    parts = [f"### ✅ aml-registermodel: {escape(title)}\n\n" + table(["", ""], rows)]
    if comparisons:
        compared = [
            (
                escape(one.metric),
                f"{one.new:.6g}",
                f"{one.previous:.6g}",
                "higher" if one.direction == "max" else "lower",
            )
            for one in comparisons
        ]
        parts.append("#### Against the version before\n\n" + table(["Metric", "New", "Before", "Better is"], compared))
    if metrics:
        shown = [
            (escape(name), escape(value if isinstance(value, str) else f"{value:.6g}"))
            for name, value in sorted(metrics.items())
        ]
        parts.append("#### Metrics of the job\n\n" + table(["Metric", "Value"], shown))
    return "\n\n".join(parts)
