"""The objects of SDK v1 with which a Python file describes a script run, and what they say as a run configuration.

SDK v1 (``azureml-core``) is not installed beside the SDK of today. These classes hold what a user's file puts into them; the keys
that they know are those of the run configuration file (`runconfig_keys`), so that an object and a file mean the same and go
through the same translation. Written from the classes of azureml-core 1.61: names, arguments and defaults.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from aml_run.runconfig import camel_case
from aml_run.runconfig_keys import RULES, SECTIONS
from aml_run.sdk_v1_conda import CondaDependencies
from aml_run.training_environment import CURRENT_IMAGE

DEFAULT_CPU_IMAGE = CURRENT_IMAGE
"""What a file gets that imports this name; the image of SDK v1 is retired."""
_CONTAINERS: dict[str, type[list[Any]] | type[dict[str, Any]]] = {
    "arguments": list,
    "environmentVariables": dict,
    "environment.environmentVariables": dict,
    "environment.docker.arguments": list,
    "docker.arguments": list,
    "dataReferences": dict,
    "data": dict,
    "outputData": dict,
    "services": dict,
}
"""Keys whose value a file may fill without having set it."""


class WrongUseOfV1(Exception):
    """A user's file does something with an object of SDK v1 that has no meaning here; the text says what to do instead."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what} {fix}")
        self.what = what
        self.fix = fix


class Section:
    """A part of a run configuration: its attributes are the keys of the file, in snake_case.

    A section within it appears when it is asked for. An attribute that SDK v1 did not have either is an error, so that no
    setting is lost in silence.
    """

    path: ClassVar[str] = ""
    """Key of the section in the file; empty for the whole."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any value of a run configuration
        """Return the section, the container or, for what is not set, None."""
        if name.startswith("_"):
            raise AttributeError(name)
        path = self._path_of(name)
        value: Any = None
        if path in SECTIONS:
            value = _section(path)
        elif path in _CONTAINERS:
            value = _CONTAINERS[path]()
        if value is not None:
            vars(self)[name] = value
        return value

    def __setattr__(self, name: str, value: Any) -> None:  # noqa: ANN401 - as above
        path = self._path_of(name)
        if path in SECTIONS and value is not None and not (isinstance(value, Section) and value.path == path):
            raise WrongUseOfV1(
                f"`{name}` of {type(self).__name__} is set to a value of type {type(value).__name__}.",
                f"Change the attributes of `{name}` instead.",
            )
        vars(self)[name] = value

    def _path_of(self, name: str) -> str:
        path = f"{self.path}.{camel_case(name)}".lstrip(".")
        if path in SECTIONS or path in RULES:
            return path
        names = [known.removeprefix(f"{self.path}.") for known in (*RULES, *SECTIONS) if known.startswith(self.path)]
        near = difflib.get_close_matches(camel_case(name), [one for one in names if "." not in one], n=1)
        meant = f"Do you mean the key `{near[0]}`?" if near else "Remove it, or write the job with SDK v2."
        raise WrongUseOfV1(f"`{name}` is no attribute of {type(self).__name__} in SDK v1.", meant)

    def document(self) -> dict[str, Any]:
        """Return what was set, as the content of a file of which every value is text."""
        return {name: as_file_value(value, name) for name, value in vars(self).items() if value is not None}


def _section(path: str) -> Section:
    """Return an empty section."""
    own = {cls.path: cls for cls in (Environment, DockerConfiguration, MpiConfiguration, PyTorchConfiguration)}
    if path in own:
        return own[path].__new__(own[path])
    title = path.rsplit(".", 1)[-1]
    made: Section = type(f"{title[0].upper()}{title[1:]}Section", (Section,), {"path": path})()
    return made


def as_file_value(value: Any, name: str) -> Any:  # noqa: ANN401 - what a user's file holds
    """Return a value as it would stand in a file: sections as mappings, everything else as text.

    Raises:
        WrongUseOfV1: it is an object that no file can hold.
    """
    if isinstance(value, (Section, CondaDependencies)):
        return value.document()
    if isinstance(value, ComputeTarget):
        return value.name
    if isinstance(value, Mapping):
        return {str(key): as_file_value(item, f"{name}.{key}") for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [as_file_value(item, name) for item in value]
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or isinstance(value, (str, int, float, Path)):
        return None if value is None else str(value)
    raise WrongUseOfV1(
        f"`{name}` holds a value of type {type(value).__name__}, which a v2 job cannot take from SDK v1.",
        "Pass a text or a number; data becomes an `Input` of a v2 job.",
    )


class DockerConfiguration(Section):
    """Settings of the container that a script runs in."""

    path = "docker"

    def __init__(
        self,
        use_docker: bool = False,
        shared_volumes: bool = True,
        arguments: list[str] | None = None,
        shm_size: str | None = None,
    ) -> None:
        # use_docker=False meant nothing on a cluster, where every script runs in a container.
        if use_docker:
            self.use_docker = True
        self.shared_volumes = shared_volumes
        self.arguments = list(arguments or [])
        self.shm_size = shm_size


class MpiConfiguration(Section):
    """The MPI launcher."""

    path = "mpi"

    def __init__(self, process_count_per_node: int = 1, node_count: int = 1) -> None:
        self.process_count_per_node = process_count_per_node
        self.node_count = node_count


class PyTorchConfiguration(Section):
    """The PyTorch launcher."""

    path = "pytorch"

    def __init__(
        self, communication_backend: str = "Nccl", process_count: int | None = None, node_count: int = 1
    ) -> None:
        self.communication_backend = communication_backend
        self.process_count = process_count
        self.node_count = node_count


class TensorflowConfiguration(Section):
    """The TensorFlow launcher."""

    path = "tensorflow"

    def __init__(self, worker_count: int = 1, parameter_server_count: int = 1) -> None:
        self.worker_count = worker_count
        self.parameter_server_count = parameter_server_count


class Environment(Section):
    """What a script runs in."""

    path = "environment"

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    @classmethod
    def from_conda_specification(cls, name: str, file_path: str) -> Environment:
        """Return an environment with the packages of a conda file; the path is relative to the repository."""
        made = cls(name)
        made.python.conda_dependencies = CondaDependencies(file_path)
        return made

    @classmethod
    def from_pip_requirements(cls, name: str, file_path: str, pip_version: str | None = None) -> Environment:
        """Return an environment with the packages of a requirements file."""
        made = cls(name)
        made.python.conda_dependencies = CondaDependencies.create(pip_packages=list(_requirements(Path(file_path))))
        if pip_version:
            made.python.conda_dependencies.add_conda_package(f"pip={pip_version}")
        return made

    @classmethod
    def from_docker_image(
        cls,
        name: str,
        image: str,
        container_registry: Any = None,  # noqa: ANN401 - refused
        conda_specification: str | None = None,
        pip_requirements: str | None = None,
    ) -> Environment:
        """Return an environment with an image, and packages upon it where a file names them."""
        if container_registry is not None:
            raise WrongUseOfV1(
                "`container_registry` holds the sign-in to a registry, which a v2 job does not carry.",
                "Give the workspace access to the registry, by a connection or the identity of the compute.",
            )
        made = cls._with_packages(name, conda_specification, pip_requirements)
        made.docker.base_image = image
        return made

    @classmethod
    def from_dockerfile(
        cls, name: str, dockerfile: str, conda_specification: str | None = None, pip_requirements: str | None = None
    ) -> Environment:
        """Return an environment that is built from a Dockerfile, given as its path or its text."""
        made = cls._with_packages(name, conda_specification, pip_requirements)
        is_path = "\n" not in dockerfile and Path(dockerfile).is_file()
        made.docker.base_dockerfile = Path(dockerfile).read_text(encoding="utf-8") if is_path else dockerfile
        return made

    @classmethod
    def _with_packages(cls, name: str, conda: str | None, pip: str | None) -> Environment:
        if conda:
            return cls.from_conda_specification(name, conda)
        if pip:
            return cls.from_pip_requirements(name, pip)
        made = cls(name)
        made.python.user_managed_dependencies = True
        return made

    @classmethod
    def get(cls, workspace: Any, name: str, version: str | None = None, label: str | None = None) -> Environment:  # noqa: ANN401
        """Refuse: the content of a registered environment is not known here."""
        named = f"azureml:{name}:{version}" if version else f"azureml:{name}@{label or 'latest'}"
        raise WrongUseOfV1(
            f"Environment.get reads the registered environment {name} of SDK v1.",
            f'Write the job with SDK v2, where `environment="{named}"` names it; curated ones are '
            f'"azureml://registries/azureml/environments/{name}/labels/latest".',
        )

    def register(self, workspace: Any) -> Environment:  # noqa: ANN401 - a workspace of SDK v1
        """Return the environment itself: a job brings its environment along, and v2 names it by its content."""
        return self


def _requirements(file: Path) -> Iterator[str]:
    for line in file.read_text(encoding="utf-8-sig").splitlines():
        kept = line.split(" #")[0].strip()
        if kept and not kept.startswith("#"):
            yield kept


class ComputeTarget:
    """A compute of the workspace, by its name; whether it exists is judged when the job is submitted."""

    def __init__(self, workspace: Any, name: str) -> None:  # noqa: ANN401 - a workspace of SDK v1
        self.name = name


class RunConfiguration(Section):
    """A whole run configuration."""

    def __init__(
        self,
        script: str | None = None,
        arguments: list[Any] | None = None,
        framework: str | None = None,
        communicator: str | None = None,
        conda_dependencies: CondaDependencies | None = None,
        command: str | list[Any] | None = None,
    ) -> None:
        given = {
            "script": script,
            "arguments": arguments,
            "framework": framework,
            "communicator": communicator,
            "command": command,
        }
        for name, value in given.items():
            if value is not None:
                setattr(self, name, value)
        if conda_dependencies is not None:
            self.environment.python.conda_dependencies = conda_dependencies

    @staticmethod
    def load(path: str, name: str | None = None) -> RunConfiguration:
        """Refuse: the file itself can be run."""
        raise WrongUseOfV1(
            f"RunConfiguration.load reads the run configuration {path}.",
            "Name that file with runconfig_yaml_file in the parameters file; the Python file is then not needed.",
        )


_LAUNCHERS: dict[type[Section], tuple[str, str | None]] = {
    TensorflowConfiguration: ("TensorFlow", "ParameterServer"),
    MpiConfiguration: ("Python", "IntelMpi"),
    PyTorchConfiguration: ("PyTorch", None),
}
"""Framework and communicator that SDK v1 set for a launcher; None is the launcher's own backend."""


class ScriptRunConfig:
    """A script, its arguments, and where and in what it runs: what a function returns to have it run."""

    def __init__(
        self,
        source_directory: str | Path = ".",
        script: str | None = None,
        arguments: list[Any] | None = None,
        run_config: RunConfiguration | str | None = None,
        compute_target: ComputeTarget | str | None = None,
        environment: Environment | None = None,
        distributed_job_config: Section | None = None,
        resume_from: Any = None,  # noqa: ANN401 - refused
        max_run_duration_seconds: int | None = None,
        command: str | list[Any] | None = None,
        docker_runtime_config: DockerConfiguration | None = None,
    ) -> None:
        if resume_from is not None:
            raise WrongUseOfV1(
                "`resume_from` is a data path of SDK v1.", "Write a v2 job with the checkpoint as an input."
            )
        if isinstance(run_config, str) and run_config:
            raise WrongUseOfV1(f"`run_config` is the text {run_config!r}.", "Pass a RunConfiguration, or leave it out.")
        self.source_directory = source_directory
        self.run_config = run_config if isinstance(run_config, RunConfiguration) else RunConfiguration()
        self.script = script
        self.arguments = arguments
        self.command = command
        if isinstance(run_config, RunConfiguration):
            # SDK v1 ignored the others then, with a remark in its log.
            return
        self.run_config.target = compute_target
        if environment is not None:
            self.run_config.environment = environment
        if max_run_duration_seconds is not None:
            self.run_config.max_run_duration_seconds = max_run_duration_seconds
        if docker_runtime_config is not None:
            self.run_config.docker = docker_runtime_config
        if distributed_job_config is not None:
            self._distribute(distributed_job_config)

    def _distribute(self, launcher: Section) -> None:
        known = _LAUNCHERS.get(type(launcher))
        if known is None:
            raise WrongUseOfV1(
                f"`distributed_job_config` is a {type(launcher).__name__}.",
                "Pass an MpiConfiguration, a PyTorchConfiguration or a TensorflowConfiguration.",
            )
        framework, communicator = known
        self.run_config.framework = framework
        self.run_config.communicator = communicator or launcher.communication_backend
        self.run_config.node_count = (
            launcher.worker_count if isinstance(launcher, TensorflowConfiguration) else launcher.node_count
        )
        setattr(self.run_config, launcher.path, launcher)

    def document(self) -> dict[str, Any]:
        """Return the run configuration file that means the same."""
        own = {"script": self.script, "arguments": self.arguments, "command": self.command}
        given = {name: as_file_value(value, name) for name, value in own.items() if value}
        return {**self.run_config.document(), **given}
