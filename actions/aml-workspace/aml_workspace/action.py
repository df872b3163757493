"""The work of aml-workspace: get, create when asked to, hand over."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any

from aml_actions import markdown
from aml_actions.errors import ActionError
from aml_actions.polling import duration
from aml_actions.step import Step
from aml_actions.workspace import WorkspaceRef, write
from aml_workspace.creation import create
from aml_workspace.parameters import WORKSPACE_NAME, WORKSPACE_NAME_RULE, WorkspaceParameters

_API_VERSION = "2024-10-01"


@dataclass(frozen=True)
class _Found:
    """A workspace as Azure describes it, and whether this step made it."""

    resource: dict[str, Any]
    created: bool
    seconds: float


def work(step: Step[WorkspaceParameters]) -> None:
    """Find or create the workspace, write the hand-off file, set the outputs."""
    ref = _wanted(step)
    found = _get_or_create(step, ref)
    file = write(ref, step.runner)
    step.workflow.info(f"Later steps of this job use it: {file}")
    _tell(step, ref, found)


def _wanted(step: Step[WorkspaceParameters]) -> WorkspaceRef:
    repository = step.runner.repository_name
    resource_group = step.parameters.resource_group or repository
    name = step.parameters.name
    if name is None:
        name = re.sub(r"[^a-zA-Z0-9_-]", "-", repository).strip("-_")[:33]
        if not WORKSPACE_NAME.fullmatch(name):
            raise ActionError(
                "The name of the repository cannot be the name of the workspace.",
                value=repository,
                allowed=WORKSPACE_NAME_RULE,
                fix="set name in workspace.json",
            )
        if name != repository:
            step.workflow.notice(f"The workspace is named {name}, after the repository {repository}.", step.spec.name)
    return WorkspaceRef(step.credentials.subscription_id, resource_group, name)


def _get_or_create(step: Step[WorkspaceParameters], ref: WorkspaceRef) -> _Found:
    started = time.monotonic()
    step.workflow.info(f"Looking for {ref}")
    resource = _get(step, ref)
    if resource is not None:
        return _Found(resource, created=False, seconds=time.monotonic() - started)
    if not step.parameters.create_workspace:
        raise ActionError(
            f"The {ref} does not exist.",
            allowed="an existing workspace, or create_workspace: true",
            cause="a typing error in name or resource_group, or the subscription of azure_credentials is another one",
            fix=f"correct it in .cloud/.azure/{step.inputs['parameters_file']}, or set create_workspace to true there",
            anchor="docs/troubleshooting.md#workspace-does-not-exist",
        )
    create(step, ref)
    created = _get(step, ref)
    if created is None:
        raise ActionError(f"Azure reports that it created {ref}, but does not find it.", fix="run the job again")
    return _Found(created, created=True, seconds=time.monotonic() - started)


def _get(step: Step[WorkspaceParameters], ref: WorkspaceRef) -> dict[str, Any] | None:
    """Return the workspace, None when it or its resource group does not exist (404). A refusal (403) is an error, not absence.

    One GET, without the SDK: importing that would be most of the time of a step that only finds its workspace.
    """
    from azure.core.exceptions import HttpResponseError

    with step.doing(f"looking for {ref}"):
        try:
            return step.rest().get(ref.arm_id, {"api-version": _API_VERSION})
        except HttpResponseError as error:
            if error.status_code == 404:
                return None
            raise


def _tell(step: Step[WorkspaceParameters], ref: WorkspaceRef, found: _Found) -> None:
    studio = step.studio_url(ref=ref)
    location = str(found.resource.get("location") or "")
    result = {
        "workspace_name": ref.name,
        "resource_group": ref.resource_group,
        "subscription_id": ref.subscription_id,
        "workspace_id": ref.arm_id,
        "location": location,
        "studio_url": studio,
        "created": found.created,
    }
    for output in ("workspace_name", "resource_group", "subscription_id", "studio_url"):
        step.set_output(output, result[output])
    step.set_output("result", result)
    done = f"{'created' if found.created else 'found'} in {duration(found.seconds)}"
    step.workflow.info(f"{ref}: {done}\n{studio}")
    rows = [
        ("Workspace", f"**{markdown.escape(ref.name)}** ({done})"),
        ("Resource group", markdown.escape(ref.resource_group)),
        ("Region", markdown.escape(location)),
        ("Subscription", markdown.code(ref.subscription_id)),
        ("Studio", markdown.link("open the workspace", studio)),
    ]
    step.summary(f"### 🧰 Workspace {markdown.escape(ref.name)}\n\n" + markdown.table(["", ""], rows))
