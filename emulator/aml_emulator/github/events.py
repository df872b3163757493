"""The events that start workflows, and whether GitHub would start a given workflow for one of them.

act runs any workflow for any event and ignores the filters; the rules here are those of "Events that trigger workflows"
and "Workflow syntax" in GitHub's documentation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from aml_emulator.github.checkout import Repository
from aml_emulator.github.definition import Located, Workflow, as_located, as_words
from aml_emulator.github.errors import NotStarted
from aml_emulator.github.patterns import matches

EMULATED = ("push", "workflow_dispatch", "repository_dispatch")


@dataclass(frozen=True)
class Event:
    """Something that happened to a repository.

    `ref` is the full ref that the workflow runs on; `payload` what GitHub puts into `github.event`; `changed` the paths
    that a push changed (None: nobody knows, then a `paths:` filter lets it through, as on GitHub).
    """

    name: str
    ref: str
    payload: Mapping[str, object] = field(default_factory=dict)
    changed: tuple[str, ...] | None = None


def push(repository: Repository, *, before: str | None = None) -> Event:
    """Give the event of a push of the repository's branch that ended at its commit.

    `before` is the commit that the branch was at; without it, the parent of the pushed commit. A first commit has
    changed everything that it holds.
    """
    before = before or repository.parent()
    payload = {
        "ref": repository.ref,
        "before": before or "0" * 40,
        "after": repository.sha,
        "created": before is None,
        "deleted": False,
        "forced": False,
        "head_commit": {"id": repository.sha, "message": repository.message()},
        "pusher": {"name": repository.actor},
        **_common(repository),
    }
    return Event("push", repository.ref, payload, repository.changed_since(before))


def repository_dispatch(
    repository: Repository, event_type: str, client_payload: Mapping[str, object] | None = None
) -> Event:
    """Give the event that `POST /repos/{owner}/{repo}/dispatches` makes. It runs on the default branch."""
    payload = {
        "action": event_type,
        "branch": repository.branch,
        "client_payload": dict(client_payload or {}),
        **_common(repository),
    }
    return Event("repository_dispatch", repository.ref, payload)


def workflow_dispatch(repository: Repository, inputs: Mapping[str, str] | None = None) -> Event:
    """Give the event of a press on "Run workflow", with what was filled in."""
    return Event(
        "workflow_dispatch", repository.ref, {"inputs": dict(inputs or {}), "ref": repository.ref} | _common(repository)
    )


def _common(repository: Repository) -> dict[str, object]:
    owner, name = repository.full_name.split("/")
    return {
        "repository": {
            "name": name,
            "full_name": repository.full_name,
            "owner": {"login": owner, "name": owner},
            "default_branch": repository.default_branch(),
            "html_url": f"https://github.com/{repository.full_name}",
        },
        "sender": {"login": repository.actor},
    }


def started(workflow: Workflow, event: Event) -> Event:
    """Give the event as the workflow gets it (inputs with their defaults), or raise NotStarted with the reason."""
    if event.name not in EMULATED:
        raise NotStarted(f"The event {event.name!r} is not emulated. There are: {', '.join(EMULATED)}.")
    if event.name not in workflow.on:
        raise NotStarted(f"{workflow.path} is started by {', '.join(workflow.on)}, not by {event.name}.")
    settings = workflow.on[event.name]
    if event.name == "push":
        _filter_push(workflow, settings, event)
    elif event.name == "repository_dispatch":
        types, action = as_words(settings.get("types")), str(event.payload.get("action", ""))
        if types and action not in types:
            raise NotStarted(f"{workflow.path} is started by the dispatches {', '.join(types)}, not by {action!r}.")
    else:
        return replace(event, payload={**event.payload, "inputs": _inputs(workflow, settings, event)})
    return event


def _filter_push(workflow: Workflow, settings: Located, event: Event) -> None:
    kind, _, name = event.ref.removeprefix("refs/").partition("/")
    wanted, other = ("tags", "branches") if kind == "tags" else ("branches", "tags")
    only, never = as_words(settings.get(wanted)), as_words(settings.get(f"{wanted}-ignore"))
    what = f"{wanted[:-1] if wanted == 'tags' else 'branch'} {name!r}"
    if only and not matches(only, name):
        raise NotStarted(f"{workflow.path} is started by pushes to {', '.join(only)}, not to the {what}.")
    if never and matches(never, name):
        raise NotStarted(f"{workflow.path} is not started by pushes to the {what} (`{wanted}-ignore`).")
    if not only and not never and any(key in settings for key in (other, f"{other}-ignore")):
        raise NotStarted(f"{workflow.path} names only {other}, so a push to the {what} does not start it.")
    if kind == "tags" or event.changed is None:
        return
    paths, ignored = as_words(settings.get("paths")), as_words(settings.get("paths-ignore"))
    if paths and not any(matches(paths, path) for path in event.changed):
        raise NotStarted(f"{workflow.path} is started by changes to {', '.join(paths)}; the push changed none of them.")
    if ignored and event.changed and all(matches(ignored, path) for path in event.changed):
        raise NotStarted(f"{workflow.path} ignores changes to {', '.join(ignored)}; the push changed nothing else.")


def _inputs(workflow: Workflow, settings: Located, event: Event) -> dict[str, str]:
    given = event.payload.get("inputs")
    given = dict(given) if isinstance(given, Mapping) else {}
    declared = as_located(settings.get("inputs"))
    for name in given.keys() - declared.keys():
        known = ", ".join(declared) or "it has none"
        raise NotStarted(f"{workflow.path} has no input {name!r}. Its inputs: {known}.")
    values: dict[str, str] = {}
    for name, raw in declared.items():
        declaration = as_located(raw)
        value = given.get(name, declaration.get("default", "false" if declaration.get("type") == "boolean" else ""))
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if declaration.get("required") is True and not text:
            raise NotStarted(f"{workflow.path} requires the input {name!r}.")
        options = as_words(declaration.get("options"))
        if declaration.get("type") == "choice" and options and text and text not in options:
            raise NotStarted(f"The input {name!r} of {workflow.path} is one of {', '.join(options)}, not {text!r}.")
        if declaration.get("type") == "boolean" and text not in ("true", "false"):
            raise NotStarted(f"The input {name!r} of {workflow.path} is true or false, not {text!r}.")
        values[name] = text
    return values
