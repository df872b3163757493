"""The template's workflow files are right before anyone copies them: for GitHub, for a security linter, for the actions."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from aml_actions.publish import publish, publish_template
from aml_emulator.github import events
from aml_emulator.github.actions import ActionFinder, remote_uses
from aml_emulator.github.checkout import Repository, find_repository, write_checkout_action
from aml_emulator.github.checks import check_workflow
from aml_emulator.github.definition import read_workflow, workflow_paths
from aml_emulator.github.machine import machine_environment
from aml_emulator.github.results import WorkflowRun
from aml_emulator.github.runner import run_workflow, workflows_started_by

DEPLOY_MODEL, SETUP, TRAIN_DEPLOY, TRAIN_MODEL = (
    f".github/workflows/{name}.yml" for name in ("deploy_model", "setup", "train_deploy", "train_model")
)
WORKFLOWS = [DEPLOY_MODEL, SETUP, TRAIN_DEPLOY, TRAIN_MODEL]
PROGRAMS = Path(sys.executable).parent


@pytest.fixture
def copied(tmp_path: Path) -> Repository:
    """The template as somebody's repository: copied, committed."""
    root = tmp_path / "iris"
    publish_template(root, source=Path(__file__).parents[2], ref=None)
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


def test_a_push_of_code_to_main_starts_both_ways_of_which_one_skips_its_job(copied: Repository) -> None:
    """Which of them works is decided by the variable DEPLOY_ON_EVENTS, in `if:`; see test_template.py."""
    (copied.path / "code/train/train.py").write_text("print('another idea')")
    save(copied.path, "an idea")
    pushed = find_repository(copied.path, "local/iris")
    assert workflows_started_by(pushed, events.push(pushed)) == [TRAIN_DEPLOY, TRAIN_MODEL]


def test_a_push_of_settings_to_main_trains_and_deploys(copied: Repository) -> None:
    (copied.path / ".cloud/.azure/deploy.json").write_text("{}")
    save(copied.path, "settings")
    pushed = find_repository(copied.path, "local/iris")
    assert workflows_started_by(pushed, events.push(pushed)) == [TRAIN_DEPLOY]


def test_a_push_of_the_infrastructure_only_sets_up(copied: Repository) -> None:
    (copied.path / "infra/params.deploy.core-infra.json").write_text("{}")
    save(copied.path, "names")
    pushed = find_repository(copied.path, "local/iris")
    assert workflows_started_by(pushed, events.push(pushed)) == [SETUP]


def test_a_push_of_code_to_a_branch_only_trains(copied: Repository) -> None:
    git(copied.path, "checkout", "-q", "-b", "feature/kernel")
    (copied.path / "code/train/train.py").write_text("print('another idea')")
    save(copied.path, "an idea")
    branch = find_repository(copied.path, "local/iris")
    assert workflows_started_by(branch, events.push(branch)) == [TRAIN_MODEL]


@pytest.mark.parametrize("branch", ["main", "feature/words"])
def test_a_push_of_words_starts_nothing(copied: Repository, branch: str) -> None:
    if branch != "main":
        git(copied.path, "checkout", "-q", "-b", branch)
    (copied.path / "README.md").write_text("words")
    save(copied.path, "words")
    pushed = find_repository(copied.path, "local/iris")
    assert workflows_started_by(pushed, events.push(pushed)) == []


@pytest.mark.parametrize(
    ("event_type", "paths"),
    [
        ("machinelearningservices-runcompleted", [DEPLOY_MODEL]),
        ("storage-blobcreated", [TRAIN_MODEL]),
        ("storage-blobdeleted", [TRAIN_MODEL]),
        ("machinelearningservices-modelregistered", []),
    ],
)
def test_an_event_of_azure_starts_what_the_readme_says(event_type: str, paths: list[str], copied: Repository) -> None:
    assert workflows_started_by(copied, events.repository_dispatch(copied, event_type)) == paths


OURS = {
    "runId": "brave_fox_1",
    "experimentName": "iris-svc",
    "runTags": {"GITHUB_REPOSITORY": "local/iris", "GITHUB_REF": "refs/heads/main"},
}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({**OURS, "experimentName": "churn"}, "Run brave_fox_1 is not deployed. Its experiment is not iris-svc."),
        ({**OURS, "runTags": {}}, "Run brave_fox_1 is not deployed. It was not started from this repository."),
        (
            {**OURS, "runTags": {**OURS["runTags"], "GITHUB_REPOSITORY": "evil/iris"}},
            "Run brave_fox_1 is not deployed. It was not started from this repository.",
        ),
        (
            {**OURS, "runTags": {**OURS["runTags"], "GITHUB_REF": "refs/heads/feature/x"}},
            "Run brave_fox_1 is not deployed. It was not started from refs/heads/main.",
        ),
    ],
)
def test_a_run_that_is_not_ours_is_not_deployed(
    data: dict[str, object], says: str, copied: Repository, tmp_path: Path
) -> None:
    lines: list[str] = []
    run = dispatched(copied, data, tmp_path, lines)
    assert run.succeeded, run.failures()
    assert [job.name for job in run.jobs if job.result != "skipped"] == ["Is it ours?"]
    assert any(says in line for line in lines), lines


@pytest.mark.parametrize(
    "run_id",
    [
        "",
        "a\nours=true",
        "$(touch owned)",
        "`touch owned`",
        "'; touch owned; '",
        "::set-output name=ours::true",
        "../x",
        "a" * 300,
    ],
)
def test_a_run_id_that_is_none_ends_the_run_and_reaches_no_shell(
    run_id: str, copied: Repository, tmp_path: Path
) -> None:
    lines: list[str] = []
    run = dispatched(copied, {**OURS, "runId": run_id}, tmp_path, lines)
    assert not run.succeeded
    assert any("The event names no run that could be deployed." in line for line in lines), lines
    assert not list(tmp_path.rglob("owned"))


def dispatched(copied: Repository, data: dict[str, object], tmp_path: Path, lines: list[str]) -> WorkflowRun:
    """Run deploy_model.yml for the event of a completed run, without Azure: nothing of it may get that far."""
    publish(tmp_path / "actions", source=Path(__file__).parents[2], ref=None)
    event = events.repository_dispatch(copied, "machinelearningservices-runcompleted", {"data": data})
    return run_workflow(
        copied,
        DEPLOY_MODEL,
        event,
        actions={"org/actions@v1": tmp_path / "actions"},
        environment=machine_environment(os.environ),
        progress=lines.append,
    )


@pytest.mark.parametrize("path", [SETUP, TRAIN_DEPLOY, TRAIN_MODEL])
def test_the_button_starts_a_workflow(path: str, copied: Repository) -> None:
    assert path in workflows_started_by(copied, events.workflow_dispatch(copied))
