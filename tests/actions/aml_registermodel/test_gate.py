"""The metric gate: a worse model is not registered."""

import pytest
from azure.ai.ml.entities import Model

from aml_actions.errors import ActionError
from aml_actions.registered_models import job_behind
from aml_registermodel.gate import Comparison, compare, judge

JOBS = ("new_job", "old_job")


@pytest.mark.parametrize(
    ("direction", "new", "previous", "worse"),
    [
        ("max", 0.9, 0.8, False),
        ("max", 0.8, 0.8, False),
        ("max", 0.7, 0.8, True),
        ("min", 0.7, 0.8, False),
        ("min", 0.8, 0.8, False),
        ("min", 0.9, 0.8, True),
    ],
)
def test_directions(direction: str, new: float, previous: float, worse: bool) -> None:
    assert Comparison("m", direction, new, previous).worse is worse


def test_a_worse_model_is_refused_with_both_values() -> None:
    comparisons = compare({"acc": 0.7, "loss": 0.1}, {"acc": 0.8, "loss": 0.2}, ["acc"], ["loss"], JOBS)
    with pytest.raises(ActionError) as caught:
        judge(comparisons, "iris:3")
    assert caught.value.value == "acc 0.7, iris:3 has 0.8 (max)"
    assert "force_registration" in str(caught.value)


def test_a_better_model_passes() -> None:
    judge(compare({"acc": 0.9}, {"acc": 0.8}, ["acc"], [], JOBS), "iris:3")


@pytest.mark.parametrize(
    ("new", "previous", "job"),
    [({"loss": 1.0}, {"acc": 0.8}, "new_job"), ({"acc": 0.8}, {}, "old_job"), ({"acc": "NaN"}, {"acc": 1}, "new_job")],
)
def test_a_metric_that_is_missing_or_no_number_is_an_error(
    new: dict[str, object], previous: dict[str, object], job: str
) -> None:
    with pytest.raises(ActionError) as caught:
        compare(new, previous, ["acc"], [], JOBS)
    assert f"Job {job} has no number for the metric acc" in caught.value.what


@pytest.mark.parametrize(
    ("path", "properties", "job"),
    [
        (
            "azureml://subscriptions/s/datastores/workspaceartifactstore/paths/ExperimentRun/dcid.ant_1/outputs/m.pkl",
            {},
            "ant_1",
        ),
        ("azureml://x", {"source": "azureml://jobs/ant_2/outputs/artifacts/paths/outputs/m.pkl"}, "ant_2"),
        (
            "azureml://subscriptions/s/datastores/workspaceblobstore/paths/LocalUpload/abc/m.pkl",
            {"source": "sha256:12"},
            "",
        ),
    ],
)
def test_the_job_behind_a_version(path: str, properties: dict[str, str], job: str) -> None:
    assert job_behind(Model(name="m", version="1", path=path, properties=properties), "source") == job
