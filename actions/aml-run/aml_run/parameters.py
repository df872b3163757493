"""The parameters file of aml-run, by default ``.cloud/.azure/run.json``."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from aml_actions.spec import Parameters
from aml_run.naming import PATTERN

_NO_PIPELINES = "nothing: this version of aml-run does not publish pipelines; remove the key"
_NOT_YET: dict[str, tuple[object, str]] = {
    "pipeline_yaml_file": (None, "nothing: pipelines of SDK v1 are not run; name a v2 job YAML with job_file"),
    "runconfig_python_file": (
        None,
        "nothing: this version does not run Python files; name a v2 job YAML with job_file",
    ),
    "runconfig_python_function_name": ("main", "nothing: this version does not run Python files; remove the key"),
    "pipeline_publish": (False, _NO_PIPELINES),
    "pipeline_name": (None, _NO_PIPELINES),
    "pipeline_version": (None, _NO_PIPELINES),
    "pipeline_continue_on_step_failure": (False, _NO_PIPELINES),
}
"""Legacy keys that this version knows and refuses: the value that asks for nothing, and what is allowed."""


class RunParameters(Parameters):
    """What to run, under which name, and what to do with the result."""

    experiment_name: str | None = Field(
        default=None,
        min_length=3,
        max_length=36,
        pattern=PATTERN,
        description=(
            "Name of the experiment that the job belongs to: letters, digits, `_` and `-`, 3 to 36 characters. "
            "Default: `experiment_name` of the job file, else `<repository>-<branch>`, other characters replaced by `-`, "
            "cut to 36 characters."
        ),
        examples=["iris-training"],
    )
    tags: dict[str, str | int | float | bool] = Field(
        default_factory=dict,
        description=(
            "Tags of the job. `GITHUB_ACTOR`, `GITHUB_REPOSITORY`, `GITHUB_SHA` and `GITHUB_REF` are always added and win "
            "over tags of the same name."
        ),
        examples=[{"team": "forecasting"}],
    )
    wait_for_completion: bool = Field(
        default=True,
        description=(
            "Wait until the job ends, show its log, and be green only if it is `Completed`. With `false` the step ends as "
            "soon as the job is submitted, without metrics."
        ),
        examples=[False],
    )
    download_artifacts: bool = Field(
        default=False,
        description=(
            "Download what the job wrote into the folder `aml_artifacts_<run_id>` of the workspace: `parent` for the job "
            "itself, `child_0`, `child_1` and so on for its child jobs. Only with `wait_for_completion`."
        ),
        examples=[True],
    )
    job_file: str | None = Field(
        default=None,
        min_length=1,
        description=(
            "A v2 job YAML (command, sweep, pipeline, ...), path from the root of the repository. Its paths are relative to "
            "itself. New; not together with `runconfig_yaml_file`."
        ),
        examples=["code/train/job.yml"],
    )
    runconfig_yaml_file: str = Field(
        default="code/train/run_config.yml",
        min_length=1,
        description=(
            "A run configuration of SDK v1, path from the root of the repository. It is translated to a v2 command job; its "
            "folder is what is uploaded. A v2 job YAML is recognised here too."
        ),
        examples=["src/train/run_config.yml"],
    )
    pipeline_yaml_file: str | None = Field(
        default=None,
        description="A pipeline of SDK v1. This version refuses it; convert it to a v2 pipeline job and use `job_file`.",
        examples=["code/train/pipeline.yml"],
    )
    runconfig_python_file: str | None = Field(
        default=None,
        description="A Python file that makes the job. This version refuses it; use `job_file` or `runconfig_yaml_file`.",
        examples=["code/train/run_config.py"],
    )
    runconfig_python_function_name: str = Field(
        default="main",
        description="The function in `runconfig_python_file`. This version refuses other values than the default.",
        examples=["main"],
    )
    pipeline_publish: bool = Field(
        default=False,
        description="Publish the pipeline after the run. This version refuses `true`.",
        examples=[False],
    )
    pipeline_name: str | None = Field(
        default=None,
        description="Name of the published pipeline. This version refuses it.",
        examples=["training-pipeline"],
    )
    pipeline_version: str | None = Field(
        default=None,
        description="Version of the published pipeline. This version refuses it.",
        examples=["1.0"],
    )
    pipeline_continue_on_step_failure: bool = Field(
        default=False,
        description="Let the published pipeline go on after a failed step. This version refuses `true`.",
        examples=[False],
    )

    @field_validator(*_NOT_YET)
    @classmethod
    def _refuse_what_is_not_built(cls, value: Any, info: Any) -> Any:  # noqa: ANN401 - values of several types
        nothing, allowed = _NOT_YET[info.field_name]
        if value != nothing:
            raise PydanticCustomError("not_in_this_version", "{allowed}", {"allowed": allowed})
        return value
