"""The parameters file of aml-registermodel, by default ``.cloud/.azure/registermodel.json``."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from aml_actions.spec import FreeText, Parameters

MODEL_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,254}")
"""What the service takes as the name of a model."""
MODEL_NAME_RULE = "1 to 255 letters, digits, ., _ and -, no spaces, the first one a letter or digit"

DEFAULT_STEP = "model_training"
"""Name of the step of a pipeline that the legacy action looked for."""


class RegisterModelParameters(Parameters):
    """Which file or folder becomes a model, under which name, and on which condition."""

    model_file_name: str = Field(
        default="model.pkl",
        min_length=1,
        description=(
            "The file or folder of the model. With a `/` it is a path among the files of the job (or from the root of the "
            "repository), such as `outputs/model`. Without, the files are searched for that name; then the folders; then "
            "for files whose names contain it."
        ),
        examples=["model.pkl", "outputs/model"],
    )
    model_name: str | None = Field(
        default=None,
        description=(
            f"Name of the model: {MODEL_NAME_RULE}. "
            "The default is the name of the repository and of the branch, other characters replaced by `-`, cut to 32 characters."
        ),
        examples=["iris-classifier"],
        json_schema_extra={"x-default": "`<repository>-<branch>`", "pattern": f"^{MODEL_NAME.pattern}$"},
    )
    model_framework: Literal["scikitlearn", "onnx", "tensorflow", "keras", "custom"] = Field(
        default="custom",
        description="Framework of the model. v2 has no field for it: it is kept as a property, and as a tag unless it is `custom`.",
        examples=["scikitlearn"],
    )
    model_framework_version: str | None = Field(
        default=None,
        description="Version of the framework. Only together with `model_framework`; kept as a tag and a property.",
        examples=["1.5.2"],
    )
    model_tags: dict[str, str | int | float | bool] = Field(
        default_factory=dict,
        description=(
            "Tags of the model. `GITHUB_ACTOR`, `GITHUB_REPOSITORY`, `GITHUB_SHA` and `GITHUB_REF` are always added and win "
            "over tags of the same name."
        ),
        examples=[{"stage": "candidate"}],
    )
    model_properties: dict[str, str | int | float | bool] = Field(
        default_factory=dict,
        description="Properties of the model. Unlike tags they can never be changed: others make a new version.",
        examples=[{"data": "2024-07"}],
    )
    model_description: Annotated[str | None, FreeText()] = Field(
        default=None, description="Description of the model.", examples=["Classifies irises by their leaves."]
    )
    datasets: list[str] = Field(
        default_factory=list,
        description="Names of the data the model was trained on. v2 has no link to them: they are kept as a property.",
        examples=[["iris"]],
    )
    sample_input_dataset: str | None = Field(
        default=None,
        description="Name of a data set with sample inputs; kept as a property.",
        examples=["iris-samples"],
    )
    sample_output_dataset: str | None = Field(
        default=None,
        description="Name of a data set with sample outputs; kept as a property.",
        examples=["iris-answers"],
    )
    pipeline_child_run_name: str = Field(
        default=DEFAULT_STEP,
        min_length=1,
        description="If `run_id` is a pipeline: name of the step that left the model. Of a sweep in it the best trial is taken.",
        examples=["train"],
    )
    cpu_cores: float | None = Field(
        default=None,
        gt=0,
        description="CPU cores that a deployment of the model needs. Only together with `memory_gb`; kept as a property.",
        examples=[0.5],
    )
    memory_gb: float | None = Field(
        default=None,
        gt=0,
        description="Memory in GB that a deployment of the model needs. Only together with `cpu_cores`; kept as a property.",
        examples=[1],
    )
    metrics_max: list[str] = Field(
        default_factory=list,
        description=(
            "Metrics that must not be lower than those of the job that gave the latest version of the model; otherwise "
            "nothing is registered. An equal value passes, and so does a first version. Not in local mode."
        ),
        examples=[["accuracy"]],
    )
    metrics_min: list[str] = Field(
        default_factory=list,
        description=(
            "Metrics that must not be higher than those of the job that gave the latest version of the model. The legacy "
            "action documented this direction and checked the opposite one."
        ),
        examples=[["loss"]],
    )
    force_registration: bool = Field(
        default=False, description="Register whatever `metrics_max` and `metrics_min` say.", examples=[True]
    )

    @field_validator("model_file_name", "model_name", "pipeline_child_run_name", mode="before")
    @classmethod
    def _without_outer_space(cls, value: object) -> object:
        return value.strip() if isinstance(value, str) else value

    @field_validator("model_name")
    @classmethod
    def _name(cls, value: str | None) -> str | None:
        if value is not None and not MODEL_NAME.fullmatch(value):
            raise ValueError(MODEL_NAME_RULE)
        return value
