"""The known failures of jobs and submissions, and the one that a text shows.

Left out are those of which only memory tells (an image that is larger than the disk, a pull limit of Docker Hub, a closed storage
firewall, nodes that are unusable): a wrong advice costs more than none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aml_actions.errors import ActionError
from aml_run import known_build, known_compute, known_data, known_script, known_submission
from aml_run.known import Known, Where

SECTIONS = (
    ("Refused submissions", known_submission.TABLE),
    ("Compute and images", known_compute.TABLE),
    ("Data access", known_data.TABLE),
    ("Image build", known_build.TABLE),
    ("Exceptions and exit codes", known_script.TABLE),
)
"""Title and entries of each part of the page."""

_ORDER = (
    *known_data.TABLE,
    *known_compute.TABLE,
    *known_build.TABLE,
    *known_submission.TABLE,
    *known_script.TEXTS,
)
"""The special ones first."""
TABLE = (*_ORDER, *known_script.EXIT_CODES.values())
_EXACT = ("provider-not-registered", "compute-failed", "private-network", "lock", "policy", "throttled", "sign-in")
"""Sections of refusals whose advice is made from the answer itself, and knows more than the table."""


def find(text: str, *where: Where) -> Known | None:
    """Return the known failure that a text shows.

    Args:
        text: of an error or a log.
        where: what the text is; of anything, when it is not said.
    """
    wanted = set(where or Where)
    return next((one for one in _ORDER if wanted & set(one.where) and one.compiled.search(text)), None)


@contextmanager
def explained() -> Iterator[None]:
    """Give a refusal in the block its known cause and fix, where it has none that is as exact."""
    try:
        yield
    except ActionError as error:
        text = "\n".join(part for part in (error.what, error.value, error.details) if part)
        known = find(text, Where.SUBMISSION)
        if known is not None and not _is_exact(error):
            error.cause, error.fix, error.anchor = known.cause, known.fix, known.anchor
        raise


def _is_exact(error: ActionError) -> bool:
    section = (error.anchor or "").rpartition("#")[2]
    return section in _EXACT or (section == "azure-roles" and (error.fix or "").startswith("`az "))
