"""Jobs in an emulator of this process, and jobs that the real SDK submits to one that is served."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.workbench import Workbench, workbench

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
COMPUTE = "cpu-cluster"

Submit = Callable[..., Any]
Step = Callable[..., Any]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    with workbench(tmp_path_factory.mktemp("bench")) as found:
        yield found


@pytest.fixture(scope="module")
def cluster(ml: MLClient) -> str:
    """Name of a cluster of two nodes."""
    from azure.ai.ml.entities import AmlCompute

    ml.compute.begin_create_or_update(AmlCompute(name=COMPUTE, size="Standard_DS3_v2", max_instances=2)).result()
    return COMPUTE


@pytest.fixture(scope="module")
def step(tmp_path_factory: pytest.TempPathFactory) -> Step:
    """`step(command, files, conda, **settings)`: a builder of jobs and steps, as the SDK's `command()` gives it."""
    from azure.ai.ml import command
    from azure.ai.ml.entities import Environment

    def make(line: str, files: dict[str, str], conda: str = "dependencies: [python=3.11]", **settings: Any) -> Any:
        folder: Path = tmp_path_factory.mktemp("code")
        for name, text in files.items():
            (folder / "src" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "src" / name).write_text(text)
        (folder / "conda.yml").write_text(conda)
        environment = Environment(image=IMAGE, conda_file=folder / "conda.yml")
        return command(code=str(folder / "src"), command=line, environment=environment, **settings)

    return make


@pytest.fixture(scope="module")
def submit(ml: MLClient, cluster: str, step: Step) -> Submit:
    """`submit(command, files, conda, **settings)`: the SDK's `command()` sent to a cluster of the workspace."""

    def send(line: str, files: dict[str, str], conda: str = "dependencies: [python=3.11]", **settings: Any) -> Any:
        limits = settings.pop("limits", None)
        settings.setdefault("experiment_name", "trials")
        job = step(line, files, conda, compute=cluster, **settings)
        job.limits = limits
        return ml.jobs.create_or_update(job)

    return send
