"""A repository whose jobs have left models in the emulator."""

from collections.abc import Callable, Iterator

import pytest
from support.emulator import RunningEmulator
from support.training import RUN_CONFIG, TRACKED, TrainingRepository, azure_client, training_repository

TRAIN = """\
import os, pathlib
import mlflow

mlflow.log_metrics({"accuracy": float(os.environ["ACCURACY"]), "loss": 0.25})
files = {
    "model.pkl": "weights",
    "old_model.pkl": "old weights",
    "packed/MLmodel": "flavors: {}\\nmodel_uuid: 0\\n",
    "packed/data/weights.bin": "weights",
}
for name, content in files.items():
    file = pathlib.Path("outputs") / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, emulator: RunningEmulator) -> TrainingRepository:
    return training_repository(tmp_path_factory.mktemp("aml-registermodel"), emulator, "ws-aml-registermodel")


@pytest.fixture(scope="module")
def train(repository: TrainingRepository) -> Callable[[float], str]:
    """Trains until an accuracy is reached, and returns the job; a job of that accuracy is made only once."""
    jobs: dict[float, str] = {}

    def once(accuracy: float) -> str:
        if accuracy not in jobs:
            config = RUN_CONFIG.replace("EXAMPLE: value", f"ACCURACY: {accuracy}")
            repository.training(TRAIN, conda=TRACKED, run_config=config)
            done = repository.step("aml-run", {})
            assert done.code == 0, done.log
            jobs[accuracy] = done.outputs["run_id"]
        return jobs[accuracy]

    return once


@pytest.fixture
def client(repository: TrainingRepository) -> Iterator[object]:
    with azure_client(repository.emulator, repository.workspace) as found:
        yield found
