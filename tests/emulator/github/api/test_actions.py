"""Workflows, runs and jobs by PyGithub."""

from __future__ import annotations

from typing import Any

import github
import pytest
from emulator.github.api.conftest import Hosted
from emulator.github.api.test_dispatches import ended


def test_a_workflow_is_run_by_hand_and_looked_at(hosted: Hosted) -> None:
    repository = hosted.client("actions=write").get_repo(hosted.full_name)
    workflow = repository.get_workflow("greet.yml")
    assert (workflow.name, workflow.path) == ("Greet", ".github/workflows/greet.yml")
    assert repository.get_workflow(workflow.id).path == workflow.path
    assert sorted(one.name for one in repository.get_workflows()) == ["Greet", "On push"]
    assert workflow.create_dispatch("main", {"who": "hand"})
    (run,) = ended(repository)
    assert (run.event, run.conclusion, run.workflow_id) == ("workflow_dispatch", "success", workflow.id)
    assert repository.get_workflow_run(run.id).head_sha == run.head_sha
    (job,) = run.jobs()
    assert (job.name, job.status, job.conclusion) == ("The only job", "completed", "success")
    assert [(step.name, step.conclusion, step.number) for step in job.steps] == [("Say it", "success", 1)]
    assert repository.get_workflow_job(job.id).run_id == run.id
    assert [one.id for one in workflow.get_runs()] == [run.id]
    assert repository.get_workflow("push.yml").get_runs().totalCount == 0
    assert not run.cancel()


def test_a_run_that_has_ended_is_run_again(hosted: Hosted) -> None:
    repository = hosted.client("actions=write").get_repo(hosted.full_name)
    repository.get_workflow("greet.yml").create_dispatch("main", {"who": "hand"})
    (first,) = ended(repository)
    assert first.run_attempt == 1
    token = hosted.token("actions=write")
    assert first.rerun()
    busy = hosted.ask("POST", f"actions/runs/{first.id}/rerun", token)
    assert (busy.status_code, busy.json()["message"]) == (403, "This workflow is already running")
    (second,) = ended(repository)
    assert (second.id, second.run_number, second.run_attempt) == (first.id, first.run_number, 2)
    assert (second.head_sha, second.conclusion) == (first.head_sha, "success")
    assert [job.raw_data["run_attempt"] for job in second.jobs()] == [2]
    read_only = hosted.ask("POST", f"actions/runs/{first.id}/rerun", hosted.token("actions=read"))
    assert read_only.status_code == 403


def test_runs_are_filtered_and_come_in_pages(hosted: Hosted) -> None:
    repository = hosted.client("actions=write", "contents=write").get_repo(hosted.full_name)
    details = hosted.ask(
        "POST",
        "actions/workflows/greet.yml/dispatches",
        hosted.token("actions=write"),
        json={"ref": "main", "inputs": {"who": "me"}, "return_run_details": True},
    )
    assert details.status_code == 200
    repository.create_repository_dispatch("greet")
    repository.create_repository_dispatch("greet")
    runs = ended(repository, 3)
    assert details.json()["workflow_run_id"] in [run.id for run in runs]
    assert repository.get_workflow_runs(event="repository_dispatch").totalCount == 2
    assert repository.get_workflow_runs(status="success").totalCount == 3
    assert repository.get_workflow_runs(status="failure").totalCount == 0
    assert repository.get_workflow_runs(branch="other").totalCount == 0
    token = hosted.token("actions=read")
    first = hosted.ask("GET", "actions/runs", token, params={"per_page": 2})
    assert [one["id"] for one in first.json()["workflow_runs"]] == [run.id for run in runs[:2]]
    second = hosted.ask("GET", first.links["next"]["url"].removeprefix(hosted.api), token)
    assert [one["id"] for one in second.json()["workflow_runs"]] == [runs[2].id]
    assert "next" not in second.links
    assert hosted.ask("GET", "actions/runs", token, params={"page": "x"}).status_code == 422
    assert hosted.ask("GET", "actions/runs", token, params={"created": ">2026-01-01"}).status_code == 501


@pytest.mark.parametrize(
    ("file", "body", "status", "told"),
    [
        ("greet.yml", {}, 422, '"ref" wasn\'t supplied.'),
        ("greet.yml", {"ref": "nowhere", "inputs": {"who": "x"}}, 422, "No ref found for: nowhere"),
        ("greet.yml", {"ref": "main"}, 422, "requires the input 'who'"),
        ("greet.yml", {"ref": "main", "inputs": {"who": "x", "why": "y"}}, 422, "no input 'why'"),
        ("greet.yml", {"ref": "main", "inputs": {"who": {}}}, 422, "not a string"),
        ("greet.yml", {"ref": "main", "inputs": ["who"]}, 422, "not an object"),
        ("greet.yml", {"ref": "main", "inputs": {f"i{n}": "" for n in range(26)}}, 422, "No more than 25 properties"),
        ("greet.yml", {"ref": "main", "inputs": {"who": "x" * 65_535}}, 422, "inputs are too large."),
        ("push.yml", {"ref": "main"}, 422, "Workflow does not have 'workflow_dispatch' trigger"),
        ("nowhere.yml", {"ref": "main"}, 404, "Not Found"),
    ],
)
def test_a_workflow_that_cannot_be_run_by_hand_says_why(
    hosted: Hosted, file: str, body: dict[str, Any], status: int, told: str
) -> None:
    token = hosted.token("actions=write")
    answer = hosted.ask("POST", f"actions/workflows/{file}/dispatches", token, json=body)
    assert (answer.status_code, told in answer.json()["message"]) == (status, True), answer.text
    assert hosted.ask("GET", "actions/runs", token).json()["total_count"] == 0


def test_actions_need_their_permission(hosted: Hosted) -> None:
    token = hosted.token("contents=write")
    for method, path in (
        ("GET", "actions/runs"),
        ("GET", "actions/workflows"),
        ("POST", "actions/workflows/greet.yml/dispatches"),
    ):
        assert hosted.ask(method, path, token).status_code == 403
    reader = hosted.token("actions=read")
    dispatch = hosted.ask("POST", "actions/workflows/greet.yml/dispatches", reader, json={"ref": "main"})
    assert dispatch.headers["x-accepted-github-permissions"] == "actions=write"


def test_a_run_that_is_not_there_is_told(hosted: Hosted) -> None:
    repository = hosted.client("actions=read").get_repo(hosted.full_name)
    for number in (10**9, 10**30):
        with pytest.raises(github.UnknownObjectException):
            repository.get_workflow_run(number)
        with pytest.raises(github.UnknownObjectException):
            repository.get_workflow_job(number)
