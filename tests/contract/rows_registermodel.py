"""Every key of registermodel.json."""

from __future__ import annotations

import json
from collections.abc import Mapping

from contract.table import Gives, Row, Says, Scenario, Wire
from contract.training import trained, trained_in_a_pipeline
from support.training import TrainingRepository

RUN = {"run_id": "{run_id}", "experiment_name": "{experiment_name}"}


def _after(name: str, accuracy: float, loss: float) -> object:
    """A model of that name with accuracy 0.9 and loss 0.25 is registered; then a training ends with other metrics."""

    def prepare(repository: TrainingRepository) -> Mapping[str, str]:
        first = trained(repository)
        done = repository.step("aml-registermodel", {"model_name": name}, **first)
        assert done.code == 0, done.log
        return trained(repository, accuracy, loss)

    return prepare


def _local(repository: TrainingRepository) -> None:
    repository.write({"models/model.pkl": "weights"})


FULL = Scenario(
    "a model with everything",
    "aml-registermodel",
    {
        "model_file_name": "outputs/model.pkl",
        "model_name": "contract-model",
        "model_framework": "scikitlearn",
        "model_framework_version": "1.5.2",
        "model_tags": {"stage": "candidate"},
        "model_properties": {"data": "2024-07"},
        "model_description": "A model with everything",
        "datasets": ["iris", "flowers"],
        "sample_input_dataset": "iris-in",
        "sample_output_dataset": "iris-out",
        "cpu_cores": 0.5,
        "memory_gb": 1.5,
    },
    prepare=trained,
    inputs=RUN,
)
DEFAULTS = Scenario("a model by its defaults", "aml-registermodel", {}, prepare=trained, inputs=RUN)
LOCAL = Scenario(
    "a model of the repository",
    "aml-registermodel",
    {"model_file_name": "models/model.pkl", "model_name": "contract-local"},
    prepare=_local,
)
CHILD = Scenario(
    "a model of a step of a pipeline",
    "aml-registermodel",
    {"model_name": "contract-child", "pipeline_child_run_name": "fit"},
    prepare=trained_in_a_pipeline,
    inputs=RUN,
)
LOWER = Scenario(
    "a model with a lower accuracy",
    "aml-registermodel",
    {"model_name": "gate-max", "metrics_max": ["accuracy"]},
    code=1,
    prepare=_after("gate-max", 0.8, 0.25),
    inputs=RUN,
)
LOSS_FELL = Scenario(
    "a model with a lower loss",
    "aml-registermodel",
    {"model_name": "gate-min", "metrics_min": ["loss"]},
    prepare=_after("gate-min", 0.9, 0.2),
    inputs=RUN,
)
LOSS_ROSE = Scenario(
    "a model with a higher loss",
    "aml-registermodel",
    {"model_name": "gate-min-worse", "metrics_min": ["loss"]},
    code=1,
    prepare=_after("gate-min-worse", 0.9, 0.3),
    inputs=RUN,
)
FORCED = Scenario(
    "a worse model all the same",
    "aml-registermodel",
    {"model_name": "gate-forced", "metrics_max": ["accuracy"], "force_registration": True},
    prepare=_after("gate-forced", 0.8, 0.25),
    inputs=RUN,
)
VERSION = "/models/contract-model/versions/1"


def _is(*place: str, value: object) -> Row:
    key, *at = place
    return Row(key, FULL, Wire("PUT", VERSION, "/".join(at), value))


ROWS = (
    _is(
        "model_file_name",
        "properties",
        "modelUri",
        value="azureml://jobs/{run_id}/outputs/artifacts/paths/outputs/model.pkl",
    ),
    Row("model_file_name", DEFAULTS, Says("", "Model: file outputs/model.pkl")),
    Row("model_file_name", LOCAL, Gives("model_id", "contract-local:1")),
    Row("model_name", FULL, Wire("PUT", VERSION)),
    Row("model_name", DEFAULTS, Gives("model_name", "credit-risk-main")),
    _is("model_framework", "properties", "properties", "model_framework", value="ScikitLearn"),
    _is("model_framework_version", "properties", "properties", "model_framework_version", value="1.5.2"),
    _is("model_tags", "properties", "tags", "stage", value="candidate"),
    _is("model_properties", "properties", "properties", "data", value="2024-07"),
    _is("model_description", "properties", "description", value="A model with everything"),
    _is(
        "datasets", "properties", "properties", "datasets", value=lambda found: json.loads(found) == ["iris", "flowers"]
    ),
    _is("sample_input_dataset", "properties", "properties", "sample_input_dataset", value="iris-in"),
    _is("sample_output_dataset", "properties", "properties", "sample_output_dataset", value="iris-out"),
    _is("cpu_cores", "properties", "properties", "cpu_cores", value="0.5"),
    _is("memory_gb", "properties", "properties", "memory_gb", value="1.5"),
    Row(
        "pipeline_child_run_name",
        CHILD,
        Wire(
            "PUT",
            "/models/contract-child/versions/1",
            "properties/modelUri",
            "azureml://jobs/{child}/outputs/artifacts/paths/outputs/model.pkl",
        ),
    ),
    Row("metrics_max", LOWER, Says("error", "The model is worse than gate-max:1 and is not registered.")),
    Row("metrics_min", LOSS_FELL, Gives("model_id", "gate-min:2")),
    Row("metrics_min", LOSS_ROSE, Says("error", "The model is worse than gate-min-worse:1 and is not registered.")),
    Row("force_registration", FORCED, Gives("model_id", "gate-forced:2")),
)
