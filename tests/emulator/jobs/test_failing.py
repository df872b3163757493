"""Jobs that fail say why, in the service's words; jobs that cannot run here are refused before they exist."""

from __future__ import annotations

from typing import Any

import pytest
from support.workbench import Workbench

from aml_emulator import ids
from aml_emulator.http import ServiceError

BUILD_LOG = "azureml-logs/20_image_build_log.txt"


def test_a_script_that_raises_fails_the_job_with_its_traceback(bench: Workbench) -> None:
    script = "print('working')\ndef read():\n    raise ValueError('the data is broken')\nread()\n"
    job = bench.run("python train.py --lr 1", {"train.py": script})
    assert bench.status(job) == "Failed"
    message = bench.error(job)["message"]
    assert message.startswith(
        "Execution failed. User process 'python' exited with status code 1."
        " Please check log file 'user_logs/std_log.txt' for error details. Error: Traceback (most recent call last):"
    )
    assert message.endswith("ValueError: the data is broken")
    assert "working" not in message
    assert bench.error(job)["code"] == "UserError"
    run = bench.emulator.tracking.run(ids.name_of(job))
    assert run is not None
    assert run.exit_code == 1


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("echo one; echo two; exit 3", 3, "one\ntwo"),
        ("no-such-program", 127, "no-such-program"),
        ("kill -KILL $$", 137, ""),
        ("kill -TERM $$", 143, ""),
    ],
)
def test_the_exit_code_is_kept_and_the_last_lines_are_told(
    bench: Workbench, command: str, code: int, words: str
) -> None:
    job = bench.run(command)
    run = bench.emulator.tracking.run(ids.name_of(job))
    assert run is not None
    assert (bench.status(job), run.exit_code) == ("Failed", code)
    assert f"exited with status code {code}." in bench.error(job)["message"]
    assert words in bench.error(job)["message"]


def test_a_long_log_is_not_put_whole_into_the_error(bench: Workbench) -> None:
    job = bench.run("""python -c 'print("x" * 100000); raise SystemExit("the end")'""")
    assert len(bench.error(job)["message"]) <= 3000
    assert bench.error(job)["message"].endswith("the end")


def test_outputs_of_a_failed_job_are_kept(bench: Workbench) -> None:
    job = bench.run("echo partial > outputs/checkpoint; exit 1")
    assert bench.artifacts(job)["outputs/checkpoint"] == b"partial\n"


def test_a_package_that_cannot_be_had_fails_the_job_with_the_resolvers_words(bench: Workbench) -> None:
    conda = "dependencies: [python=3.11, {pip: [this-package-does-not-exist-anywhere==1]}]"
    job = bench.run("true", environmentId=bench.environment(conda))
    assert bench.status(job) == "Failed"
    error = bench.error(job)
    assert error["message"].startswith(f"Image build failed. For more details, check log file {BUILD_LOG}.")
    assert "was not found in the package registry" in error["message"]
    assert error["innerError"]["code"] == "ImageBuildFailure"
    assert "was not found in the package registry" in bench.log(job, BUILD_LOG)
    assert "user_logs/std_log.txt" not in bench.artifacts(job)


def test_a_python_version_that_is_not_here_fails_the_job(bench: Workbench) -> None:
    job = bench.run("true", environmentId=bench.environment("dependencies: [python=3.99]"))
    assert bench.status(job) == "Failed"
    assert "Install Python 3.99" in bench.error(job)["message"]
    assert "3.99" in bench.log(job, BUILD_LOG)


def test_an_input_that_is_gone_fails_the_job_by_its_name(bench: Workbench) -> None:
    uri = "azureml://datastores/workspaceblobstore/paths/nowhere/"
    job = bench.run("true", inputs={"data": {"jobInputType": "uri_folder", "uri": uri}})
    assert bench.status(job) == "Failed"
    assert "The input 'data' names a folder that does not exist" in bench.error(job)["message"]
    other = bench.run("true", inputs={"data": {"jobInputType": "uri_file", "uri": bench.files({"a": "b"})}})
    assert "The input 'data' names a file that does not exist" in bench.error(other)["message"]


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"jobType": "Spark"}, 501, "jobs of type 'Spark'"),
        ({"distribution": {"distributionType": "Ray"}}, 501, "the distribution 'Ray'"),
        ({"distribution": {"distributionType": "Mpi", "processCountPerInstance": 0}}, 400, "1 or more, not '0'"),
        ({"resources": {"instanceCount": 2}}, 501, "instance_count 2) without `distribution`"),
        ({"resources": {"instanceCount": 0}}, 400, "1 or more, not '0'"),
        ({"services": {"jupyter": {}}}, 501, "interactive services"),
        ({"command": ""}, 400, "no command"),
        ({"command": "python ${{inputs.nothing}}"}, 400, "does not declare. Its inputs: none"),
        ({"command": "python ${{outputs.model}}"}, 400, "Its outputs: none"),
        ({"command": "${{parent.inputs.x}}"}, 400, "Only ${{inputs.<name>}}"),
        ({"command": "echo ${{name}}"}, 400, "${{name}}"),
        ({"command": "a ${{inputs.x}}", "inputs": {"x": None}}, 400, "has no value"),
        ({"inputs": {"x": {"jobInputType": "uri_folder"}}}, 400, "has no path"),
        ({"inputs": {"x": {"jobInputType": "magic", "uri": "y"}}}, 501, "inputs of type 'magic'"),
        ({"inputs": {"x": {"jobInputType": "uri_file", "uri": "y", "mode": "Stream"}}}, 501, "input mode 'Stream'"),
        ({"limits": {"timeout": "30 minutes"}}, 400, "'30 minutes' is not a duration"),
        ({"environmentId": "/subscriptions/none"}, 400, "does not exist"),
    ],
)
def test_what_cannot_run_is_refused_before_it_is_stored(
    bench: Workbench, change: dict[str, Any], status: int, words: str
) -> None:
    with pytest.raises(ServiceError) as caught:
        bench.emulator.jobs.validate(bench.properties("true") | change)
    assert caught.value.status == status
    assert words in caught.value.message


def test_an_environment_that_is_only_an_image_is_refused_with_what_is_supported(bench: Workbench) -> None:
    resources = bench.emulator.resources
    image = f"{bench.workspace}/environments/image/versions/1"
    resources.put(image, {"properties": {"image": "mcr.microsoft.com/x"}})
    for environment in (image, "azureml://registries/azureml/environments/sklearn-1.5/versions/1"):
        with pytest.raises(ServiceError, match="conda_file") as caught:
            bench.emulator.jobs.validate(bench.properties("true", environmentId=environment))
        assert caught.value.status == 501
