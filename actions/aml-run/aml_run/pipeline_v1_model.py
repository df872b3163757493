"""A v1 pipeline in the words of v2: plain data between the reading of the one and the writing of the other."""

from __future__ import annotations

from dataclasses import dataclass

from aml_run.translate import CommandSettings


@dataclass(frozen=True)
class Parameter:
    """A value that a run of the pipeline can choose.

    Attributes:
        name: in the v1 file.
        input: name of the input of the v2 job.
        type: of v2: string, integer, number, boolean.
        value: unless the run chooses another; None for a string without a default.
        text: the value as SDK v1 gave it to a script.

    """

    name: str
    input: str
    type: str
    value: str | int | float | bool | None
    text: str


@dataclass(frozen=True)
class DataSource:
    """Data that a run of the pipeline reads.

    Attributes:
        name: in the v1 file.
        input: name of the input of the v2 job.
        type: of v2: uri_folder, uri_file.
        path: where it lies; ``azureml:`` with a data asset or a path of a datastore.

    """

    name: str
    input: str
    type: str
    path: str


@dataclass(frozen=True)
class StepInput:
    """Data that a step reads. Once it is bound, either `data` or `step` and `output` say where it comes from.

    Attributes:
        name: in the v1 file.
        input: name of the input of the v2 component.
        source: in the v1 file.
        mode: of v2: ro_mount, download.
        type: of v2: uri_folder, uri_file.
        data: an input of the pipeline.
        step: key of another step.
        output: of that step.

    """

    name: str
    input: str
    source: str
    mode: str
    type: str = "uri_folder"
    data: str = ""
    step: str = ""
    output: str = ""


@dataclass(frozen=True)
class StepOutput:
    """A folder that a step writes.

    Attributes:
        name: in the v1 file.
        output: name of the output of the v2 component.
        destination: what other steps call it.
        mode: of v2: rw_mount, upload.
        path: where it is kept; empty for the default of the workspace.

    """

    name: str
    output: str
    destination: str
    mode: str
    path: str


@dataclass(frozen=True)
class StepParameter:
    """A value that a step is given.

    Attributes:
        name: in the v1 file.
        input: name of the input of the v2 component; empty for a constant.
        parameter: of the pipeline; None for a constant.
        constant: its text.

    """

    name: str
    input: str
    parameter: Parameter | None
    constant: str


@dataclass(frozen=True)
class Step:
    """A Python script with its inputs, outputs and surroundings.

    Attributes:
        key: name of the node in the v2 pipeline.
        name: for people.
        path: in the v1 file.
        settings: what is run, and how.
        inputs: data.
        parameters: values.
        outputs: folders.
        allow_reuse: whether an earlier run of the same step with the same inputs may stand for it.

    """

    key: str
    name: str
    path: str
    settings: CommandSettings
    inputs: tuple[StepInput, ...]
    parameters: tuple[StepParameter, ...]
    outputs: tuple[StepOutput, ...]
    allow_reuse: bool


@dataclass(frozen=True)
class Pipeline:
    """A v2 pipeline job.

    Attributes:
        description: text for people; may be empty.
        default_compute: of the steps that name none; may be empty.
        parameters: values that a run of the pipeline can choose.
        data: data that a run of the pipeline can choose.
        steps: in the order of the file.

    """

    description: str
    default_compute: str
    parameters: tuple[Parameter, ...]
    data: tuple[DataSource, ...]
    steps: tuple[Step, ...]
