"""What every test may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.emulator import RunningEmulator, running


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    """A running emulator with an empty cloud, one a worker. Tests that make things use names of their own."""
    with running(tmp_path_factory.mktemp("emulator")) as found:
        yield found
