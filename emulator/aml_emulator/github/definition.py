"""Read workflow and action files: YAML as GitHub reads it, with the line of every key, so that messages can point."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from aml_emulator.github.errors import InvalidWorkflow, Problem


class Located(dict[str, Any]):
    """A mapping that knows the line (from 1) of itself and of each of its keys."""

    line: int
    lines: dict[str, int]

    def line_of(self, key: str) -> int:
        """Give the line of a key, or of the mapping when it has no such key."""
        return self.lines.get(key, self.line)


class _Loader(yaml.SafeLoader):
    """YAML 1.2 scalars, as GitHub has them: `on`, `yes` and `off` are words, not booleans."""


_BOOL, _TIMESTAMP = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in (_BOOL, _TIMESTAMP)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOL, re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def _construct_mapping(loader: _Loader, node: yaml.MappingNode) -> Located:
    located = Located()
    located.line = node.start_mark.line + 1
    located.lines = {}
    for key_node, value_node in node.value:
        key = str(loader.construct_object(key_node, deep=True))
        if key in located:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is there twice", key_node.start_mark)
        located[key] = loader.construct_object(value_node, deep=True)
        located.lines[key] = key_node.start_mark.line + 1
    return located


_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)


def load_yaml(text: str, name: str) -> Located:
    """Parse the text of a workflow or action file called `name`. Raises InvalidWorkflow with the line."""
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise InvalidWorkflow([Problem(name, line, f"not YAML: {error.problem}")]) from error
    except yaml.YAMLError as error:
        raise InvalidWorkflow([Problem(name, 0, f"not YAML: {error}")]) from error
    if not isinstance(document, Located):
        raise InvalidWorkflow([Problem(name, 0, "holds no mapping at its top")])
    return document


@dataclass(frozen=True)
class Step:
    """One step of a job or of a composite action."""

    index: int
    raw: Located

    @property
    def id(self) -> str | None:
        """The id given in the file."""
        value = self.raw.get("id")
        return None if value is None else str(value)

    @property
    def key(self) -> str:
        """What names the step in act's log: the id, or the position from 0."""
        return self.id or str(self.index)

    @property
    def uses(self) -> str | None:
        """The action the step uses."""
        value = self.raw.get("uses")
        return None if value is None else str(value)

    @property
    def run(self) -> str | None:
        """The script the step runs."""
        value = self.raw.get("run")
        return None if value is None else str(value)

    @property
    def name(self) -> str:
        """The name that GitHub shows."""
        script = (self.run or "").strip().splitlines()
        return str(self.raw.get("name") or self.uses or (f"Run {script[0]}" if script else f"step {self.index + 1}"))


@dataclass(frozen=True)
class Job:
    """One job of a workflow."""

    id: str
    raw: Located
    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        """The name that GitHub shows; expressions of a matrix are left as they are."""
        return str(self.raw.get("name") or self.id)

    @property
    def uses(self) -> str | None:
        """The reusable workflow the job calls."""
        value = self.raw.get("uses")
        return None if value is None else str(value)

    @property
    def needs(self) -> tuple[str, ...]:
        """The jobs this one waits for."""
        return as_words(self.raw.get("needs"))

    @property
    def outputs(self) -> Mapping[str, str]:
        """The job's outputs, as expressions."""
        return {name: str(value) for name, value in as_located(self.raw.get("outputs")).items()}


@dataclass(frozen=True)
class Workflow:
    """A workflow file. `path` is relative to the repository; `on` maps each event to its settings."""

    path: str
    raw: Located
    on: Mapping[str, Located]
    jobs: tuple[Job, ...]

    @property
    def name(self) -> str:
        """The name that GitHub shows."""
        return str(self.raw.get("name") or self.path)


def as_located(value: object) -> Located:
    """Give a mapping of the file, an empty one when there is none."""
    if isinstance(value, Located):
        return value
    empty = Located()
    empty.line, empty.lines = 0, {}
    return empty


def as_words(value: object) -> tuple[str, ...]:
    """Give the words of a value that may be one word or a list of them."""
    if value is None:
        return ()
    return tuple(str(item) for item in value) if isinstance(value, list) else (str(value),)


def steps_of(value: object) -> tuple[Step, ...]:
    """Give the steps of a `steps:` list."""
    listed = value if isinstance(value, list) else []
    return tuple(Step(index, item) for index, item in enumerate(listed) if isinstance(item, Located))


def parse_workflow(text: str, path: str) -> Workflow:
    """Parse a workflow file. Raises InvalidWorkflow."""
    raw = load_yaml(text, path)
    on, jobs = raw.get("on"), raw.get("jobs")
    problems = []
    if not isinstance(on, str | list | Located) or not on:
        problems.append(Problem(path, raw.line_of("on"), "has no `on:`, so nothing starts it"))
    if not isinstance(jobs, Located) or not jobs:
        problems.append(Problem(path, raw.line_of("jobs"), "has no `jobs:`"))
    if problems:
        raise InvalidWorkflow(problems)
    events = {name: as_located(setting) for name, setting in on.items()} if isinstance(on, Located) else {}
    events = events or {name: as_located(None) for name in as_words(on)}
    parsed = tuple(
        Job(name, job, steps_of(job.get("steps"))) for name, job in as_located(jobs).items() if isinstance(job, Located)
    )
    return Workflow(path, raw, events, parsed)


def read_workflow(repository: Path, path: str) -> Workflow:
    """Read a workflow of a repository. Raises InvalidWorkflow; a missing file is told with those there are."""
    file = repository / path
    if not file.is_file():
        known = ", ".join(workflow_paths(repository)) or "none"
        raise InvalidWorkflow([Problem(path, 0, f"is not in the repository. Its workflows: {known}")])
    return parse_workflow(file.read_text(encoding="utf-8", errors="replace"), path)


def workflow_paths(repository: Path) -> list[str]:
    """List the workflow files of a repository, as paths relative to it."""
    folder = repository / ".github" / "workflows"
    files = sorted(folder.glob("*.yml")) + sorted(folder.glob("*.yaml"))
    return [file.relative_to(repository).as_posix() for file in files]
