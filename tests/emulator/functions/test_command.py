"""`aml-emulator functions`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aml_emulator.cli import main
from aml_emulator.functions.logs import AppLog


def logged(state: Path, app: str, *messages: str) -> None:
    for message in messages:
        AppLog(state / "functions" / app / "app.log").note("Information", message)


def test_the_log_of_the_only_app_needs_no_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logged(tmp_path, "bridge", "first", "second")
    assert main(["functions", "--state", str(tmp_path), "--last", "1"]) == 0
    printed = capsys.readouterr().out
    assert "Information Host: second" in printed
    assert "first" not in printed


def test_whole_entries_are_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logged(tmp_path, "bridge", "first", "second")
    assert main(["functions", "Bridge", "--state", str(tmp_path), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["message"] for line in lines] == ["first", "second"]
    assert all(line["time"] for line in lines)


@pytest.mark.parametrize(
    ("apps", "name", "told"),
    [
        ([], [], "There are: none yet."),
        (["a", "b"], [], "which function app? There are: a, b."),
        (["a"], ["c"], "no function app 'c' has a log. There are: a."),
    ],
)
def test_an_app_that_is_not_there_is_answered_with_those_that_are(
    apps: list[str], name: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for app in apps:
        logged(tmp_path, app, "x")
    assert main(["functions", *name, "--state", str(tmp_path)]) == 1
    assert told in capsys.readouterr().err
