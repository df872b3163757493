"""How long the emulator takes to its first answer, and how much memory it holds when idle."""

from __future__ import annotations

import re
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from aml_emulator.state import ServerRecord, StateDirectory
from bench.measure import Reading, show

RUNS = 5
LONGEST = 30.0
"""Seconds to wait for a first answer."""


def main() -> None:
    """Start it on a new state (keys are made) and again on the same state."""
    new, again, memory = [], [], []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory(prefix="bench-emulator-") as folder:
            new.append(_start(Path(folder), memory=None))
            again.append(_start(Path(folder), memory=memory))
    show(
        "emulator",
        [
            Reading("start to first answer, new state", "s", tuple(new)),
            Reading("start to first answer, existing state", "s", tuple(again)),
            Reading("memory idle (RSS)", "MB", tuple(memory)),
        ],
    )


def _start(folder: Path, memory: list[float] | None) -> float:
    state = StateDirectory(folder)
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "aml_emulator", "up", "--foreground", "--state", str(folder), "--port", "0"],
        stdout=subprocess.DEVNULL,
    )
    try:
        record = _record(state, process, began + LONGEST)
        context = ssl.create_default_context(cafile=str(state.bundle))
        with urllib.request.urlopen(f"{record.base_url}/metadata/endpoints", context=context) as answer:
            answer.read()
        took = time.perf_counter() - began
        if memory is not None:
            status = Path(f"/proc/{process.pid}/status").read_text()
            memory.append(int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024)
        return took
    finally:
        process.terminate()
        process.wait(LONGEST)


def _record(state: StateDirectory, process: subprocess.Popen[bytes], deadline: float) -> ServerRecord:
    while time.perf_counter() < deadline:
        if record := state.read_record():
            return record
        if process.poll() is not None:
            break
        time.sleep(0.01)
    raise RuntimeError(f"the emulator did not start (exit code {process.poll()})")
