"""Run a workflow file of a repository for an event, as GitHub would, on this machine: `run_workflow`.

Would GitHub start it (`events`)? Would GitHub run it as act does (`checks`)? Then act runs it (`act`) from a clean clone
in a clean environment; what it says is scrubbed, streamed and kept (`log`).
"""

import shutil
import tempfile
import threading
import time
from collections.abc import Collection, Mapping
from pathlib import Path

from aml_emulator.github.act import ActRun, drive
from aml_emulator.github.actions import ActionFinder, remote_uses
from aml_emulator.github.checkout import Repository, clone, write_checkout_action
from aml_emulator.github.checks import HOSTED_LABELS, check_workflow
from aml_emulator.github.definition import Workflow, read_workflow, workflow_paths
from aml_emulator.github.errors import InvalidWorkflow, NotStarted, WorkflowError
from aml_emulator.github.events import Event, started
from aml_emulator.github.id_tokens import TOKEN_VARIABLE
from aml_emulator.github.log import LogReader, Progress
from aml_emulator.github.masking import Scrubber
from aml_emulator.github.results import WorkflowRun


def definitions_started_by(repository: Repository, event: Event) -> dict[str, Workflow | None]:
    """Give the workflows that GitHub would start for an event, by path.

    A workflow file that is broken is among them, as None: GitHub shows a failed run for it, and `run_workflow` says why.
    """
    found: dict[str, Workflow | None] = {}
    with tempfile.TemporaryDirectory(prefix="aml-workflow-") as folder:
        files = Path(folder) / "repository"
        clone(repository, files)
        for path in workflow_paths(files):
            try:
                workflow = read_workflow(files, path)
                started(workflow, event)
            except NotStarted:
                continue
            except InvalidWorkflow:
                found[path] = None
            else:
                found[path] = workflow
    return found


def workflows_started_by(repository: Repository, event: Event) -> list[str]:
    """Give the paths of the workflows that GitHub would start for an event."""
    return list(definitions_started_by(repository, event))


def workflow_started_by_hand(repository: Repository, path: str, event: Event) -> Workflow:
    """Give the workflow that a `workflow_dispatch` names.

    Raises NotStarted when it has no such trigger or does not take the inputs, InvalidWorkflow when it is broken or not there.
    """
    with tempfile.TemporaryDirectory(prefix="aml-workflow-") as folder:
        files = Path(folder) / "repository"
        clone(repository, files)
        workflow = read_workflow(files, path)
        started(workflow, event)
    return workflow


def run_workflow(
    repository: Repository,
    path: str,
    event: Event,
    *,
    actions: Mapping[str, Path],
    environment: Mapping[str, str],
    secrets: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    labels: Collection[str] = HOSTED_LABELS,
    timeout: float = 3600.0,
    run_id: str | None = None,
    run_attempt: int = 1,
    progress: Progress = lambda line: None,
    heartbeat: float = 20.0,
    cancel: threading.Event | None = None,
    github: Mapping[str, str] | None = None,
    tracking_id: str | None = None,
) -> WorkflowRun:
    """Run one workflow and wait for its end.

    `path` is the workflow file, relative to the repository; its committed state is what runs. `actions` maps
    "owner/name@ref" to the folder that holds that repository (`aml_actions.publish` writes one). `environment` is all
    that the steps see of this machine: PATH must be there, HOME is a throw-away folder. `secrets` and `variables` are
    the repository's. `labels` are the `runs-on` labels this machine stands in for. `timeout` is wall time in seconds.
    `run_id` is a number as text; without it a new one. `progress` gets one line at a time, also after every `heartbeat`
    seconds in which nothing else was said. `cancel`, once set, ends the run as GitHub cancels one. `github` holds
    further default variables of the run, such as GITHUB_API_URL, which `github.api_url` is made of. `tracking_id` marks
    the processes of the run, for whoever has to find them; without it, one is made up.

    Raises NotStarted when GitHub would not start the workflow for the event, InvalidWorkflow when it or one of its
    actions is wrong, WorkflowError when it cannot be run here. A run that fails is no error: see WorkflowRun.
    """
    if not environment.get("PATH"):
        raise WorkflowError("The environment of the run has no PATH, so no step would find a program.")
    began = time.monotonic()
    run_id = run_id or str(time.time_ns() // 1000)
    with tempfile.TemporaryDirectory(prefix="aml-workflow-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        files = folder / "repository"
        clone(repository, files)
        workflow = read_workflow(files, path)
        event = started(workflow, event)

        mapped = dict(actions)
        checkouts = sorted(
            use for use in remote_uses(files) if use.startswith("actions/checkout@") and use not in mapped
        )
        for number, use in enumerate(checkouts):
            mapped[use] = folder / f"checkout-{number}"
            write_checkout_action(repository, files, mapped[use])
        node = shutil.which("node", path=environment["PATH"]) is not None
        finder = ActionFinder(files, mapped, frozenset(checkouts))
        problems = check_workflow(workflow, finder, labels=labels, node=node)
        if problems:
            raise InvalidWorkflow(problems)

        hidden = [*(secrets or {}).values(), environment.get(TOKEN_VARIABLE, "")]
        reader = LogReader(workflow, Scrubber(hidden), progress, _declared_outputs(workflow, finder))
        run = ActRun(
            folder=folder,
            repository=files,
            workflow=path,
            event_name=event.name,
            payload=event.payload,
            actor=repository.actor,
            default_branch=repository.default_branch(),
            mapped=mapped,
            labels=labels,
            secrets=secrets or {},
            variables=variables or {},
            github={**(github or {}), "GITHUB_RUN_ID": run_id, "GITHUB_RUN_ATTEMPT": str(run_attempt)},
            environment=environment,
            **({"tracking_id": tracking_id} if tracking_id else {}),
        )
        drive(run, reader, progress, timeout=timeout, heartbeat=heartbeat, cancel=cancel)
    return WorkflowRun(
        run_id=run_id,
        workflow=workflow.name,
        path=path,
        event=event.name,
        jobs=reader.jobs(),
        annotations=reader.annotations(),
        problems=reader.problems(),
        seconds=time.monotonic() - began,
        cancelled=reader.cancelled,
    )


def _declared_outputs(workflow: Workflow, finder: ActionFinder) -> dict[tuple[str, str], frozenset[str]]:
    """Give the outputs that each step with an action has, by (job id, step key), in lower case."""
    steps = [(job.id, step) for job in workflow.jobs for step in job.steps if step.uses]
    return {(job, step.key): frozenset(finder.find(step.uses or "").outputs) for job, step in steps}
