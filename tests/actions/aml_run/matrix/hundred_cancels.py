"""Cancels many steps of aml-run at random moments, as the runner does, and prints what became of them.

    AML_ACTIONS_HOME=.build/actions python tests/actions/aml_run/matrix/hundred_cancels.py --number 120 --at-once 2 --seed 1

The moments lie in the whole life of a step whose job runs 6 s; the jobs run longer, so that each one which exists is there to be
cancelled. With `--job-seconds 6` some end by themselves, before the signal or beside it.

Exit code 1 if a job was left to itself, a step was killed, or annotation and summary do not say what happened.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from support.emulator import running
from support.random_cancels import cancel_at_random, table
from support.training import training_repository


def main() -> int:
    """Run the cancels against an emulator of their own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--job-seconds", type=int, default=600)
    given = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cancels-") as name:
        folder = Path(name)
        home = Path(os.environ.get("AML_ACTIONS_HOME") or folder / "actions")
        with running(folder / "state") as emulator:
            repository = training_repository(folder / "work", emulator, "ws-cancels")
            cancels = cancel_at_random(
                repository, home, given.number, at_once=given.at_once, seed=given.seed, seconds=given.job_seconds
            )
    print(f"{len(cancels)} cancels, {given.at_once} at once, seed {given.seed}, {time.monotonic() - begin:.0f} s")
    print(table(cancels))
    return int(any(one.problems() for one in cancels))


if __name__ == "__main__":
    sys.exit(main())
