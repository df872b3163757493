"""What a row of the table says, and the run of an action that shows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from support.steps import Outcome, decode
from support.training import TrainingRepository

from aml_emulator.request_log import read
from aml_emulator.state import StateDirectory


@dataclass(frozen=True)
class Scenario:
    """One run of an action with many keys.

    Attributes:
        name: unique.
        action: such as ``aml-compute``.
        parameters: content of the parameters file.
        code: exit code.
        prepare: makes what must be there before: files, a model, another compute.
        inputs: of the action; text in braces stands for a value that `prepare` returned.
        secrets: environment variables of the step.
    """

    name: str
    action: str
    parameters: Any
    code: int = 0
    prepare: Callable[[TrainingRepository], Mapping[str, str] | None] | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """What a run left: its log and the requests that the emulator got meanwhile."""

    outcome: Outcome
    requests: Sequence[Mapping[str, Any]]
    values: Mapping[str, str]


@dataclass(frozen=True)
class Wire:
    """A request with a value in its body.

    Attributes:
        method: of HTTP.
        path: regular expression for the end of the path.
        at: place in the body, parts separated by ``/``; empty for the path alone.
        value: that stands there; text in braces stands for a value of the run. A function judges it.
    """

    method: str
    path: str
    at: str = ""
    value: Any = None


@dataclass(frozen=True)
class Says:
    """A message in the log of the step, with its level (``error``, ``warning``, ``notice``, or empty for a plain line)."""

    level: str
    text: str


@dataclass(frozen=True)
class Gives:
    """An output of the step."""

    output: str
    value: Any


@dataclass(frozen=True)
class Leaves:
    """A test on what the run left, for what is neither a request nor a message."""

    what: str
    judge: Callable[[TrainingRepository, Seen], bool]


@dataclass(frozen=True)
class Row:
    """One key: the scenario in which it has a value, and what that value does."""

    key: str
    scenario: Scenario
    sees: Wire | Says | Gives | Leaves


def run(scenario: Scenario, repository: TrainingRepository) -> Seen:
    """Run a scenario's action."""
    values = dict((scenario.prepare(repository) if scenario.prepare else None) or {})
    log = StateDirectory(repository.emulator.state).requests
    before = sum(1 for _ in read(log))
    inputs = {name: text.format(**values) for name, text in scenario.inputs.items()}
    outcome = repository.step(scenario.action, scenario.parameters, env=scenario.secrets, **inputs)
    assert outcome.code == scenario.code, outcome.log
    return Seen(outcome, list(read(log))[before:], values)


def holds(row: Row, seen: Seen, repository: TrainingRepository) -> bool:
    """Tell whether a row is true of a run."""
    match row.sees:
        case Says(level, text):
            lines = [decode(line) for line in seen.outcome.log.splitlines()]
            return any(text in line and re.match(rf"::{level}[ :]" if level else "", line) for line in lines)
        case Gives(output, value):
            given = seen.outcome.outputs.get(output, "")
            return bool(value(given)) if callable(value) else given == value
        case Leaves(_, judge):
            return judge(repository, seen)
        case Wire(method, path, at, value):
            return any(_fits(one, method, path, at, value, seen.values) for one in seen.requests)


def _fits(request: Mapping[str, Any], method: str, path: str, at: str, value: Any, values: Mapping[str, str]) -> bool:
    if request["method"] != method or not re.search(rf"{path}$", request["path"], re.IGNORECASE):
        return False
    found: Any = request["body"]
    for part in at.split("/") if at else ():
        if isinstance(found, Mapping):
            found = found.get(part)
        elif isinstance(found, list) and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        else:
            return False
    if not at and value is None:
        return True
    if callable(value):
        return bool(value(found))
    return bool(found == (value.format(**values) if isinstance(value, str) else value))
