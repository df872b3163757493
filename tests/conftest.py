"""What every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from support.emulator import RunningEmulator, running

_CLOUD = "AZUREML_CURRENT_CLOUD"


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    """A running emulator with an empty cloud, one a worker. Tests that make things use names of their own."""
    with running(tmp_path_factory.mktemp("emulator")) as found:
        yield found


@pytest.fixture(autouse=True)
def the_cloud_of_a_test_is_its_own() -> Iterator[None]:
    """MLClient writes its cloud into the environment, where the next test's client would find it."""
    before = os.environ.get(_CLOUD)
    yield
    if before is None:
        os.environ.pop(_CLOUD, None)
    else:
        os.environ[_CLOUD] = before


def pytest_configure(config: pytest.Config) -> None:
    """The SDK's own schemas warn about a coming marshmallow, hundreds of times a run; that is theirs to mend."""
    config.addinivalue_line("filterwarnings", "ignore::marshmallow.warnings.RemovedInMarshmallow4Warning")
    config.addinivalue_line("filterwarnings", "ignore::marshmallow.warnings.ChangedInMarshmallow4Warning")
