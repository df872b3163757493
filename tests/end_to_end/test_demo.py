"""`make demo`, as somebody sees it who has just cloned the project."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.emulator import command
from support.homes import actions_home  # noqa: F401 - a fixture

from aml_emulator.demo.console import table

pytestmark = pytest.mark.xdist_group("template")


def demo(directory: Path, home: Path, **more: str) -> tuple[int, list[str], float]:
    """Run the demonstration; give its exit code, its lines, and the longest time (s) without a sign of life."""
    environment = {**os.environ, "AML_ACTIONS_HOME": str(home), **more}
    process = subprocess.Popen(
        [sys.executable, "-m", "aml_emulator.demo", "--directory", str(directory)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    said, silence, last = b"", 0.0, time.monotonic()
    while part := os.read(process.stdout.fileno(), 65536):
        said += part
        silence, last = max(silence, time.monotonic() - last), time.monotonic()
    return process.wait(), said.decode().splitlines(), silence


def is_down(directory: Path) -> bool:
    return json.loads(command("status", "--json", state=directory / "emulator").stdout)["running"] is False


def test_the_demonstration_ends_with_a_prediction_and_leaves_nothing_running(
    tmp_path: Path,
    actions_home: Path,  # noqa: F811
) -> None:
    code, lines, silence = demo(tmp_path, actions_home)
    text = "\n".join(lines)
    assert code == 0, text
    assert lines[0] == "From a push to a tested endpoint, on this machine."
    end = text[text.index("── Train and deploy") :]
    assert "Deploy and test the model           success" in end
    assert "Accuracy             0.974" in end
    assert "Model        iris-svc, version 1" in end
    assert "Scoring URI  https://127.0.0.1:" in end
    assert 'Answered     {"predict": [0, 1, 2]}  (setosa, versicolor, virginica)' in end
    assert "Studio       https://127.0.0.1:" in end
    assert silence < 30
    assert is_down(tmp_path)


def test_a_demonstration_that_fails_says_why_and_leaves_nothing_running(
    tmp_path: Path,
    actions_home: Path,  # noqa: F811
) -> None:
    code, lines, _ = demo(tmp_path, actions_home, AML_EMULATOR_UV=str(tmp_path / "no-uv"))
    text = "\n".join(lines)
    assert code == 1, text
    told = text[text.index("✖ .github/workflows/train_deploy.yml failed:") :]
    assert "no-uv" in told
    assert "Traceback" not in text
    assert is_down(tmp_path)


def test_a_table_has_its_columns_under_each_other() -> None:
    assert table(("Step", "Time"), [("Train", "9.1 s"), ("Deploy it", "26.0 s")]) == [
        "Step         Time",
        "─────────  ──────",
        "Train       9.1 s",
        "Deploy it  26.0 s",
    ]
