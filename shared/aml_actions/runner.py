"""The runner as a step sees it: whose repository, which commit, which run. A GitHub runner, or an agent of Azure Pipelines."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from aml_actions.azure_pipelines import MARK
from aml_actions.errors import ActionError

MATRIX = "AML_ACTION_MATRIX"
"""The runner gives a step no variable about its job's matrix: action.yml of an action that asks for it sets this one."""


@dataclass(frozen=True)
class Runner:
    """Facts of the workflow run, from the default environment variables of GitHub Actions or Azure Pipelines.

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
        system: ``github-actions`` or ``azure-pipelines``.
        run_page: URL of the page of the run.
        job: id of the job in the workflow file; not unique where a workflow is called more than once.
        step: id of the step, or what the runner calls it.
        leg: the values of the job's matrix as JSON; empty without a matrix.
        workflow: name of the workflow.
        api_url: ``https://api.github.com``, or the API of a GitHub Enterprise server; empty where there is none.
        event_file: JSON of the event that started the run; None where there is none.
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
    system: str = "github-actions"
    run_page: str = ""
    job: str = ""
    step: str = ""
    leg: str = ""
    workflow: str = ""
    api_url: str = ""
    event_file: Path | None = None

    @property
    def run_link(self) -> str:
        """URL of the page of the workflow run."""
        return self.run_page or f"{self.server_url}/{self.repository}/actions/runs/{self.run_id}"

    def stamp(self) -> dict[str, str]:
        """Tags for what a step creates in Azure, so that its origin can be found later."""
        return {
            "managed-by": self.system,
            "repository": self.repository,
            "commit": self.sha,
            "workflow-run": self.run_link,
        }

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Runner:
        """Read the default variables.

        Raises:
            ActionError: outside a step (no workspace or no repository name).
        """
        if environ.get(MARK):
            return cls._from_pipelines(environ)
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
            job=environ.get("GITHUB_JOB", ""),
            step=environ.get("GITHUB_ACTION", ""),
            leg=environ.get(MATRIX, "").strip().removeprefix("null"),
            workflow=environ.get("GITHUB_WORKFLOW", ""),
            api_url=environ.get("GITHUB_API_URL") or "https://api.github.com",
            event_file=Path(environ["GITHUB_EVENT_PATH"]) if environ.get("GITHUB_EVENT_PATH") else None,
        )

    @classmethod
    def _from_pipelines(cls, environ: Mapping[str, str]) -> Runner:
        """Read the predefined variables of Azure Pipelines (names in the documentation have dots, here underscores)."""
        missing = [name for name in ("BUILD_SOURCESDIRECTORY", "BUILD_REPOSITORY_NAME") if not environ.get(name)]
        if missing:
            raise ActionError(
                f"This is no step of Azure Pipelines: {' and '.join(missing)} not set.",
                fix="Run the action in a `script` step of a pipeline, or set these variables as the agent does.",
            )
        name, project = environ["BUILD_REPOSITORY_NAME"], environ.get("SYSTEM_TEAMPROJECT", "")
        repository = name if "/" in name else f"{project}/{name}".lstrip("/")
        server, build = environ.get("SYSTEM_COLLECTIONURI", "").rstrip("/"), environ.get("BUILD_BUILDID", "")
        ref = environ.get("BUILD_SOURCEBRANCH", "")
        return cls(
            workspace=Path(environ["BUILD_SOURCESDIRECTORY"]),
            repository=repository,
            repository_name=repository.rsplit("/", 1)[-1],
            ref=ref,
            branch=ref.rsplit("/", 1)[-1],
            sha=environ.get("BUILD_SOURCEVERSION", ""),
            actor=environ.get("BUILD_REQUESTEDFOR", ""),
            server_url=server,
            run_id=build,
            run_attempt=environ.get("SYSTEM_JOBATTEMPT") or "1",
            event_name=environ.get("BUILD_REASON", ""),
            temp=Path(environ.get("AGENT_TEMPDIRECTORY") or tempfile.gettempdir()),
            system="azure-pipelines",
            run_page=f"{server}/{quote(project)}/_build/results?buildId={build}",
            job="/".join(environ.get(f"SYSTEM_{part}NAME", "") for part in ("STAGE", "PHASE", "JOB")),
            step=environ.get("SYSTEM_TASKINSTANCENAME", ""),
        )
