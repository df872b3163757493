"""A v1 run configuration as a v2 command job: plain data, without the SDK, so that every rule can be tested by itself."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from aml_actions.errors import InvalidSettings
from aml_run import files
from aml_run.launchers import Distribution, nodes_and_distribution
from aml_run.runconfig import RunConfig
from aml_run.training_environment import TrainingEnvironment, training_environment

V2_EXPRESSION = "${{"
"""Begins what a v2 job replaces in a command; nothing that a v1 file holds is meant so."""


@dataclass(frozen=True)
class CommandSettings:
    """A v2 command job.

    Attributes:
        code: folder that is uploaded.
        command: line for the shell of the container.
        compute: name of a compute of the workspace; empty for the default of a pipeline.
        nodes: number of instances.
        environment: what it runs in.
        environment_variables: names and texts.
        shm_size: size of /dev/shm, such as ``2g``; empty for the service's default.
        docker_args: extra arguments of ``docker run``.
        timeout: seconds after which the service cancels the job; None for its own limit.
        distribution: None for one process.
        instance_type: of a Kubernetes compute; empty for its default.

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
    instance_type: str = ""


def translate(config: RunConfig) -> CommandSettings:
    """Return the v2 job that a v1 run configuration means. Warnings and notes are added to the configuration's.

    Raises:
        InvalidSettings: something in the file has no v2 meaning or is wrong; all of it at once.

    """
    settings = command_settings(config, config.source_directory, _command(config), _compute(config))
    if config.problems:
        raise InvalidSettings(config.problems)
    return settings


def command_settings(config: RunConfig, code: Path, command: str, compute: str) -> CommandSettings:
    """Return a command with everything that a run configuration says of how and in what it runs.

    What is wrong with it becomes problems of the configuration.
    """
    nodes, distribution = nodes_and_distribution(config)
    return CommandSettings(
        code=code,
        command=command,
        compute=compute,
        nodes=nodes,
        environment=training_environment(config),
        environment_variables=_environment_variables(config),
        shm_size=config.text("docker.shmSize") or config.text("environment.docker.shmSize"),
        docker_args=shlex.join(config.texts("docker.arguments") or config.texts("environment.docker.arguments")),
        timeout=config.whole("maxRunDurationSeconds", 1) if "maxRunDurationSeconds" in config.values else None,
        distribution=distribution,
        instance_type=config.text("kubernetescompute.instanceType"),
    )


def _command(config: RunConfig) -> str:
    script, command = config.text("script"), config.values.get("command")
    if script and command:
        config.problem("both `script` and `command` are set.", fix="keep one of them", key="command")
    if command is not None:
        # A text went to a shell in v1 too; a list is one command with its arguments.
        line = command if isinstance(command, str) else shlex.join(config.texts("command"))
        if "arguments" in config.values:
            config.problem(
                "`arguments` belong to `script`, not to `command`.", fix="write them into `command`", key="arguments"
            )
    elif script:
        if not files.is_file(config.source_directory / script):
            config.problem(
                "the `script` does not exist.",
                value=script,
                allowed=f"a file below {config.source_directory.name}/, the folder that is uploaded",
                fix="correct the path; it is relative to that folder",
                key="script",
            )
        line = shlex.join(["python", script, *config.texts("arguments")])
    else:
        config.problem("there is neither `script` nor `command`.", fix="name the script that trains", key="script")
        return ""
    if V2_EXPRESSION in line:
        config.problem(
            f"the command holds `{V2_EXPRESSION}`, which a v2 job would read as an expression of its own.",
            value=line,
            fix="pass the value in another way, for example in an environment variable",
            key="arguments" if script else "command",
        )
    return line


def _compute(config: RunConfig) -> str:
    target = config.text("target")
    if target in ("", "local"):
        config.problem(
            "`target` names no compute of the workspace.",
            value=target or "(empty; SDK v1 then ran the script on the runner)",
            fix="write the name of a cluster, for example the one that aml-compute made",
            key="target",
        )
    elif target == "amlcompute" and "amlcompute" not in {name.split(".")[0] for name in config.values}:
        config.warn(
            "`target: amlcompute` made a cluster for the run in SDK v1; v2 takes it for the name of an existing one."
        )
    return target


def _environment_variables(config: RunConfig) -> dict[str, str]:
    """Return the variables of both places; those of the run win over those of the environment, as in v1."""
    return {**config.mapping("environment.environmentVariables"), **config.mapping("environmentVariables")}
