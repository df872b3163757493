"""What is found out about a failed job beside its error, from answers in the shapes of the services."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from aml_actions.data_plane import DataPlane
from aml_actions.run_history import RunDetails, RunHistory
from aml_actions.service_error import ServiceError
from aml_actions.workspace import WorkspaceRef
from aml_run import evidence
from aml_run.evidence import Evidence

ROBOT, PERSON = {"userName": "robot", "userObjectId": "1"}, {"userName": "Ada Lovelace", "userObjectId": "2"}


class Answers:
    """Run history's answers by the end of the path; everything else fails."""

    def __init__(self, run: dict[str, Any] | None) -> None:
        self.run = run

    def get(self, url: str, params: Any = None) -> dict[str, Any]:
        if url.endswith("/children") and self.run is not None:
            return {"value": []}
        if self.run is None or not url.endswith("/runs/happy_ant"):
            raise HttpResponseError("the service is away")
        return self.run


def gathered(
    tmp_path: Path, run: dict[str, Any] | None, error: ServiceError | None = None, job: Any = None
) -> Evidence:
    workspace = WorkspaceRef("00000000-0000-0000-0000-000000000000", "rg", "ws")
    history = RunHistory(Answers(run), "https://api.example", workspace)  # type: ignore[arg-type]
    plane = SimpleNamespace(history=history)
    client = SimpleNamespace(jobs=SimpleNamespace(get=lambda name: job))
    details = RunDetails("Canceled", {}, error)
    plane_typed: DataPlane = plane  # type: ignore[assignment]
    return evidence.gather(client, plane_typed, "happy_ant", "Canceled", details, {"x": ["y"]}, {}, tmp_path)  # type: ignore[arg-type]


CANCELLED = ServiceError.from_body({"error": {"code": "UserError", "message": "The job was cancelled."}})


def test_who_cancelled_is_told_where_it_is_known(tmp_path: Path) -> None:
    run = {"createdBy": ROBOT, "lastModifiedBy": PERSON, "cancelationReason": "too dear"}
    assert gathered(tmp_path, run, CANCELLED).circumstances == [
        "Reason of the cancellation: too dear",
        "It was changed last by Ada Lovelace, who did not submit it.",
    ]


def test_nobody_is_blamed_without_evidence(tmp_path: Path) -> None:
    assert gathered(tmp_path, {"createdBy": ROBOT, "lastModifiedBy": ROBOT}, CANCELLED).circumstances == []


@pytest.mark.parametrize(("seconds", "told"), [(60, 1), (30, 0)])
def test_the_time_limit_is_named_where_it_was_reached(tmp_path: Path, seconds: int, told: int) -> None:
    run = {
        "startTimeUtc": "2026-01-01T00:00:00.1234567Z",
        "endTimeUtc": f"2026-01-01T00:0{seconds // 60}:{seconds % 60:02}.2+00:00",
    }
    job = SimpleNamespace(limits=SimpleNamespace(timeout=60), properties={})
    assert len(gathered(tmp_path, run, CANCELLED, job).circumstances) == told


def test_the_failure_is_told_although_the_service_is_away(tmp_path: Path) -> None:
    found = gathered(tmp_path, None, CANCELLED)
    assert found.error is CANCELLED
    assert found.tails == {"x": ["y"]}
    assert (list(found.children), list(found.circumstances), found.place) == ([], [], None)


def test_an_automl_job_has_its_error_among_its_properties(tmp_path: Path) -> None:
    job = SimpleNamespace(
        properties={"errors": 'Setup iteration failed: {"error": {"code": "UserError", "message": "no data"}}'}
    )
    found = gathered(tmp_path, {}, None, job)
    assert found.error is not None
    assert (found.error.code, found.error.message) == ("UserError", "no data")
