# ruff: noqa: F841 - the variables of a pipeline function are the names of its steps
"""Pipelines as a data scientist has them: built with azure-ai-ml or from YAML, run step by step, looked at, downloaded."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from azure.ai.ml import Input, Output, dsl, load_job
from azure.core.exceptions import HttpResponseError

from .conftest import Step

WRITE = """
import pathlib, sys
word, folder = sys.argv[1:]
pathlib.Path(folder, "word.txt").write_text(word)
print("wrote", word)
"""
DOUBLE = """
import pathlib, sys
source, factor, folder = sys.argv[1:]
word = pathlib.Path(source, "word.txt").read_text()
pathlib.Path(folder, "word.txt").write_text(word * int(factor))
"""


@pytest.fixture(scope="module")
def write(step: Step) -> Any:
    """A component that writes a word."""
    return step(
        "python write.py ${{inputs.word}} ${{outputs.folder}}",
        {"write.py": WRITE},
        name="write",
        inputs={"word": Input(type="string")},
        outputs={"folder": Output(type="uri_folder")},
    ).component


@pytest.fixture(scope="module")
def double(step: Step) -> Any:
    """A component that repeats what another wrote."""
    return step(
        "python double.py ${{inputs.source}} ${{inputs.factor}} ${{outputs.folder}}",
        {"double.py": DOUBLE},
        name="double",
        inputs={"source": Input(type="uri_folder"), "factor": Input(type="integer", default=2)},
        outputs={"folder": Output(type="uri_folder")},
    ).component


def children(ml: Any, job: Any) -> dict[str, Any]:
    """The steps of a pipeline by their display names."""
    return {child.display_name: child for child in ml.jobs.list(parent_job_name=job.name)}


def finished(ml: Any, job: Any, seconds: float = 60) -> Any:
    """The status in which a job ended."""
    deadline = time.monotonic() + seconds
    while (status := ml.jobs.get(job.name).status) not in ("Completed", "Failed", "Canceled"):
        assert time.monotonic() < deadline, status
        time.sleep(0.1)
    return status


def test_data_and_a_parameter_pass_from_step_to_step(
    ml: Any, cluster: str, write: Any, double: Any, tmp_path: Path
) -> None:
    @dsl.pipeline(default_compute=cluster, experiment_name="chains")
    def chain(word, factor):
        first = write(word=word)
        second = double(source=first.outputs.folder, factor=factor)
        return {"result": second.outputs.folder}

    job = ml.jobs.create_or_update(chain(word="ab", factor=3))
    ml.jobs.stream(job.name)
    found = ml.jobs.get(job.name)
    assert (found.status, found.type, found.display_name) == ("Completed", "pipeline", "chain")
    assert found.jobs["second"].component.startswith("azureml_anonymous:")
    steps = children(ml, job)
    assert {name: step.status for name, step in steps.items()} == {"first": "Completed", "second": "Completed"}
    ml.jobs.download(job.name, download_path=tmp_path, all=True)
    ml.jobs.download(job.name, download_path=tmp_path, output_name="result")
    assert (tmp_path / "named-outputs" / "result" / "word.txt").read_text() == "ababab"
    log = (tmp_path / "artifacts" / "logs" / "azureml" / "executionlogs.txt").read_text()
    assert f"Submitting 1 runs, first five are: first:{steps['first'].name}" in log
    ml.jobs.download(steps["first"].name, download_path=tmp_path / "first")
    ml.jobs.download(steps["first"].name, download_path=tmp_path / "first", output_name="folder")
    assert (tmp_path / "first" / "artifacts" / "user_logs" / "std_log.txt").read_text() == "wrote ab\n"
    assert (tmp_path / "first" / "named-outputs" / "folder" / "word.txt").read_text() == "ab"
    assert steps["first"].properties["azureml.pipelinerunid"] == job.name
    assert job.name in [one.name for one in ml.jobs.list()]
    assert not {step.name for step in steps.values()} & {one.name for one in ml.jobs.list()}


def test_a_pipeline_from_a_file_with_overrides_of_its_steps(ml: Any, cluster: str, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "say.py").write_text(
        "import os, sys; print(sys.argv[1:], os.environ['COLOR'], open(sys.argv[1] + '/rows.csv').read())"
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.csv").write_text("1,2")
    (tmp_path / "conda.yml").write_text("dependencies: [python=3.11]")
    (tmp_path / "pipeline.yml").write_text(f"""
type: pipeline
experiment_name: files
inputs:
  rows: {{type: uri_folder, path: ./data}}
  rate: 0.5
settings: {{default_compute: azureml:{cluster}}}
jobs:
  say:
    command: python say.py ${{{{inputs.rows}}}} --rate ${{{{inputs.rate}}}} --word ${{{{inputs.word}}}}
    code: ./src
    environment: {{image: ubuntu, conda_file: conda.yml}}
    environment_variables: {{COLOR: "blue ${{{{parent.inputs.rate}}}}"}}
    inputs:
      rows: ${{{{parent.inputs.rows}}}}
      rate: ${{{{parent.inputs.rate}}}}
      word: x-${{{{parent.inputs.rate}}}}
""")
    job = ml.jobs.create_or_update(load_job(tmp_path / "pipeline.yml"))
    assert finished(ml, job) == "Completed"
    ml.jobs.download(children(ml, job)["say"].name, download_path=tmp_path, all=True)
    said = (tmp_path / "artifacts" / "user_logs" / "std_log.txt").read_text()
    assert said.rstrip().endswith("'--rate', '0.5', '--word', 'x-0.5'] blue 0.5 1,2")
    assert job.inputs["rate"]._data == "0.5"


def test_a_pipeline_in_a_pipeline(ml: Any, cluster: str, write: Any, double: Any, tmp_path: Path) -> None:
    @dsl.pipeline
    def inner(word="", factor=2):
        one = write(word=word)
        two = double(source=one.outputs.folder, factor=factor)
        return {"inside": two.outputs.folder}

    @dsl.pipeline(default_compute=cluster)
    def outer(word):
        nested = inner(word=word)
        last = double(source=nested.outputs.inside, factor=2)
        return {"result": last.outputs.folder, "middle": nested.outputs.inside}

    job = ml.jobs.create_or_update(outer(word="n"))
    assert finished(ml, job) == "Completed"
    assert set(children(ml, job)) == {"nested", "last"}
    nested = children(ml, job)["nested"]
    assert set(children(ml, nested)) == {"one", "two"}
    assert children(ml, nested)["one"].properties["azureml.rootpipelinerunid"] == job.name
    for name in ("middle", "result"):
        ml.jobs.download(job.name, download_path=tmp_path, output_name=name)
    assert (tmp_path / "named-outputs" / "middle" / "word.txt").read_text() == "nn"
    assert (tmp_path / "named-outputs" / "result" / "word.txt").read_text() == "nnnn"


def test_a_failing_step_fails_the_pipeline_by_its_name(
    ml: Any, cluster: str, write: Any, double: Any, step: Step, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = step(
        "python broken.py ${{inputs.source}}",
        {"broken.py": "import time; time.sleep(2); raise ValueError('no such column')"},
        inputs={"source": Input(type="uri_folder")},
        outputs={"folder": Output(type="uri_folder")},
    ).component

    @dsl.pipeline(default_compute=cluster)
    def pipeline() -> None:
        first = write(word="x")
        bad = broken(source=first.outputs.folder)
        after = double(source=bad.outputs.folder)
        aside = double(source=first.outputs.folder, factor=5)

    job = ml.jobs.create_or_update(pipeline())
    with pytest.raises(Exception, match="Pipeline has some failed steps") as caught:
        ml.jobs.stream(job.name)
    assert "bad (run " in str(caught.value)
    assert "ValueError: no such column" in str(caught.value)
    assert "PipelineHasStepJobFailed" in str(caught.value)
    said = capsys.readouterr().out
    assert "Streaming logs/azureml/executionlogs.txt" in said
    assert "Step bad (run" in said
    statuses = {name: child.status for name, child in children(ml, job).items()}
    assert statuses == {"first": "Completed", "bad": "Failed", "aside": "Completed"}


def test_a_pipeline_that_does_not_go_on_ends_what_runs(ml: Any, cluster: str, step: Step) -> None:
    slow, bad = step("sleep 300", {"x": ""}).component, step("sleep 0.5; exit 3", {"x": ""}).component

    @dsl.pipeline(default_compute=cluster, continue_on_step_failure=False)
    def pipeline() -> None:
        bad_one = bad()
        slow_one = slow()

    job = ml.jobs.create_or_update(pipeline())
    assert finished(ml, job) == "Failed"
    assert {name: child.status for name, child in children(ml, job).items()} == {
        "bad_one": "Failed",
        "slow_one": "Canceled",
    }


def test_canceling_a_pipeline_cancels_its_steps(ml: Any, cluster: str, step: Step) -> None:
    slow = step("sleep 300", {"x": ""}).component

    @dsl.pipeline(default_compute=cluster)
    def inner() -> None:
        deep = slow()

    @dsl.pipeline(default_compute=cluster)
    def pipeline() -> None:
        one = slow()
        two = inner()

    job = ml.jobs.create_or_update(pipeline())

    def under_way() -> list[str]:
        steps = children(ml, job)
        inside = children(ml, steps["two"]) if "two" in steps else {}
        return [child.status for child in (*steps.values(), *inside.values())]

    deadline = time.monotonic() + 30
    while under_way() != ["Running"] * 3:
        assert time.monotonic() < deadline, under_way()
        time.sleep(0.1)
    ml.jobs.begin_cancel(job.name).result()
    assert ml.jobs.get(job.name).status == "Canceled"
    assert {child.status for child in ml.jobs.list(parent_job_name=job.name)} == {"Canceled"}
    two = children(ml, job)["two"]
    assert [child.status for child in ml.jobs.list(parent_job_name=two.name)] == ["Canceled"]


def test_a_step_that_ran_before_is_used_again(ml: Any, cluster: str, write: Any, double: Any, tmp_path: Path) -> None:
    def pipeline(word: str, **settings: Any) -> Any:
        @dsl.pipeline(default_compute=cluster, **settings)
        def chain(word):
            first = write(word=word)
            second = double(source=first.outputs.folder, factor=2)
            return {"result": second.outputs.folder}

        job = ml.jobs.create_or_update(chain(word=word))
        assert finished(ml, job) == "Completed"
        return job, children(ml, job)

    _, before = pipeline("again")
    assert {child.properties["azureml.isreused"] for child in before.values()} == {"false"}
    job, after = pipeline("again")
    assert {child.properties["azureml.isreused"] for child in after.values()} == {"true"}
    assert after["second"].properties["azureml.reusedrunid"] == before["second"].name
    ml.jobs.download(job.name, download_path=tmp_path, output_name="result")
    assert (tmp_path / "named-outputs" / "result" / "word.txt").read_text() == "againagain"
    ml.jobs.download(after["first"].name, download_path=tmp_path / "first")
    assert (tmp_path / "first" / "artifacts" / "user_logs" / "std_log.txt").read_text() == "wrote again\n"
    _, other = pipeline("other")
    assert other["first"].properties["azureml.isreused"] == "false"
    _, forced = pipeline("again", force_rerun=True)
    assert {child.properties["azureml.isreused"] for child in forced.values()} == {"false"}


def test_a_registered_component_is_found_again(ml: Any, cluster: str, step: Step) -> None:
    made = step("echo ${{inputs.word}}", {"x": ""}, name="say_it", inputs={"word": Input(type="string")}).component
    first = ml.components.create_or_update(made, version="1")
    assert (first.name, first.version) == ("say_it", "1")
    assert "say_it" in [component.name for component in ml.components.list()]
    found = ml.components.get("say_it", "1")
    assert (found.command, found.inputs["word"].type) == ("echo ${{inputs.word}}", "string")
    assert ml.components.get("say_it").version == "1"

    @dsl.pipeline(default_compute=cluster)
    def pipeline() -> None:
        said = found(word="hi")

    job = ml.jobs.create_or_update(pipeline())
    assert finished(ml, job) == "Completed"
    assert children(ml, job)["said"].properties["azureml.moduleName"] == "say_it"
    ml.components.archive("say_it")
    assert "say_it" not in [component.name for component in ml.components.list()]
    changed = step("echo other", {"x": ""}, name="say_it").component
    with pytest.raises(HttpResponseError, match='"command"'):
        ml.components.create_or_update(changed, version="1")


def test_outputs_with_a_name_are_registered_when_the_job_completes(
    ml: Any, cluster: str, write: Any, step: Step, tmp_path: Path
) -> None:
    @dsl.pipeline(default_compute=cluster)
    def pipeline() -> Any:
        one = write(word="one")
        one.outputs.folder.name = "words_of_one"
        one.outputs.folder.version = "7"
        two = write(word="two")
        return {"result": two.outputs.folder}

    made = pipeline()
    made.outputs.result.name = "words"
    job = ml.jobs.create_or_update(made)
    assert finished(ml, job) == "Completed"
    for name, version, word in (("words_of_one", "7", "one"), ("words", "1", "two")):
        found = ml.data.get(name, version)
        assert found.type == "uri_folder"
        shown = ml.jobs.create_or_update(
            step(
                "cat ${{inputs.words}}/word.txt",
                {"x": ""},
                compute=cluster,
                inputs={"words": Input(type="uri_folder", path=f"azureml:{name}:{version}")},
            )
        )
        assert finished(ml, shown) == "Completed"
        ml.jobs.download(shown.name, download_path=tmp_path / name)
        assert (tmp_path / name / "artifacts" / "user_logs" / "std_log.txt").read_text() == word
    model = step(
        "echo x > ${{outputs.model}}/model.bin",
        {"x": ""},
        compute=cluster,
        outputs={"model": Output(type="custom_model", name="from_a_job")},
    )
    job = ml.jobs.create_or_update(model)
    assert finished(ml, job) == "Completed"
    found = ml.models.get("from_a_job", "1")
    assert (found.type, found.job_name) == ("custom_model", job.name)


def test_automl_is_refused_before_anything_starts(ml: Any, cluster: str, write: Any, tmp_path: Path) -> None:
    from azure.ai.ml import automl

    (tmp_path / "MLTable").write_text("paths: [{file: rows.csv}]\ntransformations: []\n")
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    settings = {
        "training_data": Input(type="mltable", path=str(tmp_path)),
        "target_column_name": "b",
        "primary_metric": "accuracy",
    }
    before = {job.name for job in ml.jobs.list()}
    with pytest.raises(HttpResponseError, match="jobs of type AutoML") as caught:
        ml.jobs.create_or_update(automl.classification(compute=cluster, experiment_name="automl", **settings))
    assert caught.value.status_code == 501

    @dsl.pipeline(default_compute=cluster)
    def pipeline() -> None:
        first = write(word="x")
        model = automl.classification(**settings)

    with pytest.raises(HttpResponseError, match=r"a step of type 'automl' in a pipeline \(jobs.model\)"):
        ml.jobs.create_or_update(pipeline())
    assert {job.name for job in ml.jobs.list()} == before
