"""The template's workflow files are right before anyone copies them: for GitHub, for a security linter, for the actions."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from aml_actions.publish import publish
from aml_emulator.github import events
from aml_emulator.github.actions import ActionFinder, remote_uses
from aml_emulator.github.checkout import Repository, find_repository, write_checkout_action
from aml_emulator.github.checks import check_workflow
from aml_emulator.github.definition import read_workflow, workflow_paths
from aml_emulator.github.runner import workflows_started_by

WORKFLOWS = [".github/workflows/train_deploy.yml", ".github/workflows/train_model.yml"]
PROGRAMS = Path(sys.executable).parent


@pytest.fixture
def copied(template: Path, tmp_path: Path) -> Repository:
    """The template as somebody's repository: copied, committed."""
    root = tmp_path / "iris"
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=template,
        capture_output=True,
        check=True,
    )
    for name in files.stdout.decode().split("\0"):
        if name:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes((template / name).read_bytes())
    git(root, "init", "-q", "-b", "main")
    save(root, "the template")
    return find_repository(root, "local/iris")


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True)


def save(root: Path, message: str) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", message)


def test_the_template_has_the_workflows_that_its_readme_describes(template: Path) -> None:
    assert workflow_paths(template) == WORKFLOWS


@pytest.mark.parametrize("path", WORKFLOWS)
def test_a_workflow_and_the_actions_it_uses_fit_together(path: str, copied: Repository, tmp_path: Path) -> None:
    publish(tmp_path / "actions", source=Path(__file__).parents[2], ref=None)
    mapped = {"org/actions@v1": tmp_path / "actions"}
    checkouts = remote_uses(copied.path) - mapped.keys()
    for use in checkouts:
        mapped[use] = tmp_path / "checkout"
        write_checkout_action(copied, copied.path, mapped[use])
    finder = ActionFinder(copied.path, mapped, frozenset(checkouts))
    assert [str(problem) for problem in check_workflow(read_workflow(copied.path, path), finder)] == []


@pytest.mark.parametrize("path", WORKFLOWS)
def test_a_workflow_fits_the_schema_of_github(path: str, template: Path) -> None:
    command = [PROGRAMS / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", template / path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_security_linter_finds_nothing(copied: Repository) -> None:
    """With the copy's own .github/zizmor.yml, as a user of the template runs it."""
    command = [PROGRAMS / "zizmor", "--offline", "--strict-collection", "--persona=pedantic", copied.path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", WORKFLOWS)
def test_a_workflow_keeps_the_house_rules(path: str, template: Path) -> None:
    text = (template / path).read_text()
    workflow = read_workflow(template, path)
    assert workflow.raw["permissions"] == {"contents": "read"}
    assert "concurrency" in workflow.raw
    for job in workflow.jobs:
        for step in job.steps:
            assert "${{" not in (step.run or ""), f"{step.name}: an expression inside a script"
            if step.uses and not step.uses.startswith("org/actions/"):
                assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step.uses)
                assert re.search(re.escape(step.uses) + r" # v\d+\.\d+\.\d+$", text, re.MULTILINE)
    assert "hashFiles" not in text


def test_a_push_to_main_trains_and_deploys_and_starts_nothing_else(copied: Repository) -> None:
    assert workflows_started_by(copied, events.push(copied)) == [".github/workflows/train_deploy.yml"]


def test_a_push_of_code_to_a_branch_only_trains(copied: Repository) -> None:
    git(copied.path, "checkout", "-q", "-b", "feature/kernel")
    (copied.path / "code/train/train.py").write_text("print('another idea')")
    save(copied.path, "an idea")
    branch = find_repository(copied.path, "local/iris")
    assert workflows_started_by(branch, events.push(branch)) == [".github/workflows/train_model.yml"]


@pytest.mark.parametrize("branch", ["main", "feature/words"])
def test_a_push_of_words_starts_nothing(copied: Repository, branch: str) -> None:
    if branch != "main":
        git(copied.path, "checkout", "-q", "-b", branch)
    (copied.path / "README.md").write_text("words")
    save(copied.path, "words")
    pushed = find_repository(copied.path, "local/iris")
    assert workflows_started_by(pushed, events.push(pushed)) == []


def test_the_button_trains_and_deploys(copied: Repository) -> None:
    assert workflows_started_by(copied, events.workflow_dispatch(copied)) == [".github/workflows/train_deploy.yml"]
