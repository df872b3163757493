"""Distributed jobs: real processes that find each other by what their launcher tells them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Submit

PYTORCH = """
import os, socket, sys
names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "NODE_RANK")
rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
address = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
if rank == 0:
    server = socket.create_server(address)
    for _ in range(world - 1):
        server.accept()[0].sendall(b"go")
else:
    for attempt in range(200):
        try:
            peer = socket.create_connection(address)
            break
        except ConnectionRefusedError:
            import time; time.sleep(0.05)
    assert peer.recv(2) == b"go"
open(f"outputs/rank_{rank}.txt", "w").write(" ".join(os.environ[name] for name in names))
open(os.path.join(sys.argv[1], f"shared_{rank}.txt"), "w").write(os.environ["AZUREML_NODE_COUNT"])
print("rank", rank)
"""


def test_a_pytorch_job_on_two_nodes(submit: Submit, ml: Any, tmp_path: Path) -> None:
    from azure.ai.ml import Output

    job = submit(
        "python train.py ${{outputs.shared}}",
        {"train.py": PYTORCH},
        instance_count=2,
        shm_size="2g",
        docker_args="--gpus all",
        distribution={"type": "pytorch", "process_count_per_instance": 2},
        outputs={"shared": Output(type="uri_folder")},
    )
    ml.jobs.stream(job.name)
    found = ml.jobs.get(job.name)
    assert (found.status, found.resources.instance_count) == ("Completed", 2)
    assert found.distribution.process_count_per_instance == 2
    ml.jobs.download(job.name, download_path=tmp_path)
    ml.jobs.download(job.name, download_path=tmp_path, output_name="shared")
    kept = tmp_path / "artifacts"
    told = {path.name: path.read_text() for path in (kept / "outputs").iterdir()}
    assert told == {
        "rank_0.txt": "0 4 0 2 0",
        "rank_1.txt": "1 4 1 2 0",
        "rank_2.txt": "2 4 0 2 1",
        "rank_3.txt": "3 4 1 2 1",
    }
    logs = {path.name: path.read_text() for path in (kept / "user_logs").iterdir()}
    assert logs == {f"std_log_process_0{rank}.txt": f"rank {rank}\n" for rank in range(4)}
    shared = tmp_path / "named-outputs" / "shared"
    assert {path.name: path.read_text() for path in shared.iterdir()} == {f"shared_{n}.txt": "2" for n in range(4)}


def test_a_tensorflow_job_with_a_parameter_server(submit: Submit, ml: Any, tmp_path: Path) -> None:
    job = submit(
        "echo $TF_CONFIG",
        {"x": ""},
        instance_count=2,
        distribution={"type": "tensorflow", "worker_count": 2, "parameter_server_count": 1},
    )
    ml.jobs.stream(job.name)
    ml.jobs.download(job.name, download_path=tmp_path)
    logs = tmp_path / "artifacts" / "user_logs"
    told = {path.name: json.loads(path.read_text()) for path in logs.iterdir()}
    assert {name: config["task"] for name, config in told.items()} == {
        "std_log_process_00.txt": {"type": "worker", "index": 0},
        "std_log_process_01.txt": {"type": "worker", "index": 1},
        "std_log_0_ps.txt": {"type": "ps", "index": 0},
    }
    clusters = [config["cluster"] for config in told.values()]
    assert clusters[0] == clusters[1] == clusters[2]
    assert len({*clusters[0]["worker"], *clusters[0]["ps"]}) == 3


def test_an_mpi_job(submit: Submit, ml: Any, tmp_path: Path) -> None:
    job = submit(
        "echo $OMPI_COMM_WORLD_RANK/$OMPI_COMM_WORLD_SIZE $OMPI_COMM_WORLD_LOCAL_RANK/$OMPI_COMM_WORLD_LOCAL_SIZE"
        " $AZ_BATCH_MASTER_NODE",
        {"x": ""},
        instance_count=2,
        distribution={"type": "mpi", "process_count_per_instance": 1},
    )
    ml.jobs.stream(job.name)
    ml.jobs.download(job.name, download_path=tmp_path)
    logs = sorted((tmp_path / "artifacts" / "user_logs").iterdir())
    assert [path.read_text() for path in logs] == ["0/2 0/1 127.0.0.1:6105\n", "1/2 0/1 127.0.0.1:6105\n"]


def test_one_process_that_fails_ends_the_others_and_is_named(submit: Submit, ml: Any) -> None:
    script = """
import os, time
if os.environ["RANK"] == "1":
    raise ValueError("rank 1 has no data")
time.sleep(300)
"""
    job = submit(
        "python t.py",
        {"t.py": script},
        instance_count=2,
        distribution={"type": "pytorch", "process_count_per_instance": 1},
    )
    with pytest.raises(Exception, match=r"user_logs/std_log_process_01\.txt") as caught:
        ml.jobs.stream(job.name)
    assert "ValueError: rank 1 has no data" in str(caught.value)


def test_a_job_that_asks_for_more_nodes_than_there_are_fails_in_the_services_words(submit: Submit, ml: Any) -> None:
    job = submit("true", {"x": ""}, instance_count=3, distribution={"type": "pytorch", "process_count_per_instance": 1})
    with pytest.raises(Exception, match="Requested 3 nodes but AzureMLCompute cluster only has 2 maximum nodes"):
        ml.jobs.stream(job.name)
