"""What act lets pass and GitHub does not, found in the files before anything runs.

act is kinder than GitHub in some places and stricter in others. A check says what GitHub would do, so that a run that
is green here is green there. The actions that a workflow uses are checked like the workflow itself.
"""

import re
from collections.abc import Collection, Iterator

from aml_emulator.github import expressions
from aml_emulator.github.actions import Action, ActionFinder, repository_ref
from aml_emulator.github.definition import Job, Located, Step, Workflow, as_located, as_words, read_workflow
from aml_emulator.github.errors import InvalidWorkflow, Problem

HOSTED_LABELS = ("ubuntu-latest", "ubuntu-24.04", "ubuntu-22.04", "ubuntu-slim", "self-hosted", "linux", "x64")
"""The runner labels that this machine stands in for when nothing else is said."""

_READS_INPUT_VARIABLE = re.compile(r"\bINPUT_[A-Z0-9_]+\b")


def check_workflow(
    workflow: Workflow, finder: ActionFinder, *, labels: Collection[str] = HOSTED_LABELS, node: bool = True
) -> list[Problem]:
    """Check a workflow and every action it uses.

    `labels` are the runner labels there are machines for; `node` tells whether Node.js is at hand. Gives all problems.
    """
    return _Checker(finder, frozenset(labels), node).workflow(workflow)


def check_action(action: Action, finder: ActionFinder, *, node: bool = True) -> list[Problem]:
    """Check an action by itself, and the actions it uses."""
    checker = _Checker(finder, frozenset(), node)
    checker.action(action)
    return checker.problems


class _Checker:
    def __init__(self, finder: ActionFinder, labels: frozenset[str], node: bool) -> None:
        self.finder = finder
        self.labels = labels
        self.node = node
        self.problems: list[Problem] = []
        self._seen: set[str] = set()

    def workflow(self, workflow: Workflow) -> list[Problem]:
        for job in workflow.jobs:
            self._job(workflow, job)
        return self.problems

    def _add(self, file: str, line: int, message: str) -> None:
        problem = Problem(file, line, message)
        if problem not in self.problems:
            self.problems.append(problem)

    def _job(self, workflow: Workflow, job: Job) -> None:
        file, raw = workflow.path, job.raw
        others = {other.id: other for other in workflow.jobs}
        for name in job.needs:
            if name not in others:
                self._add(file, raw.line_of("needs"), f"the job {job.id!r} needs the job {name!r}, which is not there")
        for line, text in _texts(raw):
            for name, output in expressions.needed_outputs(text):
                if name not in job.needs:
                    self._add(file, line, f"reads from needs.{name}, but the job {job.id!r} does not need {name!r}")
                elif name in others and not others[name].uses and output not in others[name].outputs:
                    self._add(file, line, f"the job {name!r} has no output {output!r}")
        if job.uses is not None:
            self._called_workflow(file, job)
            return
        self._runs_on(file, job)
        if "continue-on-error" in raw:
            self._add(
                file, raw.line_of("continue-on-error"), "act does not know a job's `continue-on-error`; set it on steps"
            )
        for key in ("container", "services"):
            if key in raw:
                self._add(
                    file, raw.line_of(key), f"`{key}:` needs a container engine; jobs here run on this machine itself"
                )
        known = self._steps(file, job.steps, composite=False)
        for name, expression in job.outputs.items():
            line = as_located(raw.get("outputs")).line_of(name)
            self._references(file, line, expression, known)
            if expressions.reads_secrets(expression):
                self._add(file, line, f"the job output {name!r} holds a secret; GitHub would not pass it on")

    def _called_workflow(self, file: str, job: Job) -> None:
        line, uses = job.raw.line_of("uses"), job.uses or ""
        key = repository_ref(uses)
        try:
            if uses.startswith("./"):
                called = read_workflow(self.finder.repository, uses.removeprefix("./"))
            elif key in self.finder.mapped:
                path = "/".join(uses.partition("@")[0].split("/")[2:])
                called = read_workflow(self.finder.mapped[key or ""], path)
            else:
                self._add(file, line, f"{uses} is not here, and nothing is fetched from GitHub")
                return
        except InvalidWorkflow as error:
            self.problems += error.problems
            return
        if "workflow_call" not in called.on:
            self._add(file, line, f"{called.path} cannot be called: its `on:` has no workflow_call")
        if called.path not in self._seen:
            self._seen.add(called.path)
            self.workflow(called)

    def _runs_on(self, file: str, job: Job) -> None:
        line, value = job.raw.line_of("runs-on"), job.raw.get("runs-on")
        if value is None:
            self._add(file, line, f"the job {job.id!r} has no `runs-on:`")
        elif isinstance(value, Located):
            self._add(file, line, "`runs-on` with a group: there are no runner groups here; name labels")
        matrix = as_located(as_located(job.raw.get("strategy")).get("matrix"))
        for word in () if isinstance(value, Located) else as_words(value):
            for label in _expanded(word, matrix):
                if label.lower() not in self.labels:
                    have = ", ".join(sorted(self.labels))
                    self._add(
                        file,
                        line,
                        f"no machine here has the label {label!r} (there are {have}); act would skip the job",
                    )

    def _steps(self, file: str, steps: tuple[Step, ...], *, composite: bool) -> dict[str, Action | None]:
        """Check steps in order. Gives the ids with the action behind each; None for those whose outputs are not declared."""
        known: dict[str, Action | None] = {}
        for step in steps:
            raw = step.raw
            if (step.uses is None) == (step.run is None):
                self._add(file, raw.line, f"{step.name!r} must have either `uses:` or `run:`")
            for line, text in _texts(raw):
                self._references(file, line, text, known)
            action = self._action_of(file, step)
            if step.run is not None and composite:
                self._composite_run(file, step)
            if step.id is not None:
                if step.id in known:
                    self._add(file, raw.line_of("id"), f"the step id {step.id!r} is there twice")
                known[step.id] = action
        return known

    def _composite_run(self, file: str, step: Step) -> None:
        if "shell" not in step.raw:
            self._add(
                file, step.raw.line_of("run"), f"{step.name!r} has no `shell:`; GitHub refuses it in a composite action"
            )
        for variable in sorted(set(_READS_INPUT_VARIABLE.findall(step.run or ""))):
            self._add(
                file,
                step.raw.line_of("run"),
                f"reads {variable}, which GitHub does not set in composite actions; use `env:`",
            )

    def _action_of(self, file: str, step: Step) -> Action | None:
        if step.uses is None:
            return None
        line = step.raw.line_of("uses")
        if step.uses.startswith("$/"):
            self._add(file, line, f"act does not know {step.uses}; write ./ or owner/repository/path@ref")
            return None
        try:
            action = self.finder.find(step.uses)
        except LookupError as error:
            self._add(file, line, str(error))
            return None
        except InvalidWorkflow as error:
            self.problems += error.problems
            return None
        self._inputs(file, step, action)
        if step.uses not in self._seen:
            self._seen.add(step.uses)
            self.action(action)
        return action

    def _inputs(self, file: str, step: Step, action: Action) -> None:
        given = as_located(step.raw.get("with"))
        names = {name.lower() for name in given}
        for name in given:
            if name.lower() not in action.inputs:
                known = ", ".join(action.inputs) or "none"
                what = "the stand-in for it does not know" if action.stand_in else "has no"
                self._add(file, given.line_of(name), f"{step.uses} {what} input {name!r}; its inputs: {known}")
        for name, declaration in action.inputs.items():
            if declaration.get("required") is True and "default" not in declaration and name not in names:
                self._add(file, step.raw.line_of("uses"), f"{step.uses} requires the input {name!r}")

    def action(self, action: Action) -> None:
        file, runs = action.file, as_located(action.raw.get("runs"))
        if action.using.startswith("node"):
            if not self.node:
                self._add(file, runs.line_of("using"), f"needs Node.js ({action.using}), which is not on the PATH")
            return
        if action.using != "composite":
            self._add(
                file, runs.line_of("using"), f"`using: {action.using}` does not run here; composite and node actions do"
            )
            return
        known = self._steps(file, action.steps, composite=True)
        for name, declaration in action.outputs.items():
            if "value" not in declaration:
                self._add(file, declaration.line, f"the output {name!r} has no `value:`; it would be empty on GitHub")
            self._references(file, declaration.line_of("value"), str(declaration.get("value", "")), known)
        scripts = [step for step in action.steps if step.run is not None]
        if action.published and scripts and not _ends_in_exec(scripts[-1].run or ""):
            self._add(
                file,
                scripts[-1].raw.line_of("run"),
                "the last line of the last script is no `exec`: a cancelled workflow would not reach the program it starts",
            )

    def _references(self, file: str, line: int, text: str, known: dict[str, Action | None]) -> None:
        for name in expressions.steps(text):
            if name not in known:
                have = ", ".join(known) or "none"
                self._add(file, line, f"refers to steps.{name}, but no step before has that id; ids so far: {have}")
        for name, output in expressions.step_outputs(text):
            action = known.get(name)
            if action is not None and output.lower() not in action.outputs:
                declared = ", ".join(action.outputs) or "none"
                self._add(file, line, f"{action.file} declares no output {output!r}; its outputs: {declared}")
        if expressions.calls(text, "case"):
            self._add(file, line, "act does not know the function case()")
        if expressions.calls(text, "hashFiles") and not self.node:
            self._add(file, line, "hashFiles() needs Node.js on the PATH; without it act answers with an empty text")


def _texts(value: object, line: int = 0) -> Iterator[tuple[int, str]]:
    """Give every text below a mapping of the file, with its line. A bare `if:` is given as the expression it is."""
    if isinstance(value, Located):
        for key, item in value.items():
            if key == "if" and isinstance(item, str) and "${{" not in item:
                yield value.line_of(key), f"${{{{ {item} }}}}"
            else:
                yield from _texts(item, value.line_of(key))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, line)
    elif isinstance(value, str):
        yield line, value


def _expanded(word: str, matrix: Located) -> tuple[str, ...]:
    """Give the labels a `runs-on` stands for: itself, or the values of the matrix key it names. Others cannot be told."""
    if "${{" not in word:
        return (word,)
    named = re.fullmatch(r"\$\{\{\s*matrix\.([\w-]+)\s*\}\}", word.strip())
    return as_words(matrix.get(named.group(1))) if named else ()


def _ends_in_exec(script: str) -> bool:
    lines = [line.strip() for line in script.splitlines() if line.strip() and not line.strip().startswith("#")]
    return bool(lines) and lines[-1].startswith("exec ")
