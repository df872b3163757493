"""Reading workflow files so that a value can be replaced where it stands, and nothing else changes.

A file that is YAML is read as such: every value comes with its place. One that is not (GitHub does not run it, but its owner will
mend it) is read by lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from aml_actions import yaml_reader
from aml_actions.errors import ActionError

if TYPE_CHECKING:
    from aml_actions.migration.repository import Repository

MOST_BYTES = 256 * 1024
"""Bytes of a workflow that is read as YAML; a larger one is read by lines."""
_LONGEST = 4000
"""Characters of a line that is looked at."""
_KEY = re.compile(
    r"^(?P<lead>[ ]*(?:-[ ]+)*)(?P<mark>[\"']?)(?P<key>[\w-]+)(?P=mark)[ \t]*:(?:[ \t]+(?P<value>.*?))?[ \t]*\r?$"
)
_PLAIN_OR_QUOTED = re.compile(r"(?P<mark>[\"']?)(?P<text>[^\"'#\s][^\"'#]*?)(?P=mark)(?:[ \t]+#.*)?$")
_BLOCK = re.compile(r"[|>][-+\d]*(?:[ \t]+#.*)?$")


@dataclass(frozen=True)
class Value:
    """A text of a workflow.

    Attributes:
        text: what it says.
        line: where it begins, from 1.
        last_line: where it ends.
        start: index of its first character in the file, None when the file spells it otherwise (escapes, folded lines).
    """

    text: str
    line: int
    last_line: int
    start: int | None


@dataclass(frozen=True)
class WorkflowStep:
    """A step of a workflow or of a composite action.

    Attributes:
        file: path of the workflow.
        line: of the step, from 1.
        job: its job; empty in a composite action, and where the file is read by lines.
        step_id: its ``id``, empty without one.
        uses: the action.
        run: its script.
        inputs: what stands under ``with``.
    """

    file: str
    line: int
    job: str = ""
    step_id: str = ""
    uses: Value | None = None
    run: Value | None = None
    inputs: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class WorkflowFile:
    """A workflow or composite action.

    Attributes:
        path: from the root of the repository.
        content: the file.
        text: `content` as text, every byte in it.
        encoding: which turns `text` back into `content`.
        problem: why it is no YAML, with the line; empty when it is.
        steps: all of them.
        jobs_with_permissions: jobs that say which permissions their token has.
        has_permissions: the workflow says so for all jobs.
        is_workflow: it is no composite action.
        events: names of the events that start it, with their lines.
    """

    path: str
    content: bytes
    text: str
    encoding: str
    problem: str
    steps: tuple[WorkflowStep, ...]
    jobs_with_permissions: frozenset[str]
    has_permissions: bool
    is_workflow: bool
    events: dict[str, int]

    def lines(self) -> Iterator[tuple[int, str]]:
        """Give the lines with their numbers, without those that are comments."""
        for number, line in enumerate(self.text.split("\n"), 1):
            if len(line) <= _LONGEST and not line.lstrip().startswith("#"):
                yield number, line


def read_all(repository: Repository) -> list[WorkflowFile]:
    """Return the workflows and composite actions of a repository that can be read."""
    paths = [path for path in repository.names(".github/workflows") if path.lower().endswith((".yml", ".yaml"))]
    paths += [
        path
        for path in repository.files(".github/actions", (".yml", ".yaml"))
        if path.rsplit("/", 1)[-1].lower() in ("action.yml", "action.yaml")
    ]
    paths += ["action.yml", "action.yaml"]
    real = dict.fromkeys(found for path in paths if (found := repository.real_path(path)) is not None)
    files = []
    for path in real:
        content = repository.read(path)
        if content is not None:
            files.append(parse(path, content))
    return files


def parse(path: str, content: bytes) -> WorkflowFile:
    """Return what a workflow says; whatever the bytes are, there is an answer."""
    try:
        text, encoding = content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        text, encoding = content.decode("latin-1"), "latin-1"
    problem = "" if encoding == "utf-8" else "it is not UTF-8 text"
    node = None
    if not problem and len(content) > MOST_BYTES:
        problem = f"it is larger than {MOST_BYTES:,} bytes"
    elif not problem:
        try:
            yaml_reader.parse(text, path)
            node = yaml_reader.compose(text)
        except ActionError as error:
            reason = "; ".join(part for part in (error.value, error.cause) if part)
            problem = f"{error.what.removeprefix(path).strip()} {reason}".strip()
    if problem:
        return _by_lines(path, content, text, encoding, problem)
    return _by_nodes(path, content, text, encoding, node)


# --- as YAML


def _by_nodes(path: str, content: bytes, text: str, encoding: str, node: yaml.Node | None) -> WorkflowFile:
    top = _mapping(node)
    jobs = {name: _mapping(job) for name, (_, job) in _mapping(top["jobs"][1]).items()} if "jobs" in top else {}
    found: list[WorkflowStep] = []
    for job, keys in jobs.items():
        if "steps" in keys:
            found += _steps(path, text, job, keys["steps"][1])
    runs = _mapping(top["runs"][1]) if "runs" in top else {}
    if "steps" in runs:
        found += _steps(path, text, "", runs["steps"][1])
    return WorkflowFile(
        path=path,
        content=content,
        text=text,
        encoding=encoding,
        problem="",
        steps=tuple(found),
        jobs_with_permissions=frozenset(job for job, keys in jobs.items() if "permissions" in keys),
        has_permissions="permissions" in top,
        is_workflow="jobs" in top,
        events=_events(top["on"][1]) if "on" in top else {},
    )


def _mapping(node: yaml.Node | None) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    """Return the keys of a mapping that are text, each with its own node and that of its value; nothing for other nodes."""
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {key.value: (key, value) for key, value in node.value if isinstance(key.value, str)}


def _steps(path: str, text: str, job: str, node: yaml.Node) -> Iterator[WorkflowStep]:
    for item in node.value if isinstance(node, yaml.SequenceNode) else ():
        keys = {key: value for key, (_, value) in _mapping(item).items()}
        inputs = {key: _value(text, value) for key, (_, value) in _mapping(keys.get("with")).items()}
        step_id = _value(text, keys.get("id"))
        yield WorkflowStep(
            file=path,
            line=item.start_mark.line + 1,
            job=job,
            step_id=step_id.text if step_id else "",
            uses=_value(text, keys.get("uses")),
            run=_value(text, keys.get("run")),
            inputs={key: value for key, value in inputs.items() if value is not None},
        )


def _value(text: str, node: yaml.Node | None) -> Value | None:
    if not isinstance(node, yaml.ScalarNode):
        return None
    start = node.start_mark.index + (1 if node.style in ("'", '"') else 0)
    spelled_so = text.startswith(node.value, start)
    last = node.end_mark.line + (1 if node.end_mark.column else 0)
    return Value(
        text=node.value,
        line=node.start_mark.line + 1,
        last_line=max(last, node.start_mark.line + 1),
        start=start if spelled_so else None,
    )


def _events(node: yaml.Node) -> dict[str, int]:
    if isinstance(node, yaml.ScalarNode):
        return {node.value: node.start_mark.line + 1}
    if isinstance(node, yaml.SequenceNode):
        return {one.value: one.start_mark.line + 1 for one in node.value if isinstance(one.value, str)}
    return {name: own.start_mark.line + 1 for name, (own, _) in _mapping(node).items()}


# --- by lines


@dataclass(frozen=True)
class _Line:
    """A line that holds a key.

    Attributes:
        number: from 1.
        start: index of its first character in the text.
        column: of the key, from 0.
        begins_item: a dash stands before the key.
        key: itself.
        value: what stands behind it; with the place of its text.
        last: number of the last line of a block of text that belongs to it.
    """

    number: int
    start: int
    column: int
    begins_item: bool
    key: str
    value: Value | None
    last: int


def _by_lines(path: str, content: bytes, text: str, encoding: str, problem: str) -> WorkflowFile:
    keys = list(_keys(text))
    steps: list[list[_Line]] = []
    seen = 0
    for number, line in enumerate(keys):
        if line.key in ("uses", "run") and number >= seen:
            first, seen = _step_around(keys, number, seen)
            steps.append(keys[first:seen])
    return WorkflowFile(
        path=path,
        content=content,
        text=text,
        encoding=encoding,
        problem=problem,
        steps=tuple(_step(path, step) for step in steps),
        jobs_with_permissions=frozenset(),
        has_permissions=any(line.key == "permissions" for line in keys),
        is_workflow=any(line.key == "jobs" for line in keys),
        events={line.key: line.number for line in keys if line.key == "repository_dispatch"},
    )


def _keys(text: str) -> Iterator[_Line]:
    """Give the lines with keys; the lines of a block of text (``run: |``) are part of its key."""
    lines = text.split("\n")
    start, skip = 0, 0
    for number, line in enumerate(lines, 1):
        found = _KEY.match(line) if len(line) <= _LONGEST else None
        if number > skip and found and not line.lstrip().startswith("#"):
            column, value = found.end("lead"), found["value"] or ""
            last = number
            if _BLOCK.match(value):
                last = skip = _end_of_block(lines, number, column)
            yield _Line(
                number=number,
                start=start,
                column=column,
                begins_item="-" in found["lead"],
                key=found["key"],
                value=_line_value(lines, value, number, last, start + found.start("value")) if value else None,
                last=last,
            )
        start += len(line) + 1


def _end_of_block(lines: list[str], number: int, column: int) -> int:
    end = number
    for following in range(number, len(lines)):
        line = lines[following]
        if line.strip() and len(line) - len(line.lstrip(" ")) <= column:
            break
        end = following + 1
    return end


def _line_value(lines: list[str], value: str, number: int, last: int, start: int) -> Value | None:
    if last > number:
        return Value("\n".join(lines[number:last]), number, last, None)
    found = _PLAIN_OR_QUOTED.match(value)
    return Value(found["text"], number, number, start + found.start("text")) if found else None


def _step_around(keys: list[_Line], number: int, earliest: int) -> tuple[int, int]:
    """Return where the step of a line begins and ends: from the dash to the last line that is not less indented."""
    column = keys[number].column
    first = number
    while first > earliest and not (keys[first].column == column and keys[first].begins_item):
        if keys[first - 1].column < column:
            break
        first -= 1
    last = number + 1
    while last < len(keys) and keys[last].column >= column:
        if keys[last].column == column and keys[last].begins_item:
            break
        last += 1
    return first, last


def _step(path: str, lines: list[_Line]) -> WorkflowStep:
    column = min(line.column for line in lines)
    own = {line.key: line.value for line in lines if line.column == column}
    inputs: dict[str, Value] = {}
    inside = False
    for line in lines:
        if line.column == column:
            inside = line.key == "with"
        elif inside and line.value is not None:
            inputs[line.key] = line.value
    step_id = own.get("id")
    return WorkflowStep(
        file=path,
        line=lines[0].number,
        step_id=step_id.text if step_id else "",
        uses=own.get("uses"),
        run=own.get("run"),
        inputs=inputs,
    )
