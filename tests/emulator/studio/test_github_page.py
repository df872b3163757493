"""The pages of workflow runs."""

from __future__ import annotations

from pathlib import Path

from aml_emulator.github.results import Annotation, JobResult, StepResult, WorkflowRun
from aml_emulator.github.runs.records import Records, RunRecord

NAME = "local/iris"
ADDRESS = f"/github/{NAME}/actions/runs/1"


def add_run(studio, **changes) -> RunRecord:
    record = RunRecord(
        id=0,
        repository=NAME,
        file=".github/workflows/train.yml",
        number=0,
        name="Train <b>",
        title="Train better",
        event="push",
        payload={"inputs": {"size": "<script>"}},
        ref="refs/heads/main",
        sha="1234567890",
        actor="octocat",
        **changes,
    )
    return Records(studio.emulator.database).add(record)


def end(studio, record: RunRecord) -> None:
    step = StepResult("0", "Train it", "failure", 12.0, "failure", summary="# Trained <i>")
    run = WorkflowRun(
        "1", record.name, record.file, record.event,
        (JobResult("train", "Train", "failure", (step,), started=1.0, completed=2.0),),
        (Annotation("error", "it broke", "Train", "0", title="No"),), ("act failed",), 13.0,
    )  # fmt: skip
    Records(studio.emulator.database).write(record.began().ended(run))


def test_without_a_repository_the_page_says_how_to_host_one(studio) -> None:
    assert "aml-emulator github add OWNER/REPO FOLDER" in studio.page("/github").text
    studio.emulator.github.repositories.put(NAME, Path("/nowhere"), secrets={"KEY": "very-secret"})
    page = studio.page("/github")
    assert f"No workflow has run yet in {NAME}" in page.text
    assert "very-secret" not in page.markup


def test_runs_are_listed_with_what_became_of_them(studio) -> None:
    end(studio, add_run(studio))
    page = studio.page("/github")
    assert "Train <b> #1 Train better Failure push local/iris main" in page.text
    assert ADDRESS in page.links
    assert "data-live" not in page.markup
    add_run(studio)
    page = studio.page("/github")
    assert "Train <b> #2 Train better Queued" in page.text
    assert "data-live" in page.markup


def test_a_run_shows_jobs_steps_annotations_summary_log_and_payload(studio) -> None:
    record = add_run(studio)
    end(studio, record)
    log = studio.emulator.state.root / "github" / "1.log"
    log.parent.mkdir()
    log.write_text("▶ Train it\n    <script>alert(1)</script>\n")
    page = studio.page(ADDRESS)
    for words in (
        "Train it Failure 12",
        "Error No it broke Train",
        "# Trained <i>",
        "act failed",
        "<script>alert(1)</script>",
    ):
        assert words in page.text
    assert not page.all("i")
    assert '"size": "<script>"' in page.text


def test_a_run_of_another_repository_is_not_here(studio) -> None:
    add_run(studio)
    assert "There is no run 1 of local/other" in studio.page("/github/local/other/actions/runs/1", status=404).text
    assert "There is no run 7" in studio.page(f"/github/{NAME}/actions/runs/7", status=404).text
