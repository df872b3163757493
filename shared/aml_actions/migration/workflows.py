"""The workflows of a repository: whose actions they use, which of their lines change, and what their owner must decide."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aml_actions.migration.changes import Change, Decision, Edit, Migration, OutputUse
from aml_actions.migration.workflow_files import Value, WorkflowFile, WorkflowStep
from aml_actions.parameters import nearest
from aml_actions.spec import ActionSpec

_LEGACY_OWNER = "azure"
TARGET = re.compile(r"(?P<actions>[\w.-]+/[\w.-]+(?:/[\w.-]+)*)@(?P<ref>[\w./-]+)")
"""``OWNER/REPO@REF``: where the new actions are."""
_OUTPUT = re.compile(
    r"\bsteps\s*(?:\.\s*([\w-]+)|\[\s*'([^']+)'\s*\])\s*\.\s*outputs\s*(?:\.\s*([\w-]+)|\[\s*'([^']+)'\s*\])"
)
_OLD_CHECKOUT = re.compile(r"actions/checkout@v?[12](?:[.].*)?$", re.IGNORECASE)
_PAYLOAD = re.compile(r"\$\{\{[^}]*\bgithub\s*\.\s*event\s*\.\s*client_payload\b[^}]*\}\}", re.IGNORECASE)
_OLD_EVENT = re.compile(r"\b(?:machinelearningservices-[a-z]+|storage-blob[a-z]+)\b", re.IGNORECASE)
_ARM_ACTION = re.compile(r"(?:^|/)aml[_-]?configure\b", re.IGNORECASE)
_PLAIN = re.compile(r"[^a-z0-9]")


@dataclass(frozen=True)
class Found:
    """What the workflows say.

    Attributes:
        migration: changes and decisions.
        steps: by the name of the action that they use, under its old or new address.
        outputs: by the name of the action, the places that read an output of a step that uses it.
    """

    migration: Migration
    steps: dict[str, tuple[WorkflowStep, ...]]
    outputs: dict[str, tuple[OutputUse, ...]]


def migrate(files: Sequence[WorkflowFile], specs: Sequence[ActionSpec], target: str) -> Found:
    """Find what changes in the workflows.

    Args:
        files: workflows and composite actions.
        specs: the actions.
        target: ``OWNER/REPO@REF`` of the new actions.
    """
    found = Migration()
    steps: dict[str, list[WorkflowStep]] = {}
    outputs: dict[str, list[OutputUse]] = {}
    for file in files:
        ours = [(step, spec) for step in file.steps if (spec := _spec(step.uses, specs))]
        for step, spec in ours:
            steps.setdefault(spec.name, []).append(step)
        uses = list(_output_uses(file, _by_id(file, specs)))
        for spec, use in uses:
            outputs.setdefault(spec.name, []).append(use)
        change = _change(file, specs, target)
        if change:
            found.changes.append(change)
        found.decisions += sorted(
            (*_of_file(file, bool(ours)), *_of_steps(file, specs), *_of_outputs(uses)),
            key=lambda decision: decision.line or 0,
        )
    return Found(
        found,
        {name: tuple(some) for name, some in steps.items()},
        {name: tuple(some) for name, some in outputs.items()},
    )


# --- whose action a step uses


def _legacy(uses: str, specs: Sequence[ActionSpec]) -> ActionSpec | None:
    """Return the action whose abandoned namesake is used."""
    address, _, ref = uses.partition("@")
    owner, _, name = address.lower().partition("/")
    if owner != _LEGACY_OWNER or not ref:
        return None
    return next((spec for spec in specs if spec.name == name), None)


def _spec(uses: Value | None, specs: Sequence[ActionSpec]) -> ActionSpec | None:
    """Return the action that is used, under its old address or its new one (a folder of a repository)."""
    if uses is None or uses.text.startswith("docker://"):
        return None
    address = uses.text.partition("@")[0].rstrip("/")
    parts = address.split("/")
    current = next((spec for spec in specs if spec.name == parts[-1]), None)
    return _legacy(uses.text, specs) or (current if len(parts) >= 3 or address.startswith("./") else None)


def _by_id(file: WorkflowFile, specs: Sequence[ActionSpec]) -> dict[str, ActionSpec]:
    """Return the actions behind the ids of steps; an id that means different things in different jobs is left out."""
    found: dict[str, list[ActionSpec | None]] = {}
    for step in file.steps:
        found.setdefault(step.step_id, []).append(_spec(step.uses, specs))
    return {
        name: some[0] for name, some in found.items() if some[0] is not None and all(one is some[0] for one in some)
    }


def _change(file: WorkflowFile, specs: Sequence[ActionSpec], target: str) -> Change | None:
    match = TARGET.fullmatch(target)
    if match is None:
        raise ValueError(f"{target!r} is not OWNER/REPO@REF")
    text, edits = file.text, []
    places = [(step.uses, spec) for step in file.steps if step.uses and (spec := _legacy(step.uses.text, specs))]
    unique = {
        uses.start: (uses, spec) for uses, spec in places if uses.start is not None
    }  # an alias is one place, used twice
    for start, (uses, spec) in sorted(unique.items(), reverse=True):
        after = f"{match['actions']}/{spec.name}@{match['ref']}"
        text = text[:start] + after + text[start + len(uses.text) :]
        edits.append(Edit("The action is abandoned; this one takes its place.", uses.line, uses.text, after))
    if not edits:
        return None
    return Change(file.path, file.content, text.encode(file.encoding), tuple(reversed(edits)))


# --- what a person decides


def _of_file(file: WorkflowFile, uses_ours: bool) -> Iterator[Decision]:
    if file.problem:
        yield Decision(
            file.path,
            None,
            f"The file is not read as YAML: {file.problem}.",
            "GitHub does not run it as it is. Its `uses:` lines are found all the same; other findings may be missing.",
            ("Correct the file, and run migrate again.",),
        )
    for number, line in file.lines():
        if "::set-output" in line:
            yield Decision(
                file.path,
                number,
                "`::set-output` is a command that GitHub has deprecated.",
                "It gives a warning today, and nothing once GitHub switches it off.",
                ('`echo "name=value" >> "$GITHUB_OUTPUT"`',),
            )
    if file.is_workflow and "repository_dispatch" in file.events:
        named = sorted({match.lower() for _, line in file.lines() for match in _OLD_EVENT.findall(line)})
        shown = f" ({', '.join(named)})" if named else ""
        yield Decision(
            file.path,
            file.events["repository_dispatch"],
            f"The workflow is started by `repository_dispatch`{shown}: who sends the event today?",
            "The function app of the old templates (.NET Core 3.1, Functions v3) no longer runs, and it sent an event for every "
            "completed run of the workspace, also for those of other repositories.",
            (
                "Send the event with a function that is still maintained; its names for the events can stay.",
                "Filter in the workflow by experiment and by the tag `GITHUB_REPOSITORY` of the run.",
            ),
        )
    if file.is_workflow and uses_ours and not file.has_permissions:
        without = {step.job for step in file.steps} - file.jobs_with_permissions
        if without:
            yield Decision(
                file.path,
                None,
                "The workflow does not say which permissions its token has.",
                "It then has those that the repository or the organisation gives by default, often more than it needs.",
                (
                    "At the top: `permissions:` with `contents: read`.",
                    "`id-token: write` in addition, to sign in by OIDC.",
                ),
            )


def _of_steps(file: WorkflowFile, specs: Sequence[ActionSpec]) -> Iterator[Decision]:
    for step in file.steps:
        if step.uses is not None:
            yield from _of_address(file, step.uses, specs)
        spec = _spec(step.uses, specs)
        if spec is not None:
            yield from _of_inputs(file, step, spec)
        if step.run is not None:
            yield from _of_script(file, step.run)


def _of_address(file: WorkflowFile, uses: Value, specs: Sequence[ActionSpec]) -> Iterator[Decision]:
    address = uses.text.partition("@")[0]
    legacy, spec = _legacy(uses.text, specs), _spec(uses, specs)
    if legacy is not None and uses.start is None:
        yield Decision(
            file.path,
            uses.line,
            f"`{uses.text}` is written in a way that is not changed automatically.",
            "The action is abandoned.",
            ("Write the value on one line, without escapes, and run migrate again.",),
        )
    elif _OLD_CHECKOUT.match(uses.text):
        yield Decision(
            file.path,
            uses.line,
            f"`{uses.text}` is an old version of the action.",
            "It runs on a version of Node.js that runners no longer have, or force to a newer one.",
            ("A current version, pinned by its commit, with `persist-credentials: false`.",),
        )
    elif _ARM_ACTION.search(address):
        yield Decision(
            file.path,
            uses.line,
            f"`{uses.text}` deployed an ARM template; it is not among the new actions.",
            "It is as old as the others, and nobody maintains it.",
            ("`az deployment group create` in a `run:` step, after `azure/login`.",),
        )
    elif spec is None and (namesake := _namesake(address, specs)):
        yield Decision(
            file.path,
            uses.line,
            f"`{uses.text}` looks like a copy of {namesake}; what it does differently is not known here.",
            "It is left as it is.",
            (f"Compare it with {namesake}, and use that one if nothing of the copy is needed.",),
        )


def _namesake(address: str, specs: Sequence[ActionSpec]) -> str | None:
    """Return the action whose name a repository or image carries, such as ``somebody/amlrun2``."""
    name = _PLAIN.sub("", address.lower().rsplit("/", 1)[-1])
    return next((spec.name for spec in specs if _PLAIN.sub("", spec.name) in name), None)


def _of_inputs(file: WorkflowFile, step: WorkflowStep, spec: ActionSpec) -> Iterator[Decision]:
    known = [declared.name for declared in spec.inputs]
    for name, value in step.inputs.items():
        if name.lower() in known:
            continue
        near = nearest(name, known)
        if near is None and name in spec.parameters.model_fields:
            near = f"it is a key of the parameters file .cloud/.azure/{spec.parameters_file}: move it there"
        yield Decision(
            file.path,
            value.line,
            f"{spec.name} has no input `{name}`, and never had one.",
            "GitHub warns and passes it over; what was meant by it does not happen.",
            (near[0].upper() + near[1:] + ("" if near.endswith("?") else "."),) if near else ("Remove the line.",),
        )


def _of_script(file: WorkflowFile, run: Value) -> Iterator[Decision]:
    for number, line in file.lines():
        found = _PAYLOAD.search(line) if run.line <= number <= run.last_line else None
        if found:
            yield Decision(
                file.path,
                number,
                f"`{found[0]}` is put into the text of a script.",
                "Whoever can send the event decides what the shell runs (script injection).",
                ('Pass it through `env:` of the step, and write `"$NAME"` in the script.',),
            )


def _output_uses(file: WorkflowFile, used: dict[str, ActionSpec]) -> Iterator[tuple[ActionSpec, OutputUse]]:
    for number, line in file.lines():
        for match in _OUTPUT.finditer(line):
            spec = used.get(match[1] or match[2])
            if spec is not None:
                yield spec, OutputUse(file.path, number, match[3] or match[4])


def _of_outputs(uses: Sequence[tuple[ActionSpec, OutputUse]]) -> Iterator[Decision]:
    for spec, use in uses:
        known = [declared.name for declared in spec.outputs]
        if use.name not in known:
            near = nearest(use.name, known)
            yield Decision(
                use.file,
                use.line,
                f"{spec.name} has no output `{use.name}`, and never had one.",
                "The expression is empty.",
                (near[0].upper() + near[1:],) if near else (f"One of: {', '.join(known)}.", "Remove it."),
            )
