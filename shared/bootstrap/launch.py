"""Runs an action in its environment: ``python -I launch.py aml-run``.

The action's package is found by its name, so that nothing here names one: the folder ``aml-run`` holds the package ``aml_run``,
whose module ``spec`` has the constant ``ACTION``.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import os
import sys

_SIGNALLED = 128
"""Exit codes above it say that a signal ended the step, and that everything that is to be told has been told."""


def main(name: str) -> int:
    """Run the action `name` with the environment of the step and return its exit code."""
    from importlib import import_module
    from pathlib import Path

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


def _end(number: int, frame: object) -> None:
    """End at once: nothing has begun yet, or nothing is left to do."""
    os.write(1, b"The step was cancelled.\n")
    os._exit(_SIGNALLED + number)


if __name__ == "__main__":
    # While modules are imported, and when everything is told; between the two the action itself listens. An exception would not do: where
    # it comes while a module is imported, Python may swallow it. That is why `signal` and `pathlib` are not imported before: in their
    # own imports it would be a traceback.
    _signal.signal(_signal.SIGINT, _end)
    code = main(sys.argv[1])
    if code > _SIGNALLED:
        # Threads may be uploading, and the interpreter would wait for them: the runner kills before they have ended.
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)
