"""`make demo`, as somebody sees it who has just cloned the project."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.emulator import command
from support.homes import actions_home  # noqa: F401 - a fixture

from aml_emulator.demo.console import table

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.xdist_group("template")


def demo(directory: Path, home: Path, *options: str, **more: str) -> tuple[int, list[str], float]:
    """Run the demonstration; give its exit code, its lines, and the longest time (s) without a sign of life."""
    environment = {**os.environ, "AML_ACTIONS_HOME": str(home), **more}
    process = subprocess.Popen(
        [sys.executable, "-m", "aml_emulator.demo", "--directory", str(directory), *options],
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


def counted(text: str) -> dict[str, int]:
    """The last line of the table of events: what became of all of them."""
    lines = text[text.index("── Events") :].splitlines()
    head = next(line for line in lines if line.startswith("Event ")).split()
    return dict(
        zip(head[1:], map(int, next(line for line in lines if line.startswith("all ")).split()[1:]), strict=True)
    )


def test_the_demonstration_goes_from_a_push_and_from_a_blob_to_a_new_deployment_and_leaves_nothing_running(
    tmp_path: Path,
    actions_home: Path,  # noqa: F811
) -> None:
    code, lines, silence = demo(tmp_path, actions_home)
    text = "\n".join(lines)
    assert code == 0, text
    assert "✔ Deploy the template and publish the function" in text
    for chain, cause in (("From a push to prod", "push of"), ("From new data to prod", "blob flowers.csv written")):
        told = text[text.index(f"── {chain}") :].split("\n── ")[0]
        for link in (
            cause,
            "Train (run",
            "job",
            "event RunCompleted delivered",
            "Deploy the model (run",
            "prod: success",
        ):
            assert link in told, told
    assert "dispatch storage-blobcreated" in text
    found = counted(text)
    assert found["published"] == found["delivered"] == found["dispatched"] == found["duplicate"] == 5
    assert (found["arrived"], found["lost"], found["repeated"]) == (10, 0, 0)
    assert re.search(r"Prod +iris-prod: iris-svc, version 1 \(v1-\S+\), then iris-svc, version 2 \(v2-\S+\)", text)
    assert 'Answered     {"predict": [0, 1, 2]}  (setosa, versicolor, virginica)' in text
    assert silence < 30
    assert is_down(tmp_path)


def test_a_demonstration_that_fails_says_why_and_leaves_nothing_running(
    tmp_path: Path,
    actions_home: Path,  # noqa: F811
) -> None:
    code, lines, _ = demo(tmp_path, actions_home, AML_EMULATOR_UV=str(tmp_path / "no-uv"))
    text = "\n".join(lines)
    assert code == 1, text
    told = text[text.index("✖ .github/workflows/setup.yml failed:") :]
    assert "no-uv" in told
    assert "Traceback" not in text
    assert is_down(tmp_path)


def test_a_chain_that_breaks_says_at_which_link(
    tmp_path: Path,
    actions_home: Path,  # noqa: F811
) -> None:
    """Training with an environment that cannot be built: the job never completes, and no event comes."""
    directory = tmp_path / "demo"
    source = tmp_path / "source"
    for name in ("actions", "shared", "requirements", "docs", "example-repo", "infra"):
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "LICENSE", "action-catalog.md", ".gitignore"):
        shutil.copy(ROOT / name, source / name)
    subprocess.run(["git", "init", "--quiet", str(source)], check=True)
    conda = source / "example-repo/code/train/environment.yml"
    conda.write_text(conda.read_text().replace("scikit-learn", "no-such-package-anywhere"))
    code, lines, _ = demo(directory, actions_home, "--source", str(source))
    text = "\n".join(lines)
    assert code == 1, text
    told = text[text.index("✖ The chain from the push of") :]
    assert "train_model.yml (run 3) ended with failure" in told
    assert "no-such-package-anywhere" in told
    assert is_down(directory)


def test_a_table_has_its_columns_under_each_other() -> None:
    assert table(("Step", "Time"), [("Train", "9.1 s"), ("Deploy it", "26.0 s")]) == [
        "Step         Time",
        "─────────  ──────",
        "Train       9.1 s",
        "Deploy it  26.0 s",
    ]
