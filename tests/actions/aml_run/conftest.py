"""A repository that trains in the emulator."""

from collections.abc import Iterator

import pytest
from support.emulator import RunningEmulator
from support.training import TrainingRepository, azure_client, training_repository


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, emulator: RunningEmulator) -> TrainingRepository:
    return training_repository(tmp_path_factory.mktemp("aml-run"), emulator, "ws-aml-run")


@pytest.fixture
def repository(prepared: TrainingRepository) -> Iterator[TrainingRepository]:
    """The repository with nothing but its workspace file; what a test writes is gone after it."""
    yield prepared
    for name in ("code", ".cloud", "jobs"):
        folder = prepared.root / name
        for file in sorted(folder.rglob("*"), reverse=True):
            file.unlink() if file.is_file() else file.rmdir()


@pytest.fixture
def client(prepared: TrainingRepository) -> Iterator[object]:
    with azure_client(prepared.emulator, prepared.workspace) as found:
        yield found
