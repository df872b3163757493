"""`python -m aml_actions migrate`: what is printed, what is written and when it is not."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from aml_actions.errors import ActionError
from aml_actions.migration import writing
from aml_actions.migration.changes import Change
from aml_actions.migration.command import main
from aml_actions.migration.repository import Repository
from aml_actions.validation.command import main as validate

NOTHING_LEFT, NOT_WRITTEN, USAGE, PROPOSED = 0, 1, 2, 3


def contents(root: Path) -> dict[str, bytes]:
    """Every file but git's."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }


def commit(root: Path) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "-C", str(root), "add", "-A"], check=True)
    subprocess.run(["git", "-C", str(root), *identity, "commit", "-qm", "x"], check=True)


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    main([*arguments, "--json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("name", ["small", "enterprise"])
def test_without_write_the_changes_are_only_proposed(
    name: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    root: Path = request.getfixturevalue(name)
    before = contents(root)
    assert main([str(root)]) == PROPOSED
    text = capsys.readouterr().out
    assert "`--write` does it" in text
    assert "`org/actions@v1` is a placeholder" in text
    assert contents(root) == before


@pytest.mark.parametrize("name", ["small", "enterprise"])
def test_the_made_files_are_not_taken_for_parameters_files(
    name: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    root: Path = request.getfixturevalue(name)

    def judged() -> set[str]:
        capsys.readouterr()
        validate([str(root), "--json"])
        return {one["file"] for one in json.loads(capsys.readouterr().out)["files"]}

    before = judged()
    assert main([str(root), "--write"]) == NOTHING_LEFT
    made = {path for path in contents(root) if path.endswith((".endpoint.yml", ".deployment.yml"))}
    assert made
    assert judged() == before


@pytest.mark.parametrize("name", ["small", "enterprise"])
def test_a_second_run_has_nothing_left_to_do(
    name: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    root: Path = request.getfixturevalue(name)
    assert main([str(root), "--write"]) == NOTHING_LEFT
    written = contents(root)
    first = capsys.readouterr().out
    assert "`git diff`" in first
    # Not committed yet: with nothing to write there is nothing to refuse either.
    assert main([str(root), "--write"]) == NOTHING_LEFT
    assert contents(root) == written
    assert "Nothing is left to change." in capsys.readouterr().out
    commit(root)
    assert main([str(root)]) == NOTHING_LEFT


def test_the_report_names_every_written_file(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(small)
    found = report(capsys, str(small), "--write", "--actions", "contoso/ml/actions@v3.1")
    after = contents(small)
    changed = {path for path in after if before.get(path) != after[path]}
    assert changed == {change["file"] for change in found["changes"]}
    assert {change["file"] for change in found["changes"] if change["new"]} == after.keys() - before.keys()
    assert found["written"] is True
    assert b"contoso/ml/actions/aml-run@v3.1" in after[".github/workflows/train_deploy.yml"]
    assert {"file", "what", "why", "options"} <= found["decisions"][0].keys()


def test_uncommitted_work_is_not_mixed_with_the_changes(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small / "README.md").write_text("my own words\n")
    before = contents(small)
    assert main([str(small), "--write"]) == NOT_WRITTEN
    assert "README.md" in capsys.readouterr().err
    assert contents(small) == before
    assert main([str(small), "--write", "--force"]) == NOTHING_LEFT
    assert (small / "README.md").read_text() == "my own words\n"
    assert contents(small) != before


def test_a_file_that_git_ignores_could_not_be_brought_back(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small / ".gitignore").write_text("environment.yml\n")
    subprocess.run(["git", "-C", str(small), "rm", "-rq", "--cached", "code"], check=True)
    commit(small)
    before = contents(small)
    assert main([str(small), "--write"]) == NOT_WRITTEN
    assert "code/train/environment.yml" in capsys.readouterr().err
    assert contents(small) == before


def test_without_git_nothing_could_be_undone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workflow = tmp_path / ".github/workflows/a.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text("jobs: {a: {steps: [{uses: Azure/aml-run@v1}]}}\n")
    assert main([str(tmp_path), "--write"]) == NOT_WRITTEN
    assert "no git repository" in capsys.readouterr().err
    assert main([str(tmp_path), "--write", "--force"]) == NOTHING_LEFT
    assert "org/actions/aml-run@v1" in workflow.read_text()


@pytest.mark.parametrize(
    "arguments",
    [[], ["no/such/folder"], [".", "--actions", "org"], [".", "--actions", "org/x@v1 # y"], [".", "--what"]],
)
def test_wrong_use_is_told_from_work_to_do(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == USAGE
    assert capsys.readouterr().err


def test_a_repository_that_never_used_the_actions_has_nothing_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "README.md").write_text("# other\n")
    assert main([str(tmp_path)]) == NOTHING_LEFT
    assert "Nothing is left to change." in capsys.readouterr().out


def test_a_file_of_the_user_is_never_written_over(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = {"code/train/job.yml": "mine: 1\n", ".cloud/.azure/deploy.endpoint.yml": "mine: 2\n"}
    for name, text in own.items():
        (small / name).write_text(text)
    commit(small)
    found = report(capsys, str(small), "--write")
    assert {name: (small / name).read_text() for name in own} == own
    assert json.loads((small / ".cloud/.azure/run.json").read_text()) == {"job_file": "code/train/run_config.job.yml"}
    assert (small / "code/train/run_config.job.yml").is_file()
    assert any(
        one["file"] == ".cloud/.azure/deploy.endpoint.yml" and "left" in one["what"] for one in found["decisions"]
    )


def test_a_link_out_of_the_repository_is_not_followed(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    text = "jobs: {a: {steps: [{uses: Azure/aml-run@v1}]}}\n"
    (outside / "x.yml").write_text(text)
    (outside / "environment.yml").write_text("dependencies:\n  - python=3.6\n")
    (small / ".github/workflows/linked.yml").symlink_to(outside / "x.yml")
    (small / "code/train/environment.yml").unlink()
    (small / "code/train/environment.yml").symlink_to(outside / "environment.yml")
    (small / ".cloud/.azure/deploy.endpoint.yml").symlink_to(outside / "made.yml")
    (small / "code/train/job.yml").symlink_to(outside / "job.yml")
    commit(small)
    assert main([str(small), "--write"]) == NOTHING_LEFT
    assert (outside / "x.yml").read_text() == text
    assert (outside / "environment.yml").read_text() == "dependencies:\n  - python=3.6\n"
    assert sorted(path.name for path in outside.iterdir()) == ["environment.yml", "x.yml"]


def test_a_link_within_the_repository_is_changed_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / ".github/workflows").mkdir(parents=True)
    (tmp_path / "shared.yml").write_text("jobs: {a: {steps: [{uses: Azure/aml-run@v1}]}}\n")
    (tmp_path / ".github/workflows/a.yml").symlink_to("../../shared.yml")
    (tmp_path / ".github/workflows/b.yml").symlink_to("../../shared.yml")
    assert main([str(tmp_path), "--write", "--force"]) == NOTHING_LEFT
    assert "org/actions/aml-run@v1" in (tmp_path / "shared.yml").read_text()
    assert (tmp_path / ".github/workflows/a.yml").is_symlink()


def test_permissions_of_a_changed_file_stay(small: Path) -> None:
    file = small / ".github/workflows/train_deploy.yml"
    file.chmod(0o755)
    commit(small)
    assert main([str(small), "--write"]) == NOTHING_LEFT
    assert file.stat().st_mode & 0o777 == 0o755


IMPOSSIBLE = [
    Change("README.md", b"another content than it has", b"new", ()),
    Change("README.md", None, b"new", ()),
    Change("README.md/below-a-file", None, b"new", ()),
    Change("../outside", None, b"new", ()),
    Change(".git/config", b"", b"new", ()),
]


@pytest.mark.parametrize("impossible", IMPOSSIBLE, ids=lambda change: change.path)
def test_when_one_file_cannot_be_written_none_is(small: Path, impossible: Change) -> None:
    before = contents(small)
    workflow = ".github/workflows/train_deploy.yml"
    possible = [
        Change(workflow, before[workflow], b"changed", ()),
        Change("a/new/file", None, b"new", ()),
    ]
    with pytest.raises(ActionError):
        writing.write(Repository(small), [*possible, impossible])
    assert contents(small) == before
    assert not (small / "a").exists()
    assert not (small.parent / "outside").exists()
