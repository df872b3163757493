"""Models that a job left which another job started: a step of a pipeline, a trial of a sweep."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.ai.ml import load_job
from support.training import COMPUTE, IMAGE, TRACKED, TrainingRepository, azure_client

from aml_actions.errors import ActionError
from aml_actions.run_history import ChildRun
from aml_registermodel.source import job_with_model

TRAIN = """\
import pathlib, sys
import mlflow

accuracy = float(sys.argv[1])
mlflow.log_metric("accuracy", accuracy)
folder = pathlib.Path("outputs")
folder.mkdir(exist_ok=True)
(folder / "model.pkl").write_text(f"weights of {accuracy:g}")
"""
STEP = f"""\
      type: command
      command: python train.py ${{{{inputs.accuracy}}}}
      code: ./train
      environment: {{image: {IMAGE}, conda_file: ./environment.yml}}
      inputs: {{accuracy: {{type: number}}}}
"""
PIPELINE = f"""\
type: pipeline
experiment_name: credit-risk-main
settings: {{default_compute: azureml:{COMPUTE}, force_rerun: true}}
jobs:
  prepare:
    type: command
    component:
{STEP}
    inputs: {{accuracy: 0.1}}
  model_training:
    type: command
    component:
{STEP}
    inputs: {{accuracy: 0.7}}
  tune:
    type: sweep
    trial:
{STEP}
    search_space: {{accuracy: {{type: choice, values: [0.5, 0.9]}}}}
    objective: {{goal: maximize, primary_metric: accuracy}}
    sampling_algorithm: grid
    limits: {{max_total_trials: 2, max_concurrent_trials: 2}}
"""
SWEEP = f"""\
type: sweep
experiment_name: credit-risk-main
compute: azureml:{COMPUTE}
trial:
  command: python train.py ${{{{search_space.accuracy}}}}
  code: ./train
  environment: {{image: {IMAGE}, conda_file: ./environment.yml}}
search_space: {{accuracy: {{type: choice, values: [0.6, 0.2]}}}}
objective: {{goal: minimize, primary_metric: accuracy}}
sampling_algorithm: grid
limits: {{max_total_trials: 2, max_concurrent_trials: 2}}
"""


@pytest.fixture(scope="module")
def run(repository: TrainingRepository) -> Callable[[str], Any]:
    """Runs a job YAML to its end with the unmodified SDK; each one only once."""
    repository.write({"train/train.py": TRAIN, "environment.yml": TRACKED})
    jobs: dict[str, Any] = {}

    def once(text: str) -> Any:
        if text not in jobs:
            repository.write({"job.yml": text})
            with azure_client(repository.emulator, repository.workspace) as client:
                job = client.jobs.create_or_update(load_job(repository.root / "job.yml"))
                client.jobs.stream(job.name)
                jobs[text] = client.jobs.get(job.name)
                assert jobs[text].status == "Completed"
        return jobs[text]

    return once


def weights(client: Any, name: str, folder: Path) -> str:
    client.models.download(name, "1", download_path=folder)
    return next(folder.rglob("model.pkl")).read_text()


@pytest.mark.parametrize(
    ("step", "accuracy"), [(None, 0.7), ("prepare", 0.1), ("tune", 0.9)], ids=["default", "named", "sweep"]
)
def test_the_model_of_a_step_of_a_pipeline(
    repository: TrainingRepository,
    run: Callable[[str], Any],
    client: Any,
    tmp_path: Path,
    step: str | None,
    accuracy: float,
) -> None:
    name = f"of-{step or 'default'}"
    parameters = {"model_name": name, **({"pipeline_child_run_name": step} if step else {})}
    pipeline = run(PIPELINE)
    done = repository.step("aml-registermodel", parameters, run_id=pipeline.name, experiment_name="credit-risk-main")
    assert done.code == 0, done.log
    assert done.result["metrics"] == {"accuracy": accuracy}
    assert done.result["run_id"] != pipeline.name
    assert f"The model comes from job {done.result['run_id']}" in done.log
    assert weights(client, name, tmp_path) == f"weights of {accuracy:g}"
    assert "::warning" not in done.log


def test_the_model_of_a_step_that_was_not_run_again(
    repository: TrainingRepository, run: Callable[[str], Any], client: Any, tmp_path: Path
) -> None:
    """Its files are those of the job that ran it, which may belong to another experiment."""
    cached = PIPELINE.replace(", force_rerun: true", "").replace(
        "accuracy: 0.7", "accuracy: 0.3"
    )  # not run by other tests
    first = run(cached.replace("credit-risk-main", "credit-risk-before"))
    again = run(cached)
    ran = {job.display_name: job.name for job in client.jobs.list(parent_job_name=first.name)}["model_training"]
    (step,) = [job for job in client.jobs.list(parent_job_name=again.name) if job.display_name == "model_training"]
    assert step.name != ran
    done = repository.step("aml-registermodel", {"model_name": "of-a-used-step"}, run_id=again.name)
    assert done.code == 0, done.log
    assert (done.result["run_id"], done.result["metrics"]) == (ran, {"accuracy": 0.3})
    assert weights(client, "of-a-used-step", tmp_path) == "weights of 0.3"


def test_a_step_that_is_not_there_lists_the_steps(repository: TrainingRepository, run: Callable[[str], Any]) -> None:
    parameters = {"model_name": "of-none", "pipeline_child_run_name": "train"}
    done = repository.step("aml-registermodel", parameters, run_id=run(PIPELINE).name)
    assert done.code == 1
    assert "has no step of the name that pipeline_child_run_name says" in done.annotations[0]
    assert "Allowed: model_training, prepare, tune" in done.annotations[0]


def test_the_best_trial_of_a_sweep(
    repository: TrainingRepository, run: Callable[[str], Any], client: Any, tmp_path: Path
) -> None:
    sweep = run(SWEEP)
    done = repository.step("aml-registermodel", {"model_name": "of-a-sweep"}, run_id=sweep.name)
    assert done.code == 0, done.log
    assert done.result["run_id"] == sweep.properties["best_child_run_id"]
    assert weights(client, "of-a-sweep", tmp_path) == "weights of 0.2"


def test_the_gate_compares_the_trials_that_left_the_models(
    repository: TrainingRepository, run: Callable[[str], Any], client: Any
) -> None:
    gated = {"model_name": "gated-child", "metrics_max": ["accuracy"], "pipeline_child_run_name": "tune"}
    assert repository.step("aml-registermodel", gated, run_id=run(PIPELINE).name).code == 0
    worse = repository.step("aml-registermodel", gated, run_id=run(SWEEP).name)
    assert worse.code == 1
    assert "accuracy 0.2, gated-child:1 has 0.9 (max)" in worse.annotations[0]


# --- what Azure can answer and the emulator does not


def job(name: str, kind: str, properties: dict[str, str] | None = None, tags: dict[str, str] | None = None) -> Any:
    return SimpleNamespace(name=name, type=kind, properties=properties or {}, tags=tags or {})


class History:
    """Which jobs a job started."""

    def __init__(self, **started: list[str]) -> None:
        self.started = started

    def children(self, name: str) -> list[ChildRun]:
        return [ChildRun(one, one, "Completed") for one in self.started.get(name, [])]


def leaf(jobs: list[Any], history: History, step: str = "train") -> str:
    by_name = {one.name: one for one in jobs}
    return job_with_model(jobs[0], history, by_name.__getitem__, step)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "automl",
    [
        job("a", "automl", {"best_child_run_id": "a_7"}),
        job("a", "automl", {"automl_best_child_run_id": "a_7"}),
        job("a", "automl", tags={"automl_best_child_run_id": "a_7"}),
    ],
    ids=["property", "property of AutoML", "tag of AutoML"],
)
def test_the_best_trial_of_automl(automl: Any) -> None:
    assert leaf([automl], History()) == "a_7"


def test_a_step_that_started_one_job_stands_for_it_as_in_the_legacy_action() -> None:
    """A hyperparameter step of SDK v1: the step, below it the sweep, below that the trials."""
    jobs = [job("p", "pipeline"), job("train", "command"), job("hd", "sweep", {"best_child_run_id": "hd_3"})]
    assert leaf(jobs, History(p=["train"], train=["hd"])) == "hd_3"
    assert leaf([*jobs[:2], job("only", "command")], History(p=["train"], train=["only"])) == "only"
    assert leaf(jobs[:2], History(p=["train"])) == "train"


@pytest.mark.parametrize("kind", ["sweep", "automl"])
def test_without_a_best_trial_no_other_one_is_taken(kind: str) -> None:
    for jobs in ([job("s", kind)], [job("p", "pipeline"), job("train", kind)]):
        with pytest.raises(ActionError, match="names no best trial"):
            leaf(jobs, History(p=["train"], train=["train_0"], s=["s_0"]))


def test_a_step_that_is_a_pipeline_of_several_steps_is_asked_about() -> None:
    jobs = [job("p", "pipeline"), job("train", "pipeline")]
    with pytest.raises(ActionError, match="pipeline of several steps") as caught:
        leaf(jobs, History(p=["train"], train=["fit", "check"]))
    assert caught.value.allowed == "fit (fit), check (check)"
    assert "as input run_id" in str(caught.value.fix)
