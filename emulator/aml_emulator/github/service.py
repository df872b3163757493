"""The emulator's GitHub: the repositories it hosts, who may ask for them, and the runs of their workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aml_emulator.github.credentials import Credentials
from aml_emulator.github.faults import Faults
from aml_emulator.github.id_tokens import IdTokens
from aml_emulator.github.pull_requests import PullRequests
from aml_emulator.github.rate_limits import RateLimits
from aml_emulator.github.repositories import Repositories
from aml_emulator.github.runs.service import WorkflowRuns

if TYPE_CHECKING:
    from aml_emulator.context import Emulator


class GitHub:
    """Everything that lies below `/github`."""

    def __init__(self, emulator: Emulator) -> None:
        """Nothing runs yet."""
        self.repositories = Repositories(emulator.database)
        self.pull_requests = PullRequests(emulator.database)
        self.credentials = Credentials(emulator.database)
        self.faults = Faults()
        self.limits = RateLimits()
        self.id_tokens = IdTokens(emulator)
        self.runs = WorkflowRuns(emulator)

    @property
    def api_path(self) -> str:
        """Path of the REST API on the main port, as GitHub Enterprise Server has it behind its host name."""
        return "/github/api/v3"

    def start(self) -> None:
        """Settle what an emulator that did not end in order left behind, then run what waits."""
        self.runs.start()

    def stop(self) -> None:
        """End every run."""
        self.runs.stop()
