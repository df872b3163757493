"""Where steps under test find their Python environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def actions_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the actions' environments: the kept one of `make test`, else one for this run of the tests.

    Several workers share it; the bootstrap itself sees to it that only one of them installs.
    """
    kept = os.environ.get("AML_ACTIONS_HOME")
    if kept:
        return Path(kept)
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    return shared / "actions home"
