"""What a pipeline must be to be taken, and what becomes of one when the emulator stops: in an emulator of this process."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from support.workbench import Workbench, workbench

from aml_emulator import ids
from aml_emulator.http import ServiceError
from aml_emulator.ml import components, jobs


def component(bench: Workbench, **spec: Any) -> str:
    """Id of a component that was checked and stored."""
    body = {"type": "command", "command": "true", "environment": f"azureml:{bench.environment()}", **spec}
    components.check(bench.emulator, "c", "1", body)
    component_id = f"{bench.workspace}/components/c{uuid.uuid4().hex[:8]}/versions/1"
    return bench.emulator.resources.put(component_id, {"properties": {"componentSpec": body}}).id


def submit(bench: Workbench, steps: dict[str, Any], **properties: Any) -> str:
    """Id of a pipeline job of these steps."""
    workspace = bench.emulator.resources.get(bench.workspace)
    assert workspace is not None
    body = {"jobType": "Pipeline", "jobs": steps, **properties}
    return jobs.create(bench.emulator, workspace, f"p{uuid.uuid4().hex[:8]}", body, "tester").id


@pytest.fixture(scope="module")
def parts(bench: Workbench) -> dict[str, str]:
    """A component that makes a folder, one that reads one."""
    return {
        "make": component(bench, outputs={"folder": {"type": "uri_folder"}}),
        "read": component(
            bench,
            command="ls ${{inputs.folder}} ${{inputs.depth}}",
            inputs={"folder": {"type": "uri_folder"}, "depth": {"type": "integer", "default": 1}},
        ),
    }


def literal(value: str) -> dict[str, str]:
    return {"job_input_type": "literal", "value": value}


MAKE = {"type": "command", "componentId": "<make>"}


@pytest.mark.parametrize(
    ("steps", "status", "code", "words"),
    [
        ({}, 400, "InvalidPipelineJob", "at least one step"),
        ({"a": {"type": "command", "componentId": "<make>none"}}, 404, "", "Not found component"),
        ({"a": {"type": "command"}}, 400, "InvalidComponentJob", "jobs.a: the step has no componentId"),
        (
            {"a": {"type": "parallel", "componentId": "<make>"}},
            400,
            "InvalidComponentJob",
            "cannot use the command component",
        ),
        ({"a": {"type": "if_else"}}, 501, "", "a step of type 'if_else' in a pipeline (jobs.a)"),
        (
            {"a": {**MAKE, "inputs": {"x": literal("1")}}},
            400,
            "InvalidComponentJobInput",
            "has no input 'x'. Its inputs: none",
        ),
        (
            {"a": {**MAKE, "componentId": "<read>"}},
            400,
            "InvalidComponentJobInput",
            "the required input 'folder' has no value",
        ),
        (
            {"a": {**MAKE, "componentId": "<read>", "inputs": {"folder": literal("${{parent.name}}")}}},
            400,
            "InvalidExpressionInJob",
            "jobs.a.inputs.folder: the expression '${{parent.name}}' cannot be used",
        ),
        (
            {"a": {**MAKE, "componentId": "<read>", "inputs": {"folder": literal("${{parent.inputs.none}}")}}},
            400,
            "InvalidExpressionInJob",
            "the pipeline has no input 'none'. Its inputs: data",
        ),
        (
            {"a": {**MAKE, "componentId": "<read>", "inputs": {"folder": literal("${{parent.jobs.b.outputs.x}}")}}},
            400,
            "SourceComponentPortNotExsit",
            "the pipeline has no step 'b'",
        ),
        (
            {
                "b": MAKE,
                "a": {**MAKE, "componentId": "<read>", "inputs": {"folder": literal("${{parent.jobs.b.outputs.x}}")}},
            },
            400,
            "SourceComponentPortNotExsit",
            "the step 'b' has no output 'x'. Its outputs: folder",
        ),
        (
            {"a": {**MAKE, "outputs": {"folder": {"type": "literal", "value": "${{parent.outputs.none}}"}}}},
            400,
            "InvalidExpressionInJob",
            "the pipeline has no output 'none'",
        ),
        (
            {"a": {**MAKE, "computeId": "<workspace>/computes/none"}},
            404,
            "ComputeNotFound",
            "Compute 'none' was not found",
        ),
        ({"a": {**MAKE, "resources": {"instance_count": 2}}}, 501, "", "without `distribution`"),
    ],
)
def test_a_pipeline_that_cannot_run_is_refused_and_leaves_nothing(
    bench: Workbench, parts: dict[str, str], steps: dict[str, Any], status: int, code: str, words: str
) -> None:
    text = json.dumps(steps).replace("<workspace>", bench.workspace)
    for name, component_id in parts.items():
        text = text.replace(f"<{name}>", component_id)
    before = bench.emulator.resources.list(bench.workspace, jobs.TYPE)
    data = {"jobInputType": "uri_folder", "uri": bench.files({"a": "b"})}
    with pytest.raises(ServiceError) as caught:
        submit(bench, json.loads(text), inputs={"data": data})
    assert (caught.value.status, words in caught.value.message) == (status, True), caught.value.message
    assert code in ("", *caught.value.inner)
    assert bench.emulator.resources.list(bench.workspace, jobs.TYPE) == before


def test_steps_that_wait_for_each_other_are_refused(bench: Workbench) -> None:
    relay = component(bench, inputs={"x": {"type": "uri_folder"}}, outputs={"y": {"type": "uri_folder"}})
    steps = {
        name: {
            "type": "command",
            "componentId": relay,
            "inputs": {"x": literal(f"${{{{parent.jobs.{other}.outputs.y}}}}")},
        }
        for name, other in (("a", "b"), ("b", "a"))
    }
    with pytest.raises(ServiceError, match="The steps a, b wait for each other's outputs"):
        submit(bench, steps)


@pytest.mark.parametrize(
    ("spec", "status", "words"),
    [
        ({"type": "spark"}, 501, "components of type 'spark'"),
        ({"command": " "}, 400, "needs a command"),
        ({"environment": None}, 400, "Environment is missing"),
        (
            {"environment": "azureml:/subscriptions/s/environments/none/versions/1"},
            404,
            "Environment none:1 was not found",
        ),
        ({"environment": "azureml://registries/r/environments/e/versions/1"}, 501, "assets of a registry"),
        ({"code": "azureml:/subscriptions/s/codes/none/versions/1"}, 404, "Code none:1 was not found"),
        ({"type": "pipeline", "jobs": {}}, 400, "at least one step"),
        ({"type": "pipeline", "jobs": {"a": {"type": "automl"}}}, 501, "a step of type 'automl'"),
    ],
)
def test_a_component_that_cannot_run_is_refused(
    bench: Workbench, spec: dict[str, Any], status: int, words: str
) -> None:
    with pytest.raises(ServiceError) as caught:
        component(bench, **spec)
    assert (caught.value.status, words in caught.value.message) == (status, True), caught.value.message


def test_a_pipeline_of_a_component_with_inputs_of_its_own(bench: Workbench) -> None:
    say = component(bench, command="echo ${{inputs.word}}", inputs={"word": {"type": "string"}})
    step = {"type": "command", "componentId": say, "inputs": {"word": literal("${{parent.inputs.word}}")}}
    spec = {"type": "pipeline", "inputs": {"word": {"type": "string", "default": "hello"}}, "jobs": {"say": step}}
    job = submit(bench, {}, componentId=component(bench, **spec))
    assert bench.wait(job) == "Completed"
    child = bench.emulator.tracking.children(ids.name_of(job))[0]
    assert bench.log(f"{bench.workspace}/jobs/{child.id}") == "hello\n"
    other = submit(
        bench, {}, componentId=component(bench, **spec), inputs={"word": {"jobInputType": "literal", "value": "bye"}}
    )
    assert bench.wait(other) == "Completed"
    child = bench.emulator.tracking.children(ids.name_of(other))[0]
    assert bench.log(f"{bench.workspace}/jobs/{child.id}") == "bye\n"


def test_an_output_with_a_path_is_written_there_when_it_is_used_again_too(bench: Workbench) -> None:
    make = component(bench, command="echo x > ${{outputs.folder}}/x", outputs={"folder": {"type": "uri_folder"}})
    step = {
        "type": "command",
        "componentId": make,
        "outputs": {"folder": {"value": "${{parent.outputs.kept}}", "type": "literal"}},
    }
    for place in ("first", "second"):
        uri = f"azureml://datastores/${{{{default_datastore}}}}/paths/{place}/${{{{name}}}}/"
        job = submit(bench, {"make": step}, outputs={"kept": {"jobOutputType": "uri_folder", "uri": uri}})
        assert bench.wait(job) == "Completed"
        assert bench.stored(f"{place}/{ids.name_of(job)}/") == {"x": b"x\n"}
        child = bench.emulator.resources.get(
            f"{bench.workspace}/jobs/{bench.emulator.tracking.children(ids.name_of(job))[0].id}"
        )
        assert child is not None
        assert child.properties["properties"]["azureml.isreused"] == str(place == "second").lower()


def test_stopping_the_emulator_ends_a_pipeline_with_its_steps(tmp_path: Path) -> None:
    with workbench(tmp_path) as bench:
        job = submit(bench, {"slow": {"type": "command", "componentId": component(bench, command="sleep 300")}})
        bench.wait(job, "Running")
        while not (steps := bench.emulator.tracking.children(ids.name_of(job))):
            time.sleep(0.02)
        step = f"{bench.workspace}/jobs/{steps[0].id}"
        bench.wait(step, "Running")
    with workbench(tmp_path) as bench:
        for ended in (job, step):
            assert bench.status(ended) == "Canceled"
            assert "emulator was stopped" in bench.error(ended)["message"]
