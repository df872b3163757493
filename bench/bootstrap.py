"""What shared/bootstrap costs a step: with nothing there, with packages in the cache, with the environment there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.measure import Reading, seconds, show

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-I", "-S", str(ROOT / "shared/bootstrap/environment.py")]


def main() -> None:
    """Make the actions' environment in each of the three situations."""
    cold, cached, warm = [], [], []
    with tempfile.TemporaryDirectory(prefix="bench-bootstrap-") as folder:
        home = Path(folder)
        for _ in range(3):
            shutil.rmtree(home)
            cold.append(seconds(lambda: _environment(home)))
        for _ in range(3):
            shutil.rmtree(home / "envs")
            cached.append(seconds(lambda: _environment(home)))
        for _ in range(9):
            warm.append(seconds(lambda: _environment(home)))
        size = sum(path.stat().st_size for path in (home / "envs").rglob("*") if path.is_file()) / 1e6
    show(
        "bootstrap of a step (requirements/actions.txt)",
        [
            Reading("nothing there: uv, packages, bytecode", "s", tuple(cold)),
            Reading("packages in uv's cache", "s", tuple(cached)),
            Reading("environment there", "s", tuple(warm)),
            Reading("size of the environment", "MB", (size,)),
        ],
    )


def _environment(home: Path) -> None:
    environ = {key: value for key, value in os.environ.items() if key != "UV_CACHE_DIR"}
    subprocess.run(
        [*COMMAND, "--lock", str(ROOT / "requirements/actions.txt"), "--home", str(home)],
        check=True,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
