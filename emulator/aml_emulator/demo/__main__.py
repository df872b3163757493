"""The demonstration: `python -m aml_emulator.demo [--keep]`, which is `make demo`.

Takes the template as a repository of its own, with the emulator in the place of Azure and of GitHub. Nothing in between is
shortened: the template's own workflow files run the published actions, Azure's part is deployed from the ARM template, the
function is the one that is published to Azure, and the prediction at the end comes over HTTPS.
"""

import argparse
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

from aml_emulator.demo.console import DemoFailed, say
from aml_emulator.demo.emulator import Emulator
from aml_emulator.demo.story import Story, prepare_environment

CLONE = Path(__file__).resolve().parents[3]


def main(argv: list[str] | None = None) -> int:
    """Run the demonstration. Exit code 0, 1 when a step failed, 130 when it was interrupted."""
    parser = argparse.ArgumentParser(prog="python -m aml_emulator.demo", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="leave the emulator up, to look around")
    parser.add_argument(
        "--directory",
        type=Path,
        default=CLONE / ".build" / "demo",
        help="where everything is kept (default: .build/demo)",
    )
    parser.add_argument(
        "--source",
        type=Path,
        default=CLONE,
        help="a clone of this project: its actions and its template (default: this one)",
    )
    arguments = parser.parse_args(argv)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    prepare_environment(CLONE)
    began = time.monotonic()
    emulator = Emulator(arguments.directory.resolve() / "emulator")
    try:
        Story(arguments.source.resolve(), arguments.directory.resolve(), emulator).tell()
        say(f"\nDone in {time.monotonic() - began:.0f} s.")
        if arguments.keep:
            emulator.explain()
            return 0
    except DemoFailed as failure:
        say(f"\n✖ {failure}")
        emulator.down()
        return 1
    except KeyboardInterrupt:
        say("\nInterrupted.")
        emulator.down()
        return 130
    except BaseException:
        emulator.down()
        raise
    emulator.down()
    return 0


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
