"""The suite itself: tests that share something costly run in one process."""

import subprocess
import sys
from pathlib import Path

GROUPED = """\
import os
import pathlib
import pytest


@pytest.mark.xdist_group("costly")
@pytest.mark.parametrize("number", range(8))
def test_one_of_a_group(number):
    pathlib.Path(f"{os.getpid()}-{number}.ran").touch()
"""


def test_a_group_of_tests_is_sent_to_one_worker(tmp_path: Path) -> None:
    # With a pytest that it does not fit, pytest-xdist ignores groups in silence (its issue 1386).
    (tmp_path / "test_grouped.py").write_text(GROUPED)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    ran = [file.name.split("-")[0] for file in tmp_path.glob("*.ran")]
    assert (len(ran), len(set(ran))) == (8, 1)
