"""Distributed jobs: which processes a job has on which nodes, and what each launcher tells them by environment variables.

The nodes of a job are all this machine, so every address is 127.0.0.1; ports are free when the job starts. There is no `mpirun`: a
script that reads Open MPI's variables finds its rank and its world, but the MPI library itself takes each process for a world of one.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from aml_emulator.http import not_emulated
from aml_emulator.ml.scope import refused

KINDS = ("PyTorch", "TensorFlow", "Mpi")
_HERE = "127.0.0.1"


@dataclass(frozen=True)
class Distribution:
    """How a job is spread. `workers` and `parameter_servers` are TensorFlow's; `per_node` is that of the other two."""

    kind: str
    per_node: int = 1
    workers: int = 0
    parameter_servers: int = 0


@dataclass(frozen=True)
class Process:
    """One process of a job: the node it is on, its log, what its launcher adds to its environment."""

    node: int
    log: str
    variables: Mapping[str, str] = field(default_factory=dict)


def read(body: Mapping[str, Any] | None, nodes: int) -> Distribution | None:
    """A distribution as ARM has it, checked; None for a job of one process.

    Raises:
        ServiceError: it is none that runs here, or a number is out of range.

    """
    if not body:
        if nodes > 1:
            raise not_emulated(
                f"a job on several nodes (instance_count {nodes}) without `distribution`. Say pytorch, tensorflow or mpi"
            )
        return None
    kind = str(body.get("distributionType"))
    if kind not in KINDS:
        raise not_emulated(f"the distribution '{kind}'. Those that are: {', '.join(KINDS)}")
    if kind == "TensorFlow":
        workers = _count(body, "workerCount", nodes, least=1)
        return Distribution(kind, workers=workers, parameter_servers=_count(body, "parameterServerCount", 0, least=0))
    return Distribution(kind, per_node=_count(body, "processCountPerInstance", 1, least=1))


def processes(distribution: Distribution | None, nodes: int, single_log: str) -> list[Process]:
    """The processes of a job that starts now, the one that leads first."""
    if distribution is None:
        return [Process(0, single_log)]
    if distribution.kind == "TensorFlow":
        return _tensorflow(distribution, nodes)
    total = nodes * distribution.per_node
    tell = _pytorch if distribution.kind == "PyTorch" else _mpi
    port = str(free_ports(1)[0])
    common = {"MASTER_ADDR": _HERE, "MASTER_PORT": port} if distribution.kind == "PyTorch" else {}
    made = []
    for rank in range(total):
        node, local = divmod(rank, distribution.per_node)
        variables = common | tell(rank, total, node, local, distribution.per_node)
        made.append(Process(node, f"user_logs/std_log_process_{rank:02}.txt", variables))
    return made


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on at this moment, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((_HERE, 0))
        return [int(one.getsockname()[1]) for one in sockets]


def _pytorch(rank: int, total: int, node: int, local: int, per_node: int) -> dict[str, str]:
    return {
        "WORLD_SIZE": str(total),
        "RANK": str(rank),
        "NODE_RANK": str(node),
        "LOCAL_RANK": str(local),
        "LOCAL_WORLD_SIZE": str(per_node),
    }


def _mpi(rank: int, total: int, node: int, local: int, per_node: int) -> dict[str, str]:
    return {
        "OMPI_COMM_WORLD_RANK": str(rank),
        "OMPI_COMM_WORLD_SIZE": str(total),
        "OMPI_COMM_WORLD_LOCAL_RANK": str(local),
        "OMPI_COMM_WORLD_LOCAL_SIZE": str(per_node),
        "OMPI_COMM_WORLD_NODE_RANK": str(local),  # Open MPI's name for the rank among the processes of a node
        "AZ_BATCH_MASTER_NODE": f"{_HERE}:6105",
        "AZ_BATCH_HOST_LIST": ",".join([_HERE] * (total // per_node)),
    }


def _tensorflow(distribution: Distribution, nodes: int) -> list[Process]:
    """Workers and parameter servers, dealt to the nodes in turn; the first worker is the chief."""
    workers, servers = distribution.workers, distribution.parameter_servers
    addresses = [f"{_HERE}:{port}" for port in free_ports(workers + servers)]
    cluster = {"worker": addresses[:workers]} | ({"ps": addresses[workers:]} if servers else {})
    tasks = [("worker", index) for index in range(workers)] + [("ps", index) for index in range(servers)]
    made = []
    for place, (kind, index) in enumerate(tasks):
        config = {"cluster": cluster, "task": {"type": kind, "index": index}, "environment": "cloud"}
        log = f"user_logs/std_log_process_{index:02}.txt" if kind == "worker" else f"user_logs/std_log_{index}_ps.txt"
        made.append(Process(place % nodes, log, {"TF_CONFIG": json.dumps(config)}))
    return made


def _count(body: Mapping[str, Any], name: str, default: int, least: int) -> int:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not str(value).isdigit() or int(value) < least:
        raise refused(f"distribution.{name} must be a number of {least} or more, not '{value}'.", target="distribution")
    return int(value)
