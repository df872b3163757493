"""Find and read the `action.yml` behind a `uses:`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aml_emulator.github.definition import Located, Step, as_located, load_yaml, read_workflow, steps_of, workflow_paths
from aml_emulator.github.errors import InvalidWorkflow


@dataclass(frozen=True)
class Action:
    """An action's metadata. `file` names it in messages.

    `stand_in` tells that the runner made it in the place of somebody else's; `published` that it is one of this project's
    actions, out of a tree that `aml_actions.publish` wrote: these start a program and must hand it the runner's signals.
    """

    file: str
    raw: Located
    published: bool = False
    stand_in: bool = False

    @property
    def inputs(self) -> Mapping[str, Located]:
        """The declared inputs, by name in lower case: GitHub does not tell `A` from `a`."""
        return {name.lower(): as_located(value) for name, value in as_located(self.raw.get("inputs")).items()}

    @property
    def outputs(self) -> Mapping[str, Located]:
        """The declared outputs, by name in lower case."""
        return {name.lower(): as_located(value) for name, value in as_located(self.raw.get("outputs")).items()}

    @property
    def using(self) -> str:
        """How the action runs: composite, node20, docker, ..."""
        return str(as_located(self.raw.get("runs")).get("using", ""))

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of a composite action."""
        return steps_of(as_located(self.raw.get("runs")).get("steps"))


@dataclass(frozen=True)
class ActionFinder:
    """Knows where actions are: those of the repository itself, and the repositories that are mapped to folders.

    `mapped` goes from "owner/name@ref" to the folder that holds that repository; `stand_ins` are those of them that are
    made by the runner in the place of somebody else's action.
    """

    repository: Path
    mapped: Mapping[str, Path]
    stand_ins: frozenset[str] = frozenset()

    def find(self, uses: str) -> Action:
        """Read the action. Raises LookupError with a text for people, or InvalidWorkflow when the file is broken."""
        if uses.startswith("./"):
            return self._read(self.repository / uses, uses)
        if uses.startswith("docker://"):
            raise LookupError(f"{uses} needs a container engine; only composite and JavaScript actions run here.")
        key = repository_ref(uses)
        if key is None:
            raise LookupError(f"{uses!r} is neither ./path nor owner/repository/path@ref.")
        if key not in self.mapped:
            known = ", ".join(sorted(self.mapped)) or "none"
            raise LookupError(f"{key} is not here, and nothing is fetched from GitHub. Mapped to a folder: {known}.")
        root = self.mapped[key]
        folder = root.joinpath(*uses.partition("@")[0].split("/")[2:])
        published = (root / "shared" / "bootstrap").is_dir()
        return self._read(folder, uses, published=published, stand_in=key in self.stand_ins)

    def _read(self, folder: Path, uses: str, *, published: bool = False, stand_in: bool = False) -> Action:
        for name in ("action.yml", "action.yaml"):
            file = folder / name
            if file.is_file():
                label = f"{uses.partition('@')[0].removeprefix('./')}/{name}"
                raw = load_yaml(file.read_text(encoding="utf-8", errors="replace"), label)
                return Action(label, raw, published, stand_in)
        raise LookupError(f"{uses}: there is no action.yml in that folder.")


def repository_ref(uses: str) -> str | None:
    """Give "owner/name@ref" of a `uses:` that names another repository, None for any other form."""
    where, at, ref = uses.partition("@")
    parts = where.split("/")
    if not (at and ref and len(parts) >= 2 and all(parts[:2])) or uses.startswith((".", "$", "docker:")):
        return None
    return f"{parts[0]}/{parts[1]}@{ref}"


def remote_uses(repository: Path) -> set[str]:
    """Give every "owner/name@ref" that the workflows of a repository use, directly or through its own actions."""
    found: set[str] = set()
    waiting: list[str] = []
    for path in workflow_paths(repository):
        try:
            jobs = read_workflow(repository, path).jobs
        except InvalidWorkflow:
            continue  # it matters only when it is the one to run, and then it is told
        waiting += [step.uses for job in jobs for step in job.steps if step.uses]
    finder, seen = ActionFinder(repository, {}), set[str]()
    while waiting:
        uses = waiting.pop()
        if uses in seen:
            continue
        seen.add(uses)
        found |= {key} if (key := repository_ref(uses)) else set()
        if uses.startswith("./"):
            try:
                waiting += [step.uses for step in finder.find(uses).steps if step.uses]
            except (LookupError, InvalidWorkflow):
                continue  # told by the checks
    return found
