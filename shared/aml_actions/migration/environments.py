"""Environment files whose pins no longer exist for a supported Python: what is written instead, and what remains to be decided.

That a package exists does not mean that it fits the code: every pin that is replaced is also a decision.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from aml_actions import yaml_reader
from aml_actions.errors import ActionError
from aml_actions.migration import package_facts as facts
from aml_actions.migration import python_code
from aml_actions.migration.changes import Change, Decision, Edit, EnvironmentFile, Migration
from aml_actions.migration.python_code import CodeUse, Use
from aml_actions.migration.repository import Repository
from aml_actions.migration.requirements import Line, Requirement, conda_lines, parse, pip_lines, release

_TRY = "Build the environment with it and run the code."
_INCLUDED = re.compile(r"^(?:-r|--requirement)[ =]*(?P<path>\S+)$")
_SHOWN = 8
"""Names that one sentence lists."""


@dataclass(frozen=True)
class Revision:
    """An environment file with other pins.

    Attributes:
        text: the new content.
        edits: what changed in it.
        decisions: what a person must look at; lines are those of the old content.
        included: requirements files that it names (``-r``), relative to itself.
        python: the version of Python that its packages are for.
    """

    text: str
    edits: tuple[Edit, ...]
    decisions: tuple[Decision, ...]
    included: tuple[str, ...]
    python: tuple[int, int]


def migrate(repository: Repository, files: Sequence[EnvironmentFile]) -> Migration:
    """Revise the environment files of all jobs and deployments; one that several use is revised once."""
    found = Migration()
    by_path: dict[str, list[EnvironmentFile]] = {}
    for file in files:
        real = repository.real_path(file.path)
        if real is not None:
            by_path.setdefault(real, []).append(file)
    for path, uses in by_path.items():
        code = python_code.look(repository, sorted({folder for use in uses for folder in use.code}))
        serves = any(use.purpose == "serving" for use in uses)
        found.extend([_file(repository, path, code, serves, None), _of_code(path, code, serves)])
    return found


def _file(repository: Repository, path: str, code: CodeUse, serves: bool, python: tuple[int, int] | None) -> Migration:
    """Revise one file and those that it includes. `python` is None for a conda file, which names its own."""
    found = Migration()
    content = repository.read(path)
    if content is None:
        return found
    try:
        text, encoding = content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        text, encoding = content.decode("latin-1"), "latin-1"
    made = revise(text, path, code, serves=serves, python=python)
    if made.text != text:
        found.changes.append(Change(path, content, made.text.encode(encoding), made.edits))
    found.decisions += made.decisions
    for name in made.included if python is None else ():
        real = repository.real_path(posixpath.join(posixpath.dirname(path), name))
        if real is not None and real != path:
            found.extend([_file(repository, real, code, serves, made.python)])
    return found


def revise(text: str, path: str, code: CodeUse, *, serves: bool, python: tuple[int, int] | None = None) -> Revision:
    """Return an environment file with pins that exist.

    Args:
        text: of a conda file, of YAML that holds the content of one, or of a requirements file.
        path: of the file, for the decisions.
        code: what the scripts in this environment use.
        serves: it is the environment of a deployment.
        python: the version of Python that a requirements file is for; None for a conda file, which names its own.
    """
    return _Revising(text, path, code, serves, python).run()


@dataclass
class _Replacement:
    """What takes the place of a requirement.

    Attributes:
        texts: the new requirements, each on a line of its own.
        why: one sentence for the edit and the comment.
        decide: what follows from it for a person.
        options: what they can do.
    """

    texts: tuple[str, ...]
    why: str
    decide: str
    options: tuple[str, ...]


@dataclass
class _Revising:
    """One pass over one file."""

    text: str
    path: str
    code: CodeUse
    serves: bool
    given_python: tuple[int, int] | None
    edits: list[Edit] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    replaced: dict[int, list[str]] = field(default_factory=dict)
    python_moves: bool = False

    def run(self) -> Revision:
        lines = self.text.split("\n")
        found = list(conda_lines(lines) if self.given_python is None else pip_lines(lines))
        python = self.given_python or self._python(found)
        final = {line.index: line.requirement for line in found}
        for line in found:
            if line.requirement is not None and line.requirement.name != "python":
                made = self._judge(line.requirement, line.section, python)
                if made is not None:
                    self._replace(line, made)
                    final[line.index] = parse(made.texts[0])
                else:
                    self._range(line, line.requirement, python)
        self._beside_server(found, final)
        self._numpy(found, final, python)
        if self.given_python is None:
            self._name_python(lines, found)
            self._other_style(found, python)
        self._left(found)
        self._hashes(lines)
        for index, new in self.replaced.items():
            lines[index] = "\n".join(new)
        included = [match["path"] for line in found if (match := _INCLUDED.match(line.text))]
        ordered = sorted(self.edits, key=lambda edit: edit.line or 0)
        return Revision("\n".join(lines), tuple(ordered), tuple(self.decisions), tuple(included), python)

    # --- Python

    def _python(self, found: list[Line]) -> tuple[int, int]:
        """Return the version that the packages are for; one past its end of life is replaced."""
        version = facts.PYTHON
        for line in found:
            asked = line.requirement
            if asked is None or asked.name != "python" or not asked.pin:
                continue
            numbers = [int(part) for part in release(asked.pin)[:2]]
            if len(numbers) == 2:  # `python=3` is any
                version = self._supported(line, (numbers[0], numbers[1]))
        return version

    def _supported(self, line: Line, version: tuple[int, int]) -> tuple[int, int]:
        if version < facts.OLDEST_PYTHON:
            self.python_moves = True
            new = f"python={_dotted(facts.PYTHON)}"
            self._replace(
                line,
                _Replacement(
                    (new,),
                    f"Python {_dotted(version)} is past its end of life, and packages for it are hard to get.",
                    "Code and packages are then run by another version of Python than the one they were written for.",
                    (_TRY, "Another supported version of Python, if the packages need one."),
                ),
            )
            return facts.PYTHON
        if version <= facts.END_OF_LIFE:
            self._decide(
                line,
                f"Python {_dotted(version)} is past its end of life.",
                "It gets no security updates. It is left, since packages for it can still be had.",
                (f"`python={_dotted(facts.PYTHON)}`, with newer pins.", "Leave it for now."),
            )
        return version

    def _name_python(self, lines: list[str], found: list[Line]) -> None:
        """Ask for the Python that the new pins are for, where the file leaves it to the build."""
        named = [line for line in found if line.requirement is not None and line.requirement.name == "python"]
        if not self.replaced or not found or any(line.requirement and line.requirement.clauses for line in named):
            return
        new = f"python={_dotted(facts.PYTHON)}"
        why = (
            "The file names no version of Python, so the newest would be taken, for which the new pins have no wheels."
        )
        if named:
            self._put(
                named[0],
                [named[0].written(new, "no version before")],
                Edit(why, named[0].index + 1, named[0].text, new),
            )
            return
        first = found[0]
        if first.section != "conda":
            # `- pip:` comes first; its line is no requirement, so the new one goes before it.
            index = next(number for number in range(first.index, -1, -1) if "dependencies" in lines[number]) + 1
            lead = lines[index][: len(lines[index]) - len(lines[index].lstrip(" "))]
            end = "\r" if lines[index].endswith("\r") else ""
            self.replaced[index] = [f"{lead}- {new}{end}", lines[index]]
            self.edits.append(Edit(why, index + 1, "", new))
        else:
            added = replace(first, mark="", tail=_end(first)).written(new)
            self._put(
                first,
                [added, *self.replaced.get(first.index, [self._as_is(first)])],
                Edit(why, first.index + 1, "", new),
            )

    # --- packages

    def _judge(self, asked: Requirement, section: str, python: tuple[int, int]) -> _Replacement | None:
        """Return what takes the place of a package; None when it stays."""
        if asked.name in facts.SDK_V1:
            return self._sdk_v1(asked)
        known = facts.WHEELS.get(asked.name)
        first = known.first.get(python) if known else None
        if first is None or asked.newest >= release(first) or not asked.pin:
            return None
        series = ".".join(first.split(".")[:2])
        new = f"{asked.spelled}={series}" if section == "conda" else f"{asked.spelled}=={first}{asked.marker}"
        source = " (wheels on PyPI; a conda channel may begin with another version)" if section == "conda" else ""
        jump = release(first)[:1] > release(asked.pin)[:1] and release(asked.pin)[:1] > (0,)
        return _Replacement(
            (new,),
            f"{asked.name} {asked.pin} has no wheel for Python {_dotted(python)}; {first} is the first that has one.",
            f"Nobody has tried the code with {asked.name} {first}{source}."
            + (" It is another major version." if jump else "")
            + (
                " A model that was pickled with the old version has to be trained anew."
                if asked.name == "scikit-learn"
                else ""
            ),
            (_TRY, f"A newer version of {asked.name}; training and serving need the same one."),
        )

    def _beside_server(self, found: list[Line], final: dict[int, Requirement | None]) -> None:
        """Lift pins that are lower than what the new server asks for."""
        server = parse(facts.SERVER)
        if server is None or not any(
            asked and asked.name == server.name and asked.pin == server.pin for asked in final.values()
        ):
            return
        for line in found:
            asked = line.requirement
            needed = facts.SERVER_NEEDS.get(asked.name) if asked else None
            if asked is None or needed is None or asked.newest >= release(needed):
                continue
            self._replace(
                line,
                _Replacement(
                    (f"{asked.spelled}=={needed}.*{asked.marker}",),
                    f"{server.name} {server.pin} asks for {asked.name} {needed} or newer.",
                    f"Nobody has tried the scoring script with {asked.name} {needed}.",
                    (_TRY,),
                ),
            )

    def _range(self, line: Line, asked: Requirement, python: tuple[int, int]) -> None:
        """Report a limit below every version that exists; which one would fit is not guessed."""
        known = facts.WHEELS.get(asked.name)
        first = known.first.get(python) if known else None
        if first is not None and asked.newest < release(first):
            self._decide(
                line,
                f"`{line.text}` allows no version that has a wheel for Python {_dotted(python)}; {first} is the first that has one.",
                "The environment cannot be built.",
                (f"`{asked.spelled}>={first}`. {_TRY}",),
            )

    def _sdk_v1(self, asked: Requirement) -> _Replacement | None:
        """Return what takes the place of a part of SDK v1."""
        needed = facts.SDK_V1[asked.name]
        is_defaults = asked.name == "azureml-defaults"
        if self.serves and is_defaults and not self.code.imports("azureml.core"):
            needed = facts.SERVING_DEFAULTS
        if asked.newest >= release(needed):
            return None
        texts: list[str] = []
        if self.serves and is_defaults:
            texts.append(facts.SERVER)
        if not self.serves or self.code.imports("azureml.core") or not is_defaults:
            texts.append(facts.CORE)
        others = sorted(
            {use.name.split(".")[1] for use in self.code.modules if use.name.startswith("azureml.")} - {"core"}
        )
        told = (
            f" The scripts also import azureml.{', azureml.'.join(others)}; that is in packages of their own."
            if others
            else ""
        )
        if self.serves:
            decide = f"The deployment gets the server, and of SDK v1 only what its scripts import.{told}"
            options = (
                _TRY,
                "Read the folder of the model from the variable AZUREML_MODEL_DIR and leave azureml-core out.",
            )
        elif self.code.imports("azureml"):
            decide = f"`Run.get_context()` and `run.log()` work in a v2 job with azureml-core.{told}"
            options = (_TRY, "Log with MLflow: azureml-mlflow and mlflow instead of azureml-core.")
        else:
            decide = "No script beside this file imports azureml."
            options = ("Remove the line.", _TRY)
        return _Replacement(
            tuple(texts),
            f"{asked.name} {asked.pin or 'below its limit'} cannot be used on Python {_dotted(facts.PYTHON)} any more.",
            decide,
            options,
        )

    def _numpy(self, found: list[Line], final: dict[int, Requirement | None], python: tuple[int, int]) -> None:
        """Keep NumPy below the version that other pins, or the scripts, do not work with."""
        numpy = [line for line in found if (asked := line.requirement) is not None and asked.name == "numpy"]
        limited = any((asked := final[line.index]) is not None and asked.clauses for line in numpy)
        old = [
            line
            for line in found
            if (asked := final[line.index]) is not None
            and (known := facts.WHEELS.get(asked.name)) is not None
            and known.numpy_2
            and asked.newest < release(known.numpy_2)
        ]
        can_have_aliases = release(facts.WHEELS["numpy"].first.get(python, "9")) < release(facts.NUMPY_WITHOUT_ALIASES)
        aliases = self.code.numpy_aliases if can_have_aliases else ()
        if limited or not (old or (aliases and numpy)):
            return
        limit = facts.NUMPY_WITHOUT_ALIASES if aliases else "2"
        reasons = [
            f"{asked.name} {asked.pin or 'below its limit'} was built for NumPy 1"
            for line in old[:1]
            if (asked := final[line.index])
        ]
        reasons += [f"the scripts use {aliases[0].name}, which NumPy 1.24 removed" for _ in aliases[:1]]
        why = " and ".join(reasons)
        new = f"numpy<{limit}"
        if numpy:
            line = numpy[0]
            self._put(line, [line.written(new, "no limit before")], Edit(f"{why}.", line.index + 1, line.text, new))
        else:
            line = old[0]
            added = replace(line, tail=_end(line)).written(new, why)
            self._put(
                line,
                [*self.replaced.get(line.index, [self._as_is(line)]), added],
                Edit(f"{why}.", line.index + 1, "", new),
            )
        self._decide(
            line,
            f"`{new}` is asked for: {why}.",
            "Without it the newest NumPy is installed, and the import fails.",
            (_TRY, "Newer versions of the packages, and scripts without the removed names; then remove the line."),
        )

    def _left(self, found: list[Line]) -> None:
        """Name the pins that are neither known to be gone nor known to be there."""
        if not self.python_moves:
            return
        rest = []
        for line in found:
            asked = line.requirement
            if asked is None or not asked.pin or asked.name in ("python", "pip") or line.index in self.replaced:
                continue
            if asked.name in facts.HINTS:
                self._decide(
                    line,
                    f"`{line.text}` is kept: {facts.HINTS[asked.name]}.",
                    f"The file moves to Python {_dotted(facts.PYTHON)}.",
                    (_TRY, "A newer version."),
                )
            elif asked.name not in facts.WHEELS and asked.name not in facts.SDK_V1:
                rest.append(line)
        if rest:
            names = ", ".join(f"`{line.text}`" for line in rest[:_SHOWN]) + (" ..." if len(rest) > _SHOWN else "")
            self._decide(
                rest[0],
                f"Other pins are kept: {names}.",
                f"Whether these versions exist for Python {_dotted(facts.PYTHON)} is not known here.",
                (_TRY,),
            )

    def _hashes(self, lines: list[str]) -> None:
        number = next((number for number, line in enumerate(lines, 1) if "--hash=" in line), None)
        if number is not None and self.given_python is not None:
            self.decisions.append(
                Decision(
                    self.path,
                    number,
                    "The file holds hashes; it is a lock, and is not changed.",
                    f"Its pins were chosen for another version of Python than {_dotted(self.given_python)}.",
                    ("Make the lock anew from its source.",),
                )
            )

    def _other_style(self, found: list[Line], python: tuple[int, int]) -> None:
        """Report pins that stand in a form that is not edited, such as ``dependencies: [python=3.6]``."""
        known = {line.text for line in found}
        for text in _specifications(self.text, self.path):
            asked = parse(text)
            if asked is None or text in known:
                continue
            numbers = release(asked.pin)[:2] if asked.name == "python" else ()
            is_old = len(numbers) == 2 and numbers < facts.OLDEST_PYTHON
            made = None if asked.name == "python" else self._judge(asked, "pip", python)
            if is_old or made is not None:
                instead = " and ".join(made.texts) if made else f"python={_dotted(facts.PYTHON)}"
                self.decisions.append(
                    Decision(
                        self.path,
                        None,
                        f"`{text}` no longer exists for a supported Python, and stands in a form that is not changed automatically.",
                        "The environment cannot be built.",
                        (
                            f"Write `{instead}`, and try it.",
                            "Write one package on a line (`- name==version`) and run migrate again.",
                        ),
                    )
                )

    # --- noting

    def _as_is(self, line: Line) -> str:
        return f"{line.lead}{line.mark}{line.text}{line.mark}{line.tail}"

    def _replace(self, line: Line, made: _Replacement) -> None:
        new = [line.written(made.texts[0], f"was {line.text}")]
        new += [replace(line, tail=_end(line)).written(text) for text in made.texts[1:]]
        self._put(line, new, Edit(made.why, line.index + 1, line.text, ", ".join(made.texts)))
        self._decide(line, f"`{line.text}` becomes `{', '.join(made.texts)}`: {made.why}", made.decide, made.options)

    def _put(self, line: Line, new: list[str], edit: Edit) -> None:
        self.replaced[line.index] = new
        self.edits.append(edit)

    def _decide(self, line: Line, what: str, why: str, options: tuple[str, ...]) -> None:
        self.decisions.append(Decision(self.path, line.index + 1, what, why, options))


def _specifications(text: str, path: str) -> Iterator[str]:
    """Give the packages of a conda file as YAML has them."""
    try:
        content = yaml_reader.parse(text, path, typed=False).content
    except ActionError:
        return
    dependencies = content.get("dependencies") if isinstance(content, dict) else None
    for one in dependencies if isinstance(dependencies, list) else ():
        if isinstance(one, str):
            yield one.strip()
        elif isinstance(one, dict):
            packages = one.get("pip")
            yield from (str(package).strip() for package in packages if package) if isinstance(packages, list) else ()


def _of_code(path: str, code: CodeUse, serves: bool) -> Migration:
    """Report what the scripts use of packages that have changed."""
    found = Migration()
    for name, uses in _grouped(code.numpy_aliases):
        found.decisions.append(
            Decision(
                uses[0].file,
                uses[0].line,
                f"`{name}` is used{_places(uses)}; NumPy 1.24 removed it.",
                f"With a newer NumPy in {path} the script ends with an AttributeError.",
                (f"`{name.split('.')[1]}`, or a type of NumPy such as `np.float64`.", f"`numpy<1.24` in {path}."),
            )
        )
    for name, uses in _grouped(code.modules):
        decision = _of_module(name, uses, path, serves)
        if decision is not None:
            found.decisions.append(decision)
    for use in code.unread:
        found.decisions.append(
            Decision(
                use.file,
                use.line,
                f"The script is not valid for Python 3: {use.name}.",
                "It was not looked at, and would not run.",
                ("Correct it.", "Remove it, if nothing uses it."),
            )
        )
    return found


def _of_module(name: str, uses: Sequence[Use], path: str, serves: bool) -> Decision | None:
    first = uses[0]
    if name.startswith("sklearn.externals.joblib"):
        return Decision(
            first.file,
            first.line,
            f"`{name}` is imported{_places(uses)}; scikit-learn {facts.SKLEARN_WITHOUT_JOBLIB} removed it.",
            "The script ends with an ImportError.",
            (f"`import joblib`, and joblib in {path}.",),
        )
    if name.startswith("azureml.monitoring"):
        return Decision(
            first.file,
            first.line,
            f"`{name}` is imported{_places(uses)}: the data collection of SDK v1.",
            "An endpoint of v2 does not collect what it sends; where the package is missing, the script ends with an ImportError.",
            ("Remove it from the script.", "azureml-ai-monitoring, the collector of v2."),
        )
    if name.startswith("azureml.core") and not serves:
        return Decision(
            first.file,
            first.line,
            f"`{name}` is imported{_places(uses)}.",
            "It keeps working in a v2 job as long as the environment holds azureml-core, whose support ended on 2026-06-30.",
            ("Leave it.", "MLflow: `mlflow.log_metric(name, value)`, with azureml-mlflow in the environment."),
        )
    return None


def _grouped(uses: Sequence[Use]) -> Iterator[tuple[str, list[Use]]]:
    """Give the uses of each name in each file."""
    groups: dict[tuple[str, str], list[Use]] = {}
    for use in uses:
        groups.setdefault((use.file, use.name), []).append(use)
    for (_, name), some in groups.items():
        yield name, some


def _places(uses: Sequence[Use]) -> str:
    lines = list(dict.fromkeys(use.line for use in uses))
    shown = ", ".join(map(str, lines[:_SHOWN])) + (" ..." if len(lines) > _SHOWN else "")
    return "" if len(lines) == 1 else f" in lines {shown}"


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def _end(line: Line) -> str:
    return "\r" if line.tail.endswith("\r") else ""
