"""Runs an action in its environment: ``python -I launch.py aml-run``.

The action's package is found by its name, so that nothing here names one: the folder ``aml-run`` holds the package ``aml_run``,
whose module ``spec`` has the constant ``ACTION``.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path


def main(name: str) -> int:
    """Run the action `name` with the environment of the step and return its exit code."""
    # Absolute, but not resolved: actions/shared is a link in the repository, and the actions lie beside the link.
    root = Path(os.path.normpath(Path(__file__).absolute())).parents[2]
    folder = root / name
    if not folder.is_dir():
        print(f"::error title=aml-actions::there is no action {name} in {root}", flush=True)
        return 1
    sys.path[:0] = [str(folder), str(root / "shared")]
    spec = import_module(f"{name.replace('-', '_')}.spec").ACTION
    exit_code: int = import_module("aml_actions.step").main(spec, os.environ)
    return exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
