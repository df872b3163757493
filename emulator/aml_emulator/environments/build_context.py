"""A Docker build context, as far as it means a Python environment: a conda file, and variables.

There is no container engine here: an image is not run and no step is carried out in one. A Dockerfile is understood only if nothing
is lost by that: its base image counts as the machine, the conda file that it installs is built as any other, its variables are set,
and what only describes an image has no effect. Any other step is refused, by its line, rather than left out.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

from aml_emulator.environments import dockerfile
from aml_emulator.environments.dockerfile import Instruction

NOTE = "# Dockerfile, "
"""How a comment begins that says which step of a Dockerfile has no effect."""

_DESCRIBING = ("EXPOSE", "LABEL", "MAINTAINER")
_OF_THE_MACHINE = ("HOME", "PATH", "VIRTUAL_ENV")  # where things are on this machine, which no image changes
_CONDA = ("conda", "mamba", "micromamba")
_CONDA_OPTIONS = ("-n", "--name", "-p", "--prefix")
_CONDA_FLAGS = ("-q", "--quiet", "-v", "--verbose", "-y", "--yes", "--force", "--prune")
_SHELL = re.compile(r"[|;<>`()*?!]|(?<!&)&(?!&)")
_SUPPORTED = (
    "Steps that are carried out: FROM; ARG, ENV, LABEL, EXPOSE and WORKDIR; COPY of a conda file; RUN of 'conda env create' or"
    " 'conda env update' with that file, of 'conda clean', and of 'rm' of that file"
)


class BuildContextError(ValueError):
    """A Dockerfile that is wrong; the message is for its author."""


class StepNotCarriedOut(BuildContextError):
    """A Dockerfile with a step that needs a container engine."""

    def __init__(self, step: Instruction) -> None:
        super().__init__(f"Line {step.line} of the Dockerfile, '{step}', is not carried out here. {_SUPPORTED}")


@dataclass(frozen=True)
class Recipe:
    """What a build context comes to.

    Attributes:
        conda_file: path of the conda file in the context.
        variables: environment variables of the image.
        notes: the steps that have no effect, by their lines; for the build log.

    """

    conda_file: str
    variables: Mapping[str, str]
    notes: tuple[str, ...]


def read(text: str) -> Recipe:
    """What a Dockerfile comes to.

    Raises:
        StepNotCarriedOut: it has a step that means more than a Python environment.
        BuildContextError: it is no Dockerfile, or installs no conda file.

    """
    reader = _Reader()
    try:
        for step in dockerfile.instructions(text):
            reader.take(step)
    except ValueError as error:
        raise error if isinstance(error, BuildContextError) else BuildContextError(str(error)) from None
    return reader.recipe()


def merged(conda_file: str, recipe: Recipe) -> str:
    """The text of the context's conda file with the image's variables, and the notes as comments (`NOTE`) at its head.

    Raises:
        BuildContextError: the conda file is no mapping.

    """
    try:
        content = yaml.safe_load(conda_file)
    except yaml.YAMLError as error:
        raise BuildContextError(f"The conda file '{recipe.conda_file}' is not YAML: {error}") from None
    if not isinstance(content, dict):
        raise BuildContextError(f"The conda file '{recipe.conda_file}' must be a mapping with 'dependencies'.")
    own = content.get("variables") or {}
    if recipe.variables and isinstance(own, dict):
        content["variables"] = {**recipe.variables, **own}  # to activate an environment is what happens last
        conda_file = yaml.safe_dump(content, sort_keys=False)
    return "".join(f"{NOTE}{note}\n" for note in recipe.notes) + conda_file


@dataclass
class _Reader:
    """One Dockerfile, step by step."""

    base: str = ""
    folder: str = "/"
    given: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    copied: dict[str, tuple[Instruction, str]] = field(default_factory=dict)
    installed: str = ""

    def take(self, step: Instruction) -> None:
        """Understand one step."""
        if not self.base and step.name not in ("FROM", "ARG"):
            raise BuildContextError(f"Line {step.line} of the Dockerfile, '{step}', comes before FROM.")
        if step.name == "FROM":
            self._from(step)
        elif step.name == "ARG":
            self._arg(step)
        elif step.name == "ENV":
            self._env(step)
        elif step.name == "WORKDIR":
            self.folder = self._at(" ".join(self._words(step, step.rest)))
            self._note(step, "a job and a web service have a working directory of their own")
        elif step.name in ("COPY", "ADD"):
            self._copy(step)
        elif step.name == "RUN":
            self._run(step)
        elif step.name in _DESCRIBING:
            self._note(step, "it only describes the image")
        else:
            raise StepNotCarriedOut(step)

    def recipe(self) -> Recipe:
        """What all steps come to."""
        if not self.base:
            raise BuildContextError("The Dockerfile has no FROM.")
        for step, source in self.copied.values():
            if source != self.installed:
                raise StepNotCarriedOut(step)
        if not self.installed:
            raise BuildContextError(
                f"The Dockerfile installs no conda file, and the image {self.base} itself is not run here. {_SUPPORTED}."
            )
        return Recipe(self.installed, self.variables, tuple(self.notes))

    def _from(self, step: Instruction) -> None:
        found = [word for word in self._words(step, step.rest) if not word.startswith("--")]
        if self.base or len(found) not in (1, 3):
            raise StepNotCarriedOut(step)
        self.base = found[0]
        self.given, self.arguments = self.arguments, {}  # an argument from before FROM has to be named again
        self._note(step, "the image is not run, this machine takes its place")

    def _arg(self, step: Instruction) -> None:
        for word in self._words(step, step.rest):
            name, has_value, value = word.partition("=")
            self.arguments[name] = value if has_value else self.given.get(name, "")

    def _env(self, step: Instruction) -> None:
        name, _, rest = step.rest.partition(" ")
        if "=" in name:
            pairs = [word.partition("=")[::2] for word in self._words(step, step.rest)]
        else:
            pairs = [(name, " ".join(self._words(step, rest)))]
        for key, value in pairs:
            if not re.fullmatch(r"\w+", key):
                raise BuildContextError(f"Line {step.line} of the Dockerfile, '{step}', names no variable.")
            if key in _OF_THE_MACHINE:
                self._note(step, f"{key} is that of this machine")
            else:
                self.variables[key] = value

    def _copy(self, step: Instruction) -> None:
        found = self._words(step, step.rest)
        options, paths = [word for word in found if word[:2] == "--"], [word for word in found if word[:2] != "--"]
        if len(paths) != 2 or any(option.startswith("--from") for option in options) or "://" in paths[0]:
            raise StepNotCarriedOut(step)
        source, target = posixpath.normpath(paths[0]).lstrip("/"), posixpath.join(self.folder, paths[1])
        if posixpath.basename(target) in ("", ".", ".."):
            target = posixpath.join(target, posixpath.basename(source))
        self.copied[posixpath.normpath(target)] = (step, source)

    def _run(self, step: Instruction) -> None:
        if not step.rest.startswith("[") and _SHELL.search(step.rest):
            raise StepNotCarriedOut(step)
        parts = [step.rest] if step.rest.startswith("[") else step.rest.split("&&")
        for command in (self._words(step, part.strip()) for part in parts):
            program = posixpath.basename(command[0]) if command else ""
            if program in _CONDA and command[1:3] in (["env", "create"], ["env", "update"]):
                self._install(step, command[3:])
            elif program == "rm" and all(word.startswith("-") or self._at(word) in self.copied for word in command[1:]):
                continue
            elif program not in _CONDA or command[1:2] != ["clean"]:
                raise StepNotCarriedOut(step)

    def _install(self, step: Instruction, options: list[str]) -> None:
        file, left = "", list(options)
        while left:
            name, has_value, value = left.pop(0).partition("=")
            if name in ("-f", "--file", *_CONDA_OPTIONS):
                value = value if has_value or not left else left.pop(0)
                file = value if name in ("-f", "--file") else file
            elif name not in _CONDA_FLAGS:
                raise StepNotCarriedOut(step)
        found = self.copied.get(self._at(file)) if file else None
        if found is None:
            raise BuildContextError(
                f"Line {step.line} of the Dockerfile, '{step}', installs a file that no COPY brought from the build context."
            )
        if self.installed:
            raise StepNotCarriedOut(step)
        self.installed = found[1]

    def _words(self, step: Instruction, text: str) -> list[str]:
        try:
            return dockerfile.words(text, {**self.arguments, **self.variables})
        except ValueError as error:
            raise BuildContextError(f"Line {step.line} of the Dockerfile, '{step}': {error}.") from None

    def _at(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self.folder, path))

    def _note(self, step: Instruction, effect: str) -> None:
        self.notes.append(f"line {step.line}: '{step}' has no effect: {effect}.")
