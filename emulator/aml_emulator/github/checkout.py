"""Take a repository as GitHub has it: what is committed, nothing else; hand it to jobs as `actions/checkout` does."""

import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from aml_emulator.github.errors import WorkflowError


@dataclass(frozen=True)
class Repository:
    """A git repository on this machine in the place of one on GitHub.

    `path` is its root, `full_name` its "owner/name", `ref` the full ref and `sha` the commit that workflows run on.
    """

    path: Path
    full_name: str
    ref: str
    sha: str
    actor: str

    @property
    def branch(self) -> str:
        """The short name of the ref."""
        return self.ref.split("/", 2)[2]

    def default_branch(self) -> str:
        """Give the branch that dispatches run on: main or master where there is one, else the one of this run."""
        heads = _git(self.path, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()
        return next((name for name in ("main", "master") if name in heads), self.branch)

    def parent(self) -> str | None:
        """Give the first parent of the commit, None when it has none."""
        parents = _git(self.path, "rev-list", "--parents", "-n", "1", self.sha).split()[1:]
        return parents[0] if parents else None

    def message(self) -> str:
        """Give the commit's message."""
        return _git(self.path, "log", "-1", "--format=%B", self.sha).strip()

    def changed_since(self, before: str | None) -> tuple[str, ...]:
        """Give the paths that differ from an earlier commit; all paths without one."""
        if before is None:
            listed = _git(self.path, "ls-tree", "-r", "-z", "--name-only", self.sha)
        else:
            listed = _git(self.path, "diff", "--name-only", "--no-renames", "-z", before, self.sha)
        return tuple(name for name in listed.split("\0") if name)

    def uncommitted(self) -> tuple[str, ...]:
        """Give the paths whose changes are not committed, so no workflow sees them."""
        return tuple(line[3:] for line in _git(self.path, "status", "--porcelain", "-z").split("\0") if line)


def find_repository(path: Path, full_name: str, *, ref: str | None = None, actor: str = "octocat") -> Repository:
    """Look at the git repository at `path`, in the place of `full_name` ("owner/name") on GitHub.

    `ref` is the branch or tag to run on, short or full; without it, the branch that is checked out. Raises
    WorkflowError when there is no repository, no commit, no such ref, or `full_name` is not of that form.
    """
    if full_name.count("/") != 1 or not all(full_name.split("/")):
        raise WorkflowError(f"{full_name!r} is not the name of a repository. It has the form owner/name.")
    root = Path(_git(path, "rev-parse", "--show-toplevel").strip())
    if ref is None:
        ref = _git(root, "symbolic-ref", "--quiet", "HEAD").strip()
    full = ref if ref.startswith("refs/") else _full_ref(root, ref)
    sha = _git(root, "rev-parse", "--verify", "--quiet", f"{full}^{{commit}}").strip()
    return Repository(root, full_name, full, sha, actor)


def _full_ref(root: Path, name: str) -> str:
    for full in (f"refs/heads/{name}", f"refs/tags/{name}"):
        if (
            subprocess.run(["git", "-C", str(root), "show-ref", "--quiet", "--verify", full], check=False).returncode
            == 0
        ):
            return full
    raise WorkflowError(f"{root} has no branch and no tag {name!r}.")


def clone(repository: Repository, target: Path) -> None:
    """Clone the repository at its commit, as the remote that GitHub would be, and nothing of the working tree."""
    _git(target.parent, "clone", "--quiet", "--no-local", "--no-checkout", repository.path.as_uri(), target.name)
    if repository.ref.startswith("refs/heads/"):
        _git(target, "checkout", "--quiet", "-B", repository.branch, repository.sha)
    else:
        _git(target, "checkout", "--quiet", "--detach", repository.sha)
    _git(target, "remote", "set-url", "origin", f"https://github.com/{repository.full_name}.git")


# What the stand-in understands of actions/checkout. Everything else is refused by the checks before the run.
_CHECKOUT_INPUTS = {
    "path": "where in the workspace to put the files",
    "fetch-depth": "how many commits to fetch, 0 for all",
    "clean": "nothing to clean here: every job starts with an empty workspace",
    "persist-credentials": "no credentials are used here",
    "show-progress": "no progress is shown",
}

_CHECKOUT_SCRIPT = """\
git init --quiet "$CHECKOUT_PATH"
cd "$CHECKOUT_PATH"
git fetch --quiet $CHECKOUT_DEPTH {source} {sha}
git {checkout} FETCH_HEAD
git remote add origin {remote}
"""


def write_checkout_action(repository: Repository, clone_of: Path, folder: Path) -> None:
    """Write an action into `folder` that stands in for `actions/checkout`: a clean clone of `clone_of`, no network."""
    branch = repository.ref.startswith("refs/heads/")
    checkout = f"checkout --quiet -B {shlex.quote(repository.branch)}" if branch else "checkout --quiet --detach"
    script = _CHECKOUT_SCRIPT.format(
        source=shlex.quote(clone_of.as_uri()),
        sha=repository.sha,
        checkout=checkout,
        remote=shlex.quote(f"https://github.com/{repository.full_name}"),
    )
    environment = {
        "CHECKOUT_PATH": "${{ inputs.path || '.' }}",
        "CHECKOUT_DEPTH": "${{ inputs.fetch-depth != '0' && format('--depth={0}', inputs.fetch-depth || '1') || '' }}",
    }
    action = {
        "name": "Checkout",
        "description": "Stands in for actions/checkout: a clean clone of the repository, without a network.",
        "inputs": {name: {"description": text, "required": False} for name, text in _CHECKOUT_INPUTS.items()},
        "runs": {
            "using": "composite",
            "steps": [{"name": "Clone", "shell": "bash", "env": environment, "run": script}],
        },
    }
    folder.mkdir(parents=True)
    (folder / "action.yml").write_text(yaml.safe_dump(action, sort_keys=False), encoding="utf-8")


def _git(folder: Path, *arguments: str) -> str:
    # The user's own git settings (hooks, templates, signing) have no say in what a runner sees.
    command = ["git", "-C", str(folder), "-c", "core.hooksPath=/dev/null", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    except FileNotFoundError as error:
        raise WorkflowError("git is not installed, or not on the PATH.") from error
    if done.returncode:
        said = done.stderr.strip().removeprefix("fatal: ") or f"git {arguments[0]} failed"
        raise WorkflowError(f"{folder} cannot be run as a repository: {said}")
    return done.stdout
