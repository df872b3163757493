"""The parameters file of aml-run, by default ``.cloud/.azure/run.json``."""

from __future__ import annotations

from pydantic import Field, JsonValue, field_validator
from pydantic_core import PydanticCustomError

from aml_actions.spec import Parameters
from aml_run.naming import PATTERN


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
            "itself. New; not together with a legacy key that names a file."
        ),
        examples=["code/train/job.yml"],
    )
    runconfig_yaml_file: str = Field(
        default="code/train/run_config.yml",
        min_length=1,
        description=(
            "A run configuration of SDK v1, path from the root of the repository. It is translated to a v2 command job; its "
            "folder is what is uploaded. A v2 job YAML is recognised here too. Without any key that names a file, the defaults "
            "of `runconfig_yaml_file`, `pipeline_yaml_file` and `runconfig_python_file` are tried in this order; a key that is "
            "set wins. Of several set ones, the first in this order whose file exists is run, with a warning."
        ),
        examples=["src/train/run_config.yml"],
    )
    pipeline_yaml_file: str = Field(
        default="code/train/pipeline.yml",
        min_length=1,
        description=(
            "A pipeline of SDK v1 made of Python script steps, path from the root of the repository. It is translated to a v2 "
            "pipeline job; its paths are relative to the root of the repository, as they were. A v2 job YAML is recognised "
            "here too."
        ),
        examples=["pipelines/train_pipeline.yml"],
    )
    runconfig_python_file: str = Field(
        default="code/train/run_config.py",
        min_length=1,
        description=(
            "A Python file with a function that returns the job, path from the root of the repository; `.py` may be left out."
        ),
        examples=["src/train/make_job.py"],
    )
    runconfig_python_function_name: str = Field(
        default="main",
        description="The function in `runconfig_python_file`. It is called with the workspace.",
        examples=["make_job"],
    )
    python_requirements: str | None = Field(
        default=None,
        min_length=1,
        description=(
            "A requirements file with the packages that `runconfig_python_file` imports, path from the root of the repository. "
            "They are installed for this step only. New."
        ),
        examples=["requirements-job.txt"],
    )
    set: dict[str, JsonValue] = Field(
        default_factory=dict,
        description=(
            "Values that are put into the job after it was read, each at a path with dots, as `az ml job create --set` does. "
            "A number in a path counts the entries of a list, from 0. New."
        ),
        examples=[{"inputs.epochs": 20, "limits.timeout": 3600}],
    )
    pipeline_publish: bool = Field(
        default=False,
        description=(
            "Publish the pipeline after the run: as the default deployment of a batch endpoint, which is what SDK v2 has in "
            "place of published pipelines. A job that is no pipeline is not published, with a warning."
        ),
        examples=[True],
    )
    pipeline_name: str | None = Field(
        default=None,
        min_length=1,
        description=(
            "Name of the published pipeline. Default: `<repository>-<branch>`, other characters replaced by `-`. Only with "
            "`pipeline_publish`."
        ),
        examples=["training-pipeline"],
    )
    pipeline_version: str | None = Field(
        default=None,
        min_length=1,
        description="Version of the published pipeline. Only with `pipeline_publish`.",
        examples=["1.0"],
    )
    pipeline_continue_on_step_failure: bool = Field(
        default=False,
        description=(
            "Let the steps of the published pipeline that do not need a failed one go on. Only with `pipeline_publish`; the "
            "job that this step submits follows its own file."
        ),
        examples=[True],
    )

    @field_validator("runconfig_python_function_name")
    @classmethod
    def _names_a_function(cls, value: str) -> str:
        if not value.isidentifier():
            raise PydanticCustomError("no_function_name", "the name of a function at the top of the file, such as main")
        return value
