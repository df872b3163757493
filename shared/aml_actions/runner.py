"""The GitHub runner as a step sees it: whose repository, which commit, which run."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aml_actions.errors import ActionError


@dataclass(frozen=True)
class Runner:
    """Facts of the workflow run, from the default environment variables of GitHub Actions.

    Attributes:
        workspace: folder of the checked-out repository.
        repository: ``owner/name``.
        repository_name: the part after the slash; default name of workspaces, clusters and experiments.
        ref: full Git reference, such as ``refs/heads/main``.
        branch: last path part of `ref`, the legacy rule (``refs/heads/feature/x`` gives ``x``).
        sha: commit.
        actor: who started the run.
        server_url: ``https://github.com`` or the address of a GitHub Enterprise server.
        run_id: number of the workflow run.
        run_attempt: 1 for the first attempt.
        event_name: ``push``, ``repository_dispatch``, ...
        temp: folder that the runner empties after the job.
    """

    workspace: Path
    repository: str
    repository_name: str
    ref: str
    branch: str
    sha: str
    actor: str
    server_url: str
    run_id: str
    run_attempt: str
    event_name: str
    temp: Path

    @property
    def run_link(self) -> str:
        """URL of the page of the workflow run."""
        return f"{self.server_url}/{self.repository}/actions/runs/{self.run_id}"

    def stamp(self) -> dict[str, str]:
        """Tags for what a step creates in Azure, so that its origin can be found later."""
        return {
            "managed-by": "github-actions",
            "repository": self.repository,
            "commit": self.sha,
            "workflow-run": self.run_link,
        }

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Runner:
        """Read the default variables.

        Raises:
            ActionError: outside a GitHub Actions step (no workspace or no repository name).
        """
        missing = [name for name in ("GITHUB_WORKSPACE", "GITHUB_REPOSITORY") if not environ.get(name)]
        if missing:
            raise ActionError(
                f"This is no GitHub Actions step: {' and '.join(missing)} not set.",
                fix="Run the action with `uses:` in a workflow, or set these variables as the runner does.",
            )
        repository = environ["GITHUB_REPOSITORY"]
        ref = environ.get("GITHUB_REF", "")
        return cls(
            workspace=Path(environ["GITHUB_WORKSPACE"]),
            repository=repository,
            repository_name=repository.rsplit("/", 1)[-1],
            ref=ref,
            branch=ref.rsplit("/", 1)[-1],
            sha=environ.get("GITHUB_SHA", ""),
            actor=environ.get("GITHUB_ACTOR", ""),
            server_url=environ.get("GITHUB_SERVER_URL") or "https://github.com",
            run_id=environ.get("GITHUB_RUN_ID", ""),
            run_attempt=environ.get("GITHUB_RUN_ATTEMPT") or "1",
            event_name=environ.get("GITHUB_EVENT_NAME", ""),
            temp=Path(environ.get("RUNNER_TEMP") or tempfile.gettempdir()),
        )
