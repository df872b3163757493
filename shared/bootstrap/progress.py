"""What the bootstrap says: lines on standard error, which the runner shows in the step's log."""

from __future__ import annotations

import os
import sys


def say(text: str) -> None:
    """Print a line of progress."""
    print(f"aml-actions: {text}", file=sys.stderr, flush=True)


def failed(what: str, fix: str) -> SystemExit:
    """Print one clear error, of which the runner makes an annotation, and return the exception to raise."""
    message = f"{what}\nFix: {fix}".replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    command = (
        "##vso[task.logissue type=error]aml-actions: " if os.environ.get("TF_BUILD") else "::error title=aml-actions::"
    )
    print(command + message, file=sys.stderr, flush=True)
    return SystemExit(1)
