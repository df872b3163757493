"""Which runs wait for which: the `concurrency:` of a workflow and of its jobs.

GitHub lets one job of a group wait for another; here the run waits as a whole, before it begins. Whether the job will run
at all is not known then, so its group makes runs wait and cancels none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aml_emulator.github.definition import Located, Workflow
from aml_emulator.github.evaluate import CannotEvaluate, Value, evaluate, evaluate_text, truthy
from aml_emulator.github.events import Event


@dataclass(frozen=True)
class Groups:
    """The groups of a run.

    Attributes:
        all: a run begins when no other holds one of them.
        replaces: those of `all` in which only the newest run waits.
        cancels: those of `replaces` whose running member is cancelled, not waited for.
        left_out: why the groups of jobs that only the run itself could tell are not among them.

    """

    all: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    cancels: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def groups_of(workflow: Workflow, event: Event, variables: Mapping[str, str], run: Mapping[str, str]) -> Groups:
    """Evaluate the groups of a workflow for an event.

    `run` is what else `github` knows of the run: run_id, sha, actor and so on. Raises CannotEvaluate for the group of
    the workflow itself.
    """
    contexts = _contexts(workflow, event, variables, run)
    settings = workflow.raw.get("concurrency")
    own = _group(settings, contexts)
    cancels = isinstance(settings, Located) and _true(settings.get("cancel-in-progress", False), contexts)
    found, left_out = [own] if own else [], []
    for job in workflow.jobs:
        try:
            group = _group(job.raw.get("concurrency"), contexts)
        except CannotEvaluate as error:
            left_out.append(f"The concurrency group of the job {job.id!r} makes nothing wait here: {error}")
        else:
            found += [group] if group and group not in found else []
    replaces = (own,) if own else ()
    return Groups(tuple(found), replaces, replaces if cancels else (), tuple(left_out))


def _group(settings: object, contexts: Mapping[str, Value]) -> str:
    """The name of a group, "" for none. Raises CannotEvaluate."""
    name = settings.get("group") if isinstance(settings, Located) else settings
    return "" if name is None else evaluate_text(str(name), contexts)


def _true(value: object, contexts: Mapping[str, Value]) -> bool:
    if isinstance(value, str) and value.strip().startswith("${{") and value.strip().endswith("}}"):
        return truthy(evaluate(value.strip()[3:-2], contexts))
    return value is True or str(value).lower() == "true"


def _contexts(
    workflow: Workflow, event: Event, variables: Mapping[str, str], run: Mapping[str, str]
) -> dict[str, Value]:
    payload: Value = dict(event.payload)  # type: ignore[arg-type]  # what JSON brought
    repository = event.payload.get("repository")
    full_name = str(repository.get("full_name", "")) if isinstance(repository, Mapping) else ""
    inputs = event.payload.get("inputs")
    github: dict[str, Value] = {
        **run,
        "workflow": workflow.name,
        "event": payload,
        "event_name": event.name,
        "ref": event.ref,
        "ref_name": event.ref.split("/", 2)[-1],
        "ref_type": "tag" if event.ref.startswith("refs/tags/") else "branch",
        "head_ref": "",
        "base_ref": "",
        "repository": full_name,
        "repository_owner": full_name.partition("/")[0],
    }
    given: Value = {str(name): str(value) for name, value in inputs.items()} if isinstance(inputs, Mapping) else {}
    return {"github": github, "inputs": given, "vars": dict(variables)}
