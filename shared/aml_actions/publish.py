"""Write what the repository of the actions holds: `python -m aml_actions.publish DIR`.

This project keeps the actions, the emulator, the template and the tests together. A workflow that says
`uses: org/actions/aml-run@v1` needs only the actions and what they share, with the action folders at the root:

    aml-run/ aml-workspace/ ...   from actions/
    shared/                       the helper package and the bootstrap
    requirements/                 the locks that the bootstrap installs from
    README.md                     the catalogue of the actions
    docs/troubleshooting.md       where every error of a step leads
    LICENSE

With `--template` it writes the template repository instead, for people to copy: what is in example-repo/, and infra/ beside it.

Only what git knows is written, so nothing ignored or forgotten on a disk is ever published.
"""

import argparse
import io
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

LOCKS = {PurePosixPath("requirements/uv.txt"), PurePosixPath("requirements/actions.txt")}
TROUBLESHOOTING = PurePosixPath("docs/troubleshooting.md")
LICENSE = PurePosixPath("LICENSE")
CATALOG = PurePosixPath("action-catalog.md")
NOT_IN_TEMPLATE = {PurePosixPath("infra/README.md"), PurePosixPath("infra/.checkov.yaml")}
"""How this project lints the infrastructure; the template's own README says what infra/ is."""


class PublishError(Exception):
    """The tree cannot be written; the text says what to do about it."""


@dataclass(frozen=True)
class SourceFile:
    """One file of this project: its path from the root, its content, and whether it may be executed."""

    path: PurePosixPath
    content: bytes
    executable: bool


def published_path(path: PurePosixPath) -> PurePosixPath | None:
    """Give the place of a file of this project in the published tree, or None when it has none there."""
    if path in LOCKS or path in (TROUBLESHOOTING, LICENSE):
        return path
    if path == CATALOG:  # this project's own README is a map of what is not published
        return PurePosixPath("README.md")
    if path.parts[0] == "shared" and len(path.parts) > 1:
        return path
    if path.parts[0] == "actions" and len(path.parts) > 2 and path.parts[1].startswith("aml-"):
        return PurePosixPath(*path.parts[1:])
    return None


def template_path(path: PurePosixPath) -> PurePosixPath | None:
    """Give the place of a file of this project in the template repository, or None when it has none there."""
    if path.parts[0] == "example-repo" and len(path.parts) > 1:
        return PurePosixPath(*path.parts[1:])
    return path if path.parts[0] == "infra" and path not in NOT_IN_TEMPLATE else None


def committed_files(source: Path, ref: str) -> Iterator[SourceFile]:
    """Read the files of a commit, as `git archive` gives them."""
    archive = _git(source, "archive", "--format=tar", ref)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None:
                yield SourceFile(PurePosixPath(member.name), content.read(), bool(member.mode & 0o100))


def working_files(source: Path) -> Iterator[SourceFile]:
    """Read the files of the working tree: those that git tracks and those that it would, not the ignored ones."""
    listed = _git(source, "ls-files", "-z", "--cached", "--others", "--exclude-standard").decode()
    for name in sorted(set(listed.split("\0")) - {""}):
        file = source / name
        if file.is_file() and not file.is_symlink():
            yield SourceFile(PurePosixPath(name), file.read_bytes(), bool(file.stat().st_mode & 0o100))


def publish(target: Path, *, source: Path, ref: str | None = "HEAD") -> list[PurePosixPath]:
    """Write the published tree into an empty or new folder.

    `source` is the root of this project, a git repository; `ref` the commit to publish, None for the working tree.
    Gives the published files, sorted, as paths in `target`. Raises PublishError when `target` holds something, `ref`
    does not exist, or `source` has no action.
    """
    return _write(target, source, ref, published_path, "actions/aml-*/action.yml")


def publish_template(target: Path, *, source: Path, ref: str | None = "HEAD") -> list[PurePosixPath]:
    """Write the template repository into an empty or new folder; arguments and errors as those of `publish`."""
    return _write(target, source, ref, template_path, "example-repo/.github/workflows/*.yml")


def _write(
    target: Path, source: Path, ref: str | None, place: Callable[[PurePosixPath], PurePosixPath | None], needed: str
) -> list[PurePosixPath]:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise PublishError(f"{target} is not an empty folder. Give a new one, so that no old file is published again.")
    written: list[PurePosixPath] = []
    found = False
    try:
        for file in committed_files(source, ref) if ref is not None else working_files(source):
            found = found or file.path.match(needed)
            path = place(file.path)
            if path is None:
                continue
            destination = target / path
            destination.parent.mkdir(parents=True, exist_ok=True)
            # The catalogue's links lead to the action folders, which lie one level higher there.
            content = file.content.replace(b"](actions/", b"](") if file.path == CATALOG else file.content
            destination.write_bytes(content)
            destination.chmod(0o755 if file.executable else 0o644)
            written.append(path)
        if not found:
            raise PublishError(f"There is no {needed} in {ref or 'the working tree'} of {source}.")
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)  # half a tree is worse than none
        raise
    return sorted(written)


def _git(source: Path, *arguments: str) -> bytes:
    done = subprocess.run(["git", "-C", str(source), *arguments], capture_output=True, check=False)
    if done.returncode:
        raise PublishError(f"git {' '.join(arguments)} in {source}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def main(argv: list[str] | None = None) -> int:
    """Run the command; errors of use go to stderr as one line, exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m aml_actions.publish", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("directory", type=Path, metavar="DIR", help="an empty or new folder")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--ref", default="HEAD", help="the commit, branch or tag to publish (default: HEAD)")
    which.add_argument("--working-tree", action="store_true", help="publish the files as they are now, uncommitted too")
    parser.add_argument("--template", action="store_true", help="write the template repository instead of the actions")
    arguments = parser.parse_args(argv)
    source = Path(__file__).resolve().parents[2]
    try:
        write = publish_template if arguments.template else publish
        written = write(arguments.directory, source=source, ref=None if arguments.working_tree else arguments.ref)
    except PublishError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{len(written)} files written to {arguments.directory}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
