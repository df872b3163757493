"""A v1 run configuration as a v2 command job: plain data, without the SDK, so that every rule can be tested by itself."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from aml_actions.errors import InvalidSettings
from aml_run.runconfig import RunConfig, as_text

CURRENT_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest"
"""Microsoft's training image for CPUs; its successor for a file that names none."""
_RETIRED_IMAGE = re.compile(r"mcr\.microsoft\.com/azureml/(base(-gpu)?:|.*ubuntu1[68]\.04)")
_OLD_PYTHON = re.compile(r"(?<![\w-])python\s*=+\s*(2(\.\d+)*|3\.[0-8])(\.\d+|\.\*)*\b")
_CURRENT_PYTHON = "3.11"
_V2_EXPRESSION = "${{"


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


@dataclass(frozen=True)
class TrainingEnvironment:
    """What a job runs in: an image, or a Dockerfile, and the conda environment built upon the image.

    Attributes:
        image: with tag or digest; empty with a Dockerfile.
        conda: a conda file, or its content; None when the image holds everything.
        dockerfile: text of a Dockerfile; empty with an image.

    """

    image: str = ""
    conda: Path | dict[str, Any] | None = None
    dockerfile: str = ""


@dataclass(frozen=True)
class CommandSettings:
    """A v2 command job.

    Attributes:
        code: folder that is uploaded.
        command: line for the shell of the container.
        compute: name of a compute of the workspace.
        nodes: number of instances.
        environment: what it runs in.
        environment_variables: names and texts.
        shm_size: size of /dev/shm, such as ``2g``; empty for the service's default.
        docker_args: extra arguments of ``docker run``.
        timeout: seconds after which the service cancels the job; None for its own limit.
        distribution: None for one process.

    """

    code: Path
    command: str
    compute: str
    nodes: int
    environment: TrainingEnvironment
    environment_variables: dict[str, str]
    shm_size: str
    docker_args: str
    timeout: int | None
    distribution: Distribution | None


def translate(config: RunConfig) -> CommandSettings:
    """Return the v2 job that a v1 run configuration means. Warnings and notes are added to the configuration's.

    Raises:
        InvalidSettings: something in the file has no v2 meaning or is wrong; all of it at once.

    """
    nodes = _node_count(config)
    settings = CommandSettings(
        code=config.source_directory,
        command=_command(config),
        compute=_compute(config),
        nodes=nodes,
        environment=_environment(config),
        environment_variables=_environment_variables(config),
        shm_size=config.text("docker.shmSize") or config.text("environment.docker.shmSize"),
        docker_args=shlex.join(config.texts("docker.arguments") or config.texts("environment.docker.arguments")),
        timeout=config.whole("maxRunDurationSeconds", 1) if "maxRunDurationSeconds" in config.values else None,
        distribution=_distribution(config, nodes),
    )
    if config.problems:
        raise InvalidSettings(config.problems)
    return settings


def _command(config: RunConfig) -> str:
    script, command = config.text("script"), config.values.get("command")
    if script and command:
        config.problem("both `script` and `command` are set.", fix="keep one of them")
    if command is not None:
        # A text went to a shell in v1 too; a list is one command with its arguments.
        line = command if isinstance(command, str) else shlex.join(config.texts("command"))
        if "arguments" in config.values:
            config.problem("`arguments` belong to `script`, not to `command`.", fix="write them into `command`")
    elif script:
        if not (config.source_directory / script).is_file():
            config.problem(
                "the `script` does not exist.",
                value=script,
                allowed=f"a file below {config.source_directory.name}/, the folder that is uploaded",
                fix="correct the path; it is relative to that folder",
            )
        line = shlex.join(["python", script, *config.texts("arguments")])
    else:
        config.problem("there is neither `script` nor `command`.", fix="name the script that trains")
        return ""
    if _V2_EXPRESSION in line:
        config.problem(
            f"the command holds `{_V2_EXPRESSION}`, which a v2 job would read as an expression of its own.",
            value=line,
            fix="pass the value in another way, for example in an environment variable",
        )
    return line


def _compute(config: RunConfig) -> str:
    target = config.text("target")
    if target in ("", "local"):
        config.problem(
            "`target` names no compute of the workspace.",
            value=target or "(empty; SDK v1 then ran the script on the runner)",
            fix="write the name of a cluster, for example the one that aml-compute made",
        )
    elif target == "amlcompute" and "amlcompute" not in {name.split(".")[0] for name in config.values}:
        config.warnings.append(
            f"{config.name}: `target: amlcompute` made a cluster for the run in SDK v1; v2 takes it for the name of an existing one."
        )
    return target


def _node_count(config: RunConfig) -> int:
    """Return the number of nodes; the sections of the launchers could name it as well."""
    named = {
        key: config.whole(key, 1) for key in ("nodeCount", "mpi.nodeCount", "pytorch.nodeCount") if key in config.values
    }
    if len(set(named.values())) > 1:
        text = ", ".join(f"{key}: {count}" for key, count in named.items())
        config.problem("the numbers of nodes contradict each other.", value=text, fix="keep `nodeCount`")
    return max(named.values(), default=1)


def _distribution(config: RunConfig, nodes: int) -> Distribution | None:
    communicator = config.text("communicator", "None").lower()
    framework = config.text("framework", "Python").lower()
    if framework not in ("python", "tensorflow", "pytorch"):
        config.problem(
            "the `framework` has no v2 translation.",
            value=config.text("framework"),
            allowed="Python, TensorFlow, PyTorch",
            fix="PySpark becomes a Spark job: "
            + "write a v2 job YAML and name it with `job_file` in the parameters file",
        )
    if communicator == "none":
        return None
    if communicator in ("mpi", "openmpi", "intelmpi"):
        return Distribution("mpi", processes_per_node=config.whole("mpi.processCountPerNode", 1))
    if communicator in ("nccl", "gloo"):
        return Distribution("pytorch", processes_per_node=_pytorch_processes(config, nodes))
    if communicator == "parameterserver":
        return Distribution(
            "tensorflow",
            workers=config.whole("tensorflow.workerCount", 1),
            parameter_servers=config.whole("tensorflow.parameterServerCount", 1),
        )
    config.problem(
        "the `communicator` is not known.",
        value=config.text("communicator"),
        allowed="None, OpenMpi, IntelMpi, Nccl, Gloo, ParameterServer",
    )
    return None


def _pytorch_processes(config: RunConfig, nodes: int) -> int:
    """Return processes per node: v1 counted all of them, one a node by default."""
    total = config.whole("pytorch.processCount", nodes)
    if total % nodes:
        config.problem(
            "`pytorch.processCount` cannot be spread evenly over the nodes.",
            value=f"{total} processes, {nodes} nodes",
            allowed="a multiple of nodeCount",
        )
    return max(1, total // nodes)


def _environment_variables(config: RunConfig) -> dict[str, str]:
    """Return the variables of both places; those of the run win over those of the environment, as in v1."""
    return {**config.mapping("environment.environmentVariables"), **config.mapping("environmentVariables")}


def _environment(config: RunConfig) -> TrainingEnvironment:
    image, dockerfile = config.text("environment.docker.baseImage"), config.text("environment.docker.baseDockerfile")
    own_python = config.flag("environment.python.userManagedDependencies")
    if image and dockerfile:
        config.problem("both `baseImage` and `baseDockerfile` are set.", fix="keep one of them")
    if own_python and not (image or dockerfile):
        config.problem(
            "`userManagedDependencies: true` without an image: a v2 job has no Python of its own.",
            fix="name an image with everything in it as `environment.docker.baseImage`",
        )
    conda = None if own_python else _conda(config)
    if dockerfile:
        return TrainingEnvironment(dockerfile=_dockerfile(config, dockerfile, conda))
    return TrainingEnvironment(image=_image(config, image), conda=conda)


def _image(config: RunConfig, image: str) -> str:
    if not image:
        config.warnings.append(
            f"{config.name}: no `environment.docker.baseImage`; SDK v1's default is retired, {CURRENT_IMAGE} is used."
        )
        return CURRENT_IMAGE
    if _RETIRED_IMAGE.match(image):
        config.warnings.append(
            f"{config.name}: the image {image} is retired and gets no security updates. A current one: {CURRENT_IMAGE}."
        )
    registry = config.text("environment.docker.baseImageRegistry.address")
    if registry and not image.startswith(registry + "/"):
        image = f"{registry}/{image}"
    # The service refuses a definition without a tag; "latest" is what an image without one means.
    return image if re.search(r"[:@][^/]+$", image) else f"{image}:latest"


def _dockerfile(config: RunConfig, dockerfile: str, conda: Path | dict[str, Any] | None) -> str:
    if conda is not None:
        config.problem(
            "`baseDockerfile` together with conda dependencies: v2 builds either a Dockerfile or a conda environment.",
            fix="install the packages in the Dockerfile and set `userManagedDependencies: true`",
        )
    file = config.folder / dockerfile if "\n" not in dockerfile else None
    return file.read_text(encoding="utf-8") if file and file.is_file() else dockerfile


def _conda(config: RunConfig) -> Path | dict[str, Any] | None:
    named = config.text("environment.python.condaDependenciesFile")
    inline = config.values.get("environment.python.condaDependencies")
    if named:
        file = config.folder / named
        if not file.is_file():
            config.problem(
                "the `condaDependenciesFile` does not exist.",
                value=named,
                fix="correct the path; it is relative to the folder of this file",
            )
            return None
        _judge_python(config, file.read_text(encoding="utf-8", errors="replace"))
        return file
    if isinstance(inline, dict):
        _judge_python(config, as_text(inline))
        return inline
    if "environment.docker.baseDockerfile" not in config.values:
        config.problem(
            "there is no conda file; SDK v1's default environment, Python 3.6 with azureml-defaults, no longer exists.",
            fix="name a file with the packages as `environment.python.condaDependenciesFile`",
        )
    return None


def _judge_python(config: RunConfig, conda: str) -> None:
    found = _OLD_PYTHON.search(conda)
    if found:
        config.warnings.append(
            f"{config.name}: the conda file asks for {' '.join(found.group().split())}, which is past its end of life; packages for "
            f"it are hard to get. Ask for python={_CURRENT_PYTHON}."
        )
