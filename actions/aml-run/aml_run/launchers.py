"""How the processes of a v1 run on several nodes were started, and what that is in v2.

SDK v1 chose the launcher by ``communicator``; the sections ``mpi``, ``pytorch`` and ``tensorflow`` only counted its processes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aml_run.runconfig import RunConfig

_SECTION_OF = {
    "mpi": "mpi",
    "openmpi": "mpi",
    "intelmpi": "mpi",
    "nccl": "pytorch",
    "gloo": "pytorch",
    "parameterserver": "tensorflow",
}
"""The section that a communicator reads, by its name in lower case."""
_COMMUNICATOR_OF = {"mpi": "OpenMpi", "pytorch": "Nccl", "tensorflow": "ParameterServer"}


@dataclass(frozen=True)
class Distribution:
    """How the processes of a job on several nodes find each other.

    Attributes:
        kind: launcher.
        processes_per_node: for ``mpi`` and ``pytorch``.
        workers: for ``tensorflow``.
        parameter_servers: for ``tensorflow``.

    """

    kind: Literal["mpi", "pytorch", "tensorflow"]
    processes_per_node: int = 1
    workers: int = 1
    parameter_servers: int = 0


def nodes_and_distribution(config: RunConfig) -> tuple[int, Distribution | None]:
    """Return the number of nodes and the launcher, None for one process on each node."""
    _judge_framework(config)
    section = _section(config)
    _warn_of_unused_sections(config, section)
    nodes = _node_count(config, section)
    if section == "mpi":
        return nodes, Distribution("mpi", processes_per_node=config.whole("mpi.processCountPerNode", 1))
    if section == "pytorch":
        return nodes, Distribution("pytorch", processes_per_node=_pytorch_processes(config, nodes))
    if section == "tensorflow":
        workers = config.whole("tensorflow.workerCount", 1)
        return nodes, Distribution(
            "tensorflow", workers=workers, parameter_servers=config.whole("tensorflow.parameterServerCount", 1)
        )
    return nodes, None


def _judge_framework(config: RunConfig) -> None:
    if config.text("framework", "Python").lower() not in ("python", "tensorflow", "pytorch"):
        config.problem(
            "the `framework` has no v2 translation.",
            value=config.text("framework"),
            allowed="Python, TensorFlow, PyTorch",
            fix="PySpark becomes a Spark job: write a v2 job YAML and name it with `job_file` in the parameters file",
            key="framework",
        )


def _section(config: RunConfig) -> str:
    """Return the section of the launcher, empty without one."""
    communicator = config.text("communicator", "None")
    if communicator.lower() != "none" and communicator.lower() not in _SECTION_OF:
        config.problem(
            "the `communicator` is not known.",
            value=communicator,
            allowed="None, OpenMpi, IntelMpi, Nccl, Gloo, ParameterServer",
            key="communicator",
        )
    return _SECTION_OF.get(communicator.lower(), "")


def _warn_of_unused_sections(config: RunConfig, section: str) -> None:
    for key in config.values:
        other = key.split(".")[0]
        if other in _COMMUNICATOR_OF and other != section and "." in key:
            config.warn(f"`{key}` has no effect: SDK v1 read it only with `communicator: {_COMMUNICATOR_OF[other]}`.")


def _node_count(config: RunConfig, section: str) -> int:
    """Return the number of nodes; the section of the launcher could name it as well."""
    named = {
        key: config.whole(key, 1)
        for key in ("nodeCount", f"{section}.nodeCount")
        if key in config.values and key != ".nodeCount"
    }
    if len(set(named.values())) > 1:
        text = ", ".join(f"{key}: {count}" for key, count in named.items())
        config.problem(
            "the numbers of nodes contradict each other.", value=text, fix="keep `nodeCount`", key="nodeCount"
        )
    return max(named.values(), default=1)


def _pytorch_processes(config: RunConfig, nodes: int) -> int:
    """Return processes per node: v1 counted all of them, one a node by default."""
    total = config.whole("pytorch.processCount", nodes)
    if total % nodes:
        config.problem(
            "`pytorch.processCount` cannot be spread evenly over the nodes.",
            value=f"{total} processes, {nodes} nodes",
            allowed="a multiple of nodeCount",
            key="pytorch.processCount",
        )
    return max(1, total // nodes)
