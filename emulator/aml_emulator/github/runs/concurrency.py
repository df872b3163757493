"""Which runs wait for which: the `concurrency:` of a workflow and of its jobs.

GitHub lets one job of a group wait for another; here the run waits as a whole, before it begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aml_emulator.github.definition import Located, Workflow
from aml_emulator.github.evaluate import Value, evaluate, evaluate_text, truthy
from aml_emulator.github.events import Event


@dataclass(frozen=True)
class Groups:
    """The groups of a run. `cancels` are those of `all` whose running member is cancelled, not waited for."""

    all: tuple[str, ...] = ()
    cancels: tuple[str, ...] = ()


def groups_of(workflow: Workflow, event: Event, variables: Mapping[str, str], *, actor: str) -> Groups:
    """Evaluate the groups of a workflow for an event. Raises CannotEvaluate."""
    contexts = _contexts(event, variables, actor)
    found: dict[str, bool] = {}
    for settings in (workflow.raw.get("concurrency"), *(job.raw.get("concurrency") for job in workflow.jobs)):
        if settings is None:
            continue
        group = evaluate_text(
            str(settings.get("group", "")) if isinstance(settings, Located) else str(settings), contexts
        )
        cancel = settings.get("cancel-in-progress", False) if isinstance(settings, Located) else False
        if group:
            found[group] = _true(cancel, contexts)
    return Groups(tuple(found), tuple(group for group, cancels in found.items() if cancels))


def _true(value: object, contexts: Mapping[str, Value]) -> bool:
    if isinstance(value, str) and value.strip().startswith("${{") and value.strip().endswith("}}"):
        return truthy(evaluate(value.strip()[3:-2], contexts))
    return value is True or str(value).lower() == "true"


def _contexts(event: Event, variables: Mapping[str, str], actor: str) -> dict[str, Value]:
    payload: Value = dict(event.payload)  # type: ignore[arg-type]  # what JSON brought
    repository = event.payload.get("repository")
    inputs = event.payload.get("inputs")
    github: dict[str, Value] = {
        "event": payload,
        "event_name": event.name,
        "ref": event.ref,
        "ref_name": event.ref.split("/", 2)[-1],
        "ref_type": "tag" if event.ref.startswith("refs/tags/") else "branch",
        "actor": actor,
        "repository": str(repository.get("full_name", "")) if isinstance(repository, Mapping) else "",
    }
    given: Value = {str(name): str(value) for name, value in inputs.items()} if isinstance(inputs, Mapping) else {}
    return {"github": github, "inputs": given, "vars": dict(variables)}
