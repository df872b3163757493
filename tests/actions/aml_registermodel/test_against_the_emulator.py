"""aml-registermodel as a step of a workflow: models of real jobs, looked at with the unmodified SDK."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.training import TrainingRepository

Train = Callable[[float], str]


def versions(client: Any, name: str) -> list[str]:
    return sorted(str(model.version) for model in client.models.list(name=name))


def test_the_model_of_a_job_becomes_a_version(repository: TrainingRepository, train: Train, client: Any) -> None:
    job = train(0.9)
    done = repository.step(
        "aml-registermodel",
        {
            "model_name": "iris",
            "model_framework": "scikitlearn",
            "model_framework_version": "1.5",
            "model_tags": {"team": "blue"},
            "model_description": "Irises",
            "cpu_cores": 0.5,
            "memory_gb": 1,
        },
        run_id=job,
        experiment_name="credit-risk-main",
    )
    assert done.code == 0, done.log
    assert done.outputs["model_name"] == "iris"
    assert done.outputs["model_version"] == "1"
    assert done.outputs["model_id"] == "iris:1"
    assert done.result["run_id"] == job
    assert done.result["metrics"]["accuracy"] == 0.9
    assert done.result["is_new"] is True
    assert "| accuracy | 0.9 |" in done.summary
    assert job in done.summary.replace("\\", "")

    model = client.models.get("iris", "1")
    assert model.path.endswith(f"dcid.{job}/outputs/model.pkl")
    assert (model.type, model.description) == ("custom_model", "Irises")
    assert model.tags["team"] == "blue"
    assert model.tags["GITHUB_REPOSITORY"] == "octo/credit-risk"
    assert model.properties["model_framework"] == "ScikitLearn"
    assert model.properties["cpu_cores"] == "0.5"
    assert done.result["resource_id"] == model.id


@pytest.mark.parametrize(
    ("wanted", "path", "kind"),
    [
        ("outputs/old_model.pkl", "outputs/old_model.pkl", "custom_model"),
        ("packed", "outputs/packed", "mlflow_model"),
        ("outputs/packed", "outputs/packed", "mlflow_model"),
        ("weights", "outputs/packed/data/weights.bin", "custom_model"),
    ],
)
def test_a_file_or_folder_by_each_rule(
    repository: TrainingRepository, train: Train, client: Any, tmp_path: Path, wanted: str, path: str, kind: str
) -> None:
    name = "by-rule-" + "".join(character for character in wanted if character.isalnum())
    done = repository.step("aml-registermodel", {"model_name": name, "model_file_name": wanted}, run_id=train(0.9))
    assert done.code == 0, done.log
    model = client.models.get(name, done.outputs["model_version"])
    assert model.path.rstrip("/").endswith(f"dcid.{train(0.9)}/{path}")
    assert model.type == kind
    client.models.download(name, done.outputs["model_version"], download_path=tmp_path)
    assert any(file.is_file() for file in tmp_path.rglob("*"))


def test_several_files_that_fit_are_named_in_a_warning(repository: TrainingRepository, train: Train) -> None:
    done = repository.step(
        "aml-registermodel", {"model_name": "several", "model_file_name": "odel.pk"}, run_id=train(0.9)
    )
    assert done.code == 0, done.log
    (warning,) = [line for line in done.log.splitlines() if line.startswith("::warning")]
    assert "outputs/model.pkl is taken, not outputs/old_model.pkl" in warning


def test_a_name_that_only_contains_the_wanted_one_is_told(repository: TrainingRepository, train: Train) -> None:
    done = repository.step(
        "aml-registermodel", {"model_name": "contained", "model_file_name": "old_model"}, run_id=train(0.9)
    )
    assert done.code == 0, done.log
    (warning,) = [line for line in done.log.splitlines() if line.startswith("::warning")]
    assert "Nothing is called old_model; outputs/old_model.pkl is taken" in warning


def test_a_file_that_is_not_there_registers_nothing(repository: TrainingRepository, train: Train, client: Any) -> None:
    done = repository.step(
        "aml-registermodel", {"model_name": "nothing", "model_file_name": "weights.h5"}, run_id=train(0.9)
    )
    assert done.code == 1
    assert "outputs/model.pkl" in done.annotations[0]
    assert done.outputs == {}
    assert versions(client, "nothing") == []


def test_a_step_that_runs_again_gives_the_same_version(
    repository: TrainingRepository, train: Train, client: Any
) -> None:
    parameters = {"model_name": "again"}
    first = repository.step("aml-registermodel", parameters, run_id=train(0.9))
    assert first.code == 0, first.log
    model = client.models.get("again", "1")
    model.tags = {**model.tags, "approved-by": "somebody"}
    client.models.create_or_update(model)

    second = repository.step(
        "aml-registermodel", {**parameters, "model_description": "new", "model_tags": {"a": "b"}}, run_id=train(0.9)
    )
    assert second.code == 0, second.log
    assert second.outputs["model_version"] == "1"
    assert second.result["is_new"] is False
    assert versions(client, "again") == ["1"]
    model = client.models.get("again", "1")
    assert model.description == "new"
    assert (model.tags["a"], model.tags["approved-by"]) == ("b", "somebody")

    other = repository.step("aml-registermodel", {**parameters, "model_properties": {"x": "1"}}, run_id=train(0.9))
    assert other.outputs["model_version"] == "2", other.log


def test_a_worse_model_is_refused_unless_forced(repository: TrainingRepository, train: Train, client: Any) -> None:
    parameters = {"model_name": "gated", "metrics_max": ["accuracy"], "metrics_min": ["loss"]}
    first = repository.step("aml-registermodel", parameters, run_id=train(0.9))
    assert first.code == 0, first.log

    worse = repository.step("aml-registermodel", parameters, run_id=train(0.8))
    assert worse.code == 1
    assert "accuracy 0.8, gated:1 has 0.9 (max)" in worse.annotations[0]
    assert versions(client, "gated") == ["1"]

    forced = repository.step("aml-registermodel", {**parameters, "force_registration": True}, run_id=train(0.8))
    assert forced.outputs["model_version"] == "2", forced.log

    better = repository.step("aml-registermodel", parameters, run_id=train(0.9))
    assert better.outputs["model_version"] == "3", better.log
    assert "| accuracy | 0.9 | 0.8 | higher |" in better.summary


def test_a_version_that_came_from_no_job_cannot_stop_the_next_one(repository: TrainingRepository, train: Train) -> None:
    repository.write({"models/by-hand.pkl": "weights"})
    by_hand = {"model_name": "first-by-hand", "model_file_name": "by-hand.pkl"}
    assert repository.step("aml-registermodel", by_hand).code == 0
    gated = {"model_name": "first-by-hand", "metrics_max": ["accuracy"]}
    done = repository.step("aml-registermodel", gated, run_id=train(0.8))
    assert done.outputs["model_version"] == "2", done.log
    assert "first-by-hand:1 did not come from a job; there are no metrics to compare with" in done.log


def test_a_metric_that_is_not_logged_is_an_error(repository: TrainingRepository, train: Train) -> None:
    parameters = {"model_name": "unmeasured"}
    assert repository.step("aml-registermodel", parameters, run_id=train(0.9)).code == 0
    done = repository.step("aml-registermodel", {**parameters, "metrics_max": ["auc"]}, run_id=train(0.8))
    assert done.code == 1
    assert "no number for the metric auc" in done.annotations[0]
    assert "accuracy, loss" in done.annotations[0]


def test_a_file_of_the_repository_is_uploaded_once(repository: TrainingRepository, client: Any, tmp_path: Path) -> None:
    repository.write({"models/local.pkl": "local weights"})
    parameters = {"model_name": "local", "model_file_name": "local.pkl"}
    first = repository.step("aml-registermodel", parameters)
    assert first.code == 0, first.log
    again = repository.step("aml-registermodel", parameters)
    assert (again.outputs["model_version"], again.result["is_new"]) == ("1", False), again.log
    client.models.download("local", "1", download_path=tmp_path)
    assert [file.read_text() for file in tmp_path.rglob("local.pkl")] == ["local weights"]

    repository.write({"models/local.pkl": "better weights"})
    changed = repository.step("aml-registermodel", parameters)
    assert changed.outputs["model_version"] == "2", changed.log


def test_local_mode_says_that_there_is_no_gate(repository: TrainingRepository) -> None:
    repository.write({"models/ungated.pkl": "weights"})
    done = repository.step(
        "aml-registermodel", {"model_name": "ungated", "model_file_name": "ungated.pkl", "metrics_min": ["loss"]}
    )
    assert done.code == 0, done.log
    assert "metrics_max and metrics_min have no effect without run_id" in done.log


def test_a_file_of_the_repository_that_is_not_there_lists_what_there_is(repository: TrainingRepository) -> None:
    done = repository.step("aml-registermodel", {"model_name": "absent", "model_file_name": "absent.pkl"})
    assert done.code == 1
    assert "the files of the repository hold nothing that model_file_name means" in done.annotations[0]
    assert "code/train/train.py" in done.annotations[0]


def test_a_job_that_does_not_exist_is_named_with_its_workspace(repository: TrainingRepository) -> None:
    done = repository.step("aml-registermodel", {}, run_id="no_such_job")
    assert done.code == 1
    assert "There is no job no_such_job in workspace ws-aml-registermodel" in done.annotations[0]
    assert "Traceback" not in done.log


def test_the_wrong_experiment_is_refused(repository: TrainingRepository, train: Train) -> None:
    done = repository.step("aml-registermodel", {}, run_id=train(0.9), experiment_name="another")
    assert done.code == 1
    assert "credit-risk-main" in done.annotations[0]


def test_an_experiment_without_a_job_is_no_local_mode(repository: TrainingRepository) -> None:
    done = repository.step("aml-registermodel", {}, experiment_name="credit-risk-main")
    assert done.code == 1
    assert "experiment_name is given without run_id" in done.annotations[0]
