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


def pytest_configure(config: pytest.Config) -> None:
    """The SDK's own schemas warn about a coming marshmallow, hundreds of times a run; that is theirs to mend."""
    config.addinivalue_line("filterwarnings", "ignore::marshmallow.warnings.RemovedInMarshmallow4Warning")
    config.addinivalue_line("filterwarnings", "ignore::marshmallow.warnings.ChangedInMarshmallow4Warning")
