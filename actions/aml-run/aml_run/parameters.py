"""The parameters file of aml-run, by default ``.cloud/.azure/run.json``."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, JsonValue, field_validator
from pydantic_core import PydanticCustomError

from aml_actions.spec import Parameters
from aml_run.limits import TIME, in_seconds
from aml_run.naming import PATTERN

Time: TypeAlias = float | Annotated[str, Field(json_schema_extra={"pattern": TIME})]
"""Minutes as a number, or a text with a unit."""


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
            "Tags of the job. `GITHUB_ACTOR`, `GITHUB_REPOSITORY`, `GITHUB_SHA`, `GITHUB_REF` and `GITHUB_RUN_ID` are always "
            "added and win over tags of the same name."
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
    queue_timeout: Time | None = Field(
        default=None,
        description=(
            "How long the job may wait before it is `Running` for the first time: a number of minutes, or a text such as `90s`, "
            "`45m`, `6h`. Then the job is cancelled, and the step is red and says what its compute is short of. It counts from "
            "the submission; the steps of a pipeline wait after the pipeline itself is `Running`. Default: no limit. New."
        ),
        examples=["45m"],
    )
    timeout: Time | None = Field(
        default=None,
        description=(
            "How long the job may go on after it was `Running` for the first time: a number of minutes, or a text such as "
            "`90s`, `45m`, `6h`. Then the job is cancelled and the step is red. Default: no limit but the job's own. New."
        ),
        examples=["6h"],
    )
    on_cancel: Literal["cancel", "detach"] = Field(
        default="cancel",
        description=(
            "What becomes of the job when the workflow is cancelled: `cancel` cancels it too; `detach` leaves it running, and "
            "the step says how to attach to it. New."
        ),
        examples=["detach"],
    )
    rerun: Literal["attach", "new"] = Field(
        default="attach",
        description=(
            "What a re-run of the workflow does: `attach` waits for the job that an earlier attempt of the same workflow run "
            "submitted, if it still goes on or is `Completed` and its definition is the same; `new` always submits a new job. New."
        ),
        examples=["new"],
    )
    compare_with: str | None = Field(
        default=None,
        description=(
            "What the metrics are compared with in the summary: the name of a job, or of a registered model, `name` or "
            "`name:version`. Empty: no comparison. Default: the newest version of the registered model that `registermodel.json` "
            "names, if there is one. New."
        ),
        examples=["credit-risk:3"],
    )
    pull_request_comment: bool = Field(
        default=False,
        description=(
            "Show the summary of the run as a comment of the pull request; a later run updates it. It needs the input "
            "`github_token` and `permissions: pull-requests: write`; without them, as on a fork, nothing is written. New."
        ),
        examples=[True],
    )
    download_artifacts: bool = Field(
        default=False,
        description=(
            "Download what the job wrote into the folder `aml_artifacts_<run_id>` of the workspace: `parent` for the job "
            "itself, `child_0`, `child_1` and so on for its child jobs. Of a job that failed, too. Only with "
            "`wait_for_completion`."
        ),
        examples=[True],
    )
    artifacts_limit_mb: float = Field(
        default=2048,
        gt=0,
        description="How much `download_artifacts` fetches at most, in MB (1024 x 1024 bytes). New.",
        examples=[500],
    )
    log_limit_mb: float = Field(
        default=20,
        gt=0,
        description=(
            "How much of each log file of the job is printed, in MB (1024 x 1024 bytes); the rest is in the artifacts and in "
            "Studio. New."
        ),
        examples=[5],
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

    @field_validator("queue_timeout", "timeout")
    @classmethod
    def _is_some_time(cls, value: float | str | None) -> float | str | None:
        try:
            if value is None or in_seconds(value) > 0:
                return value
        except ValueError:
            pass
        raise PydanticCustomError(
            "no_time",
            "a number of minutes greater than 0, or a text such as 90s, 45m, 6h; without the key there is no limit",
        )
