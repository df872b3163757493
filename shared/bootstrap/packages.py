"""Install the packages of a requirements file into a folder of their own, for the Python code of a user's repository.

    python3 packages.py --requirements requirements-job.txt --target FOLDER

The packages fit the interpreter that runs this program, and those that its environment holds already: a requirement that
contradicts them is an error, since both would be imported into one process. The environment itself is not changed.

Only the standard library. uv is the one that made the environment (installer.py), with the same mirrors and certificates. Relative
paths in the requirements file, and uv's own configuration, are those of the working directory.

Exit code 1: not installed; the reason is printed. Environment: as environment.py; AML_ACTIONS_HOME, RUNNER_TOOL_CACHE,
XDG_CACHE_HOME and HOME as run.sh reads them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

_STEP_INPUTS = "AML_ACTION_INPUT_"
"""Begins the variables with a step's inputs; building a package runs code of strangers, which gets none of them."""


def main(arguments: list[str]) -> int:
    """Install; return the exit code."""
    values = dict(zip(arguments[::2], arguments[1::2]))  # noqa: B905 - always pairs
    if len(arguments) != 4 or set(values) != {"--requirements", "--target"}:
        sys.exit("usage: packages.py --requirements FILE --target FOLDER")
    here = Path(__file__).resolve().parent
    sys.path.insert(0, str(here))
    sys.dont_write_bytecode = True  # this folder may lie in the user's repository
    import installer

    home = _home()
    uv = installer.find(here.parents[1] / "requirements" / "uv.txt", home)
    settings = {name: value for name, value in installer.uv_settings(home).items() if not name.startswith(_STEP_INPUTS)}
    with tempfile.TemporaryDirectory(prefix="aml-actions-") as scratch:
        held = Path(scratch) / "held.txt"
        held.write_text("\n".join(sorted(_held())), encoding="utf-8")
        done = subprocess.run(
            [
                *(str(uv), "pip", "install", "--no-progress", "--python", sys.executable),
                *("--target", values["--target"], "--constraint", str(held), "--requirements", values["--requirements"]),
            ],
            env=settings, stdout=sys.stderr, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    return 1 if done.returncode else 0


def _held() -> set[str]:
    """Return a pin of every package of this environment."""
    return {f"{one.metadata['Name']}=={one.version}" for one in metadata.distributions() if one.metadata["Name"]}


def _home() -> Path:
    """Return the folder in which uv is kept, by the rule of run.sh."""
    if os.environ.get("AML_ACTIONS_HOME"):
        return Path(os.environ["AML_ACTIONS_HOME"])
    if os.environ.get("RUNNER_TOOL_CACHE"):
        return Path(os.environ["RUNNER_TOOL_CACHE"]) / "aml-actions"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aml-actions"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
