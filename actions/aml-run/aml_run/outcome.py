"""What became of one job of a step, and how the step hands it on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aml_actions.errors import ActionError, InvalidSettings
from aml_run import metrics
from aml_run.learned import Learned
from aml_run.metrics import JobMetrics
from aml_run.publish import Published
from aml_run.submission import Submitted

SUBMITTED = "Submitted"
"""Status of a job that nobody waits for."""


@dataclass
class Outcome:
    """A submitted job, filled in as the step goes on.

    Attributes:
        job: the job.
        status: its end state in the service's words; `SUBMITTED`, or ``Unknown`` for one that could not be followed to its end.
        seconds: from submission to end; None when nobody waited.
        message: of the service, why it failed.
        logged: what it and its child jobs logged.
        artifacts: paths of its files.
        learned: curves, comparison, times and the rest that a completed job taught.
        folder: where they were downloaded to.
        published: the published pipeline.
        error: what turns the step red.

    """

    job: Submitted
    status: str = SUBMITTED
    seconds: float | None = None
    message: str = ""
    logged: Mapping[str, JobMetrics] = field(default_factory=dict)
    artifacts: Sequence[str] = ()
    learned: Learned = field(default_factory=Learned)
    folder: Path | None = None
    published: Published | None = None
    error: Exception | None = None

    @property
    def is_green(self) -> bool:
        """Nothing went wrong, as far as somebody waited for it."""
        return self.error is None and self.status in ("Completed", SUBMITTED)

    def result(self) -> dict[str, Any]:
        """Return everything as one JSON object."""
        return {
            "run_id": self.job.name,
            "experiment_name": self.job.experiment,
            "status": self.status,
            "run_url": self.job.url,
            "type": self.job.kind,
            "compute": self.job.compute,
            "definition": self.job.definition,
            "duration_seconds": None if self.seconds is None else round(self.seconds, 1),
            "metrics": metrics.by_job(self.logged),
            "params": {name: dict(one.params) for name, one in self.logged.items() if one.params},
            "tags": dict(self.learned.tags),
            "usage": self.learned.used.as_json(),
            "comparison": self.learned.comparison.as_json() if self.learned.comparison else None,
            "best_child": self.learned.best or None,
            "artifacts": list(self.artifacts),
            "artifact_path": str(self.folder) if self.folder else None,
            "published_pipeline": self.published.as_json() if self.published else None,
            "error": self.message or (str(self.error) if self.error else None),
        }


class RunsFailed(InvalidSettings):
    """Some of the jobs of a step were not submitted or did not complete; each is told with all that is known."""

    def __init__(self, problems: Sequence[ActionError], jobs: int) -> None:
        """Describe `problems` of so many `jobs`."""
        super().__init__(problems)
        if len(problems) > 1:
            self.what = f"{len(problems)} of {jobs} jobs did not complete."
            self.args = (self.what,)
