"""What a command job's resource says, checked: the one place that reads `properties` of a job."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aml_emulator import ids
from aml_emulator.http import not_emulated
from aml_emulator.jobs import distribution
from aml_emulator.jobs.distribution import Distribution
from aml_emulator.ml.scope import refused

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_OPTIONAL = re.compile(r"\$\[\[(.*?)\]\]", re.DOTALL)
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")

_DATA_INPUTS = ("uri_file", "uri_folder", "mltable", "custom_model", "mlflow_model", "triton_model")
_LOCAL_MODES = ("ReadOnlyMount", "Download", "ReadWriteMount", "EvalMount", "EvalDownload")


@dataclass(frozen=True)
class JobInput:
    """An input: a literal `value`, or data at a `uri` that is brought to the job (`direct`: only its URI is)."""

    value: str | None = None
    uri: str | None = None
    is_file: bool = False
    direct: bool = False


@dataclass(frozen=True)
class JobOutput:
    """A declared output: a folder, or a file, that is stored when the job ends; `uri` is None for the default place."""

    uri: str | None = None
    is_file: bool = False


@dataclass(frozen=True)
class CommandJob:
    """A command job that can run here."""

    id: str
    name: str
    workspace_id: str
    command: str
    environment_id: str
    code_id: str | None
    compute_id: str | None
    inputs: Mapping[str, JobInput]
    outputs: Mapping[str, JobOutput]
    variables: Mapping[str, str]
    timeout_seconds: float | None
    experiment_name: str
    display_name: str | None
    tags: Mapping[str, str]
    node_count: int = 1
    distribution: Distribution | None = None
    is_parallel: bool = False

    def arguments(self, resolve: Callable[[str, str], str]) -> str:
        """The command with its expressions replaced; `resolve` takes "inputs" or "outputs" and a name."""

        def replace(match: re.Match[str]) -> str:
            kind, name = _reference(match[1])
            return resolve(kind, name)

        def optional(match: re.Match[str]) -> str:
            named = [_reference(expression) for expression in _EXPRESSION.findall(match[1])]
            return match[1] if all(kind == "outputs" or name in self.inputs for kind, name in named) else ""

        return _EXPRESSION.sub(replace, _OPTIONAL.sub(optional, self.command))


def read(job_id: str, properties: Mapping[str, Any]) -> CommandJob:
    """A job's properties as a command job.

    Raises:
        ServiceError: they are wrong, or ask for what does not run here.

    """
    _refuse_what_does_not_run(properties)
    inputs = {name: _input(name, item) for name, item in (properties.get("inputs") or {}).items()}
    outputs = {
        name: _output(name, item) for name, item in (properties.get("outputs") or {}).items() if name != "default"
    }
    nodes, parallel = _nodes(properties), bool(properties.get("parallel"))
    command = properties.get("command")
    if not isinstance(command, str) or not command.strip():
        raise refused("The job has no command.")
    job = CommandJob(
        id=job_id,
        name=ids.name_of(job_id),
        workspace_id=ids.parent_of(job_id),
        command=command,
        environment_id=str(properties.get("environmentId") or ""),
        code_id=properties.get("codeId") or None,
        compute_id=properties.get("computeId") or None,
        inputs={name: item for name, item in inputs.items() if item is not None},
        outputs=outputs,
        variables={str(key): str(value) for key, value in (properties.get("environmentVariables") or {}).items()},
        timeout_seconds=seconds((properties.get("limits") or {}).get("timeout")),
        experiment_name=properties.get("experimentName") or "Default",
        display_name=properties.get("displayName"),
        tags={str(key): str(value) for key, value in (properties.get("tags") or {}).items()},
        node_count=nodes,
        distribution=None if parallel else distribution.read(properties.get("distribution"), nodes),
        is_parallel=parallel,
    )
    if not job.environment_id:
        raise refused("The job has no environment.")
    job.arguments(lambda kind, name: _known(job, inputs, kind, name))
    return job


def _refuse_what_does_not_run(properties: Mapping[str, Any]) -> None:
    kind = properties.get("jobType")
    if kind != "Command":
        raise not_emulated(f"jobs of type '{kind}'. Command jobs are supported")
    services = {name for name in (properties.get("services") or {}) if name not in ("Studio", "Tracking")}
    if services:
        raise not_emulated(f"interactive services of a job ({', '.join(sorted(services))}). Leave `services` out")


def _nodes(properties: Mapping[str, Any]) -> int:
    """How many nodes a job asks for; `shmSize` and `dockerArgs` beside it have no meaning without containers."""
    count = (properties.get("resources") or {}).get("instanceCount")
    if count is None:
        return 1
    if isinstance(count, bool) or not str(count).isdigit() or int(count) < 1:
        raise refused(f"resources.instance_count must be a number of 1 or more, not '{count}'.", target="resources")
    return int(count)


def _input(name: str, item: Mapping[str, Any] | None) -> JobInput | None:
    if item is None:
        return None
    kind = item.get("jobInputType")
    if kind == "literal":
        value = item.get("value")
        return None if value is None else JobInput(value=str(value))
    if kind not in _DATA_INPUTS:
        raise not_emulated(
            f"inputs of type '{kind}' (input '{name}'). Those that are: literal, {', '.join(_DATA_INPUTS)}"
        )
    uri = item.get("uri")
    if not uri:
        raise refused(f"The input '{name}' has no path.")
    mode = item.get("mode") or "ReadOnlyMount"
    if mode not in (*_LOCAL_MODES, "Direct"):
        raise not_emulated(
            f"the input mode '{mode}' (input '{name}'). Those that are: {', '.join(_LOCAL_MODES)}, Direct"
        )
    return JobInput(uri=str(uri), is_file=kind == "uri_file", direct=mode == "Direct")


def _output(name: str, item: Mapping[str, Any] | None) -> JobOutput:
    kind = (item or {}).get("jobOutputType") or "uri_folder"
    if kind not in _DATA_INPUTS:
        raise not_emulated(f"outputs of type '{kind}' (output '{name}'). Those that are: {', '.join(_DATA_INPUTS)}")
    return JobOutput(uri=(item or {}).get("uri"), is_file=kind == "uri_file")


def _reference(expression: str) -> tuple[str, str]:
    """`inputs.data` or `outputs.model`, with or without `.path`."""
    parts = expression.split(".")
    if parts[-1] == "path" and len(parts) == 3:
        parts.pop()
    return (parts[0], parts[1]) if len(parts) == 2 else ("", expression)


def _known(job: CommandJob, declared: Mapping[str, Any], kind: str, name: str) -> str:
    """Check an expression; what it gives does not matter yet."""
    if kind not in ("inputs", "outputs"):
        raise refused(
            f"The command holds '${{{{{name if not kind else f'{kind}.{name}'}}}}}'."
            " Only ${{inputs.<name>}} and ${{outputs.<name>}} can be used in the command of a job."
        )
    names = declared if kind == "inputs" else job.outputs
    if name not in names:
        have = ", ".join(sorted(names)) or "none"
        raise refused(f"The command uses ${{{{{kind}.{name}}}}}, which the job does not declare. Its {kind}: {have}.")
    if kind == "inputs" and name not in job.inputs:
        raise refused(
            f"The command uses ${{{{inputs.{name}}}}}, which has no value."
            f" Give it one, or write $[[--option ${{{{inputs.{name}}}}}]]."
        )
    return ""


def seconds(duration: str | float | None) -> float | None:
    """An ISO 8601 duration, such as `PT30M`, in seconds; nodes of pipelines give some as a plain number."""
    if not duration:
        return None
    if isinstance(duration, (int, float)):
        return float(duration)
    match = _DURATION.fullmatch(duration)
    if match is None or not any(match.groups()):
        raise refused(f"'{duration}' is not a duration, for example PT30M (limits.timeout).")
    days, hours, minutes, rest = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest
