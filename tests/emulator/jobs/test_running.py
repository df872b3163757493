"""What a command job finds on its node, and what is kept of it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from support.workbench import Workbench

from aml_emulator import ids


def test_a_script_runs_in_its_code_folder_and_its_outputs_are_kept(bench: Workbench) -> None:
    script = """
import os, pathlib, sys
print("reading", pathlib.Path("data/x.txt").read_text())
pathlib.Path("outputs/model.pkl").write_bytes(b"model")
pathlib.Path("logs/own.log").write_text("own")
pathlib.Path("scratch.txt").write_text("not kept")
os.makedirs("outputs/deep/er"); pathlib.Path("outputs/deep/er/a.txt").write_text("a")
print("to stderr", file=sys.stderr)
"""
    job = bench.run("python train.py", {"train.py": script, "data/x.txt": "content"})
    assert bench.status(job) == "Completed", bench.log(job)
    kept = bench.artifacts(job)
    assert kept["outputs/model.pkl"] == b"model"
    assert kept["outputs/deep/er/a.txt"] == b"a"
    assert kept["logs/own.log"] == b"own"
    assert not [name for name in kept if "scratch" in name or "train.py" in name]
    assert bench.log(job) == "reading content\nto stderr\n"  # in the order they were written
    run = bench.emulator.tracking.run(ids.name_of(job))
    assert run is not None
    assert run.exit_code == 0
    assert run.start is not None
    assert run.end is not None
    assert run.start <= run.end


def test_inputs_and_outputs_are_where_the_command_says(bench: Workbench) -> None:
    folder = bench.files({"a.txt": "a", "deep/b.txt": "b"})
    script = """
import os, sys
name, text, folder, file, direct, out, single = sys.argv[1:]
print(name, text, sorted(os.listdir(folder)), open(file).read(), direct)
assert os.environ["AZURE_ML_INPUT_folder"] == folder and os.environ["AZURE_ML_OUTPUT_out"] == out
open(os.path.join(out, "model.txt"), "w").write("model")
open(single, "w").write("single")
"""
    uri = {"mode": "ReadOnlyMount", "uri": folder}
    job = bench.run(
        "python t.py ${{inputs.name}} '${{inputs.text}}' ${{inputs.folder}} ${{ inputs.file }} ${{inputs.direct}}"
        " ${{outputs.out}} ${{outputs.single}} $[[--never ${{inputs.never}}]]",
        {"t.py": script},
        inputs={
            "name": {"jobInputType": "literal", "value": 0.5},
            "text": {"jobInputType": "literal", "value": "two words"},
            "folder": {"jobInputType": "uri_folder", **uri},
            "file": {"jobInputType": "uri_file", "uri": f"{folder}/deep/b.txt"},
            "direct": {"jobInputType": "uri_folder", "uri": folder, "mode": "Direct"},
            "never": None,
        },
        outputs={
            "out": {"jobOutputType": "uri_folder"},
            "single": {"jobOutputType": "uri_file", "uri": "azureml://datastores/workspaceblobstore/paths/mine/s.txt"},
        },
    )
    assert bench.status(job) == "Completed", bench.log(job)
    assert bench.log(job) == f"0.5 two words ['a.txt', 'deep'] b {folder}\n"
    assert bench.stored(f"azureml/{ids.name_of(job)}/out/") == {"model.txt": b"model"}
    assert bench.stored("mine/") == {"s.txt": b"single"}


def test_an_output_of_one_job_is_an_input_of_the_next(bench: Workbench) -> None:
    first = bench.run("echo made > ${{outputs.data}}/x.txt", outputs={"data": {"jobOutputType": "uri_folder"}})
    uri = f"azureml://jobs/{ids.name_of(first)}/outputs/data/paths/"
    second = bench.run("cat ${{inputs.data}}/x.txt", inputs={"data": {"jobInputType": "uri_folder", "uri": uri}})
    assert bench.log(second) == "made\n"


def test_nothing_of_the_shell_that_started_the_emulator_reaches_a_job(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_SECRET_TOKEN", "of-the-shell")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "of-the-shell")
    job = bench.run(
        "python -c 'import json, os; print(json.dumps(dict(os.environ)))'", environmentVariables={"MINE": "a b$HOME"}
    )
    found = json.loads(bench.log(job))
    assert "of-the-shell" not in json.dumps(found)
    assert "PYTHONPATH" not in found
    assert found["MINE"] == "a b$HOME"  # a value, not a piece of shell
    assert found["PATH"].split(":")[0].startswith(str(bench.emulator.state.environments.resolve()))
    assert found["HOME"] != os.environ["HOME"]
    assert found["AZUREML_RUN_ID"] == found["MLFLOW_RUN_ID"] == ids.name_of(job)
    assert found["AZUREML_ARM_WORKSPACE_NAME"] == "bench"
    assert found["MLFLOW_TRACKING_URI"] == f"https://127.0.0.1:8443/mlflow{bench.workspace}"
    assert found["REQUESTS_CA_BUNDLE"] == str(bench.emulator.state.bundle)


def test_the_log_can_be_read_while_the_job_writes_it(bench: Workbench) -> None:
    job = bench.submit("python -c 'print(\"first\"); import time; time.sleep(60)'")
    bench.wait(job, "Running")
    for _ in range(500):
        if bench.log(job):
            break
        time.sleep(0.02)
    assert bench.log(job) == "first\n"
    assert bench.status(job) == "Running"
    bench.emulator.jobs.cancel(job)
    assert bench.wait(job) == "Canceled"


def test_a_job_leaves_nothing_on_the_node(bench: Workbench) -> None:
    job = bench.run("sleep 300 & echo $! ; echo $HOME > outputs/home")
    process = int(bench.log(job))
    home = bench.artifacts(job)["outputs/home"].decode().strip()
    state = Path(f"/proc/{process}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"
    assert not Path(home).exists()
    assert list(bench.emulator.state.jobs.iterdir()) == []


def test_jobs_wait_in_order_for_as_many_nodes_as_the_cluster_may_have(bench: Workbench) -> None:
    cluster = bench.cluster(1)
    first = bench.submit("sleep 60", computeId=cluster)
    bench.wait(first, "Running")
    second, third = bench.submit("sleep 60", computeId=cluster), None
    bench.wait(second, "Queued")
    third = bench.submit("true", computeId=cluster)
    bench.wait(third, "Queued")
    elsewhere = bench.run("true", computeId=bench.cluster(1))
    assert bench.status(elsewhere) == "Completed"
    assert (bench.status(second), bench.status(third)) == ("Queued", "Queued")
    bench.emulator.jobs.cancel(first)
    bench.wait(second, "Running")
    assert bench.status(third) == "Queued"
    # A cluster that is made larger takes the next one at once.
    bench.emulator.resources.change(
        cluster, lambda body: body["properties"]["properties"]["scaleSettings"].update(maxNodeCount=2)
    )
    assert bench.wait(third) == "Completed"
    bench.emulator.jobs.cancel(second)
    assert bench.wait(second) == "Canceled"


def test_the_states_of_a_job_are_those_of_the_service_in_their_order(bench: Workbench) -> None:
    job = bench.run("true")
    states = [state.status for state in bench.emulator.tracking.states(ids.name_of(job))]
    assert states == ["NotStarted", "Preparing", "Queued", "Starting", "Running", "Finalizing", "Completed"]


def test_only_the_job_that_builds_an_environment_has_a_build_log(bench: Workbench, tmp_path: Path) -> None:
    # An environment of the test's own: its index option makes it another one than all that were built before.
    conda = f"dependencies: [python=3.11, {{pip: ['--find-links {tmp_path}', six]}}]"
    first = bench.run("python -c 'import six'", environmentId=bench.environment(conda))
    assert bench.status(first) == "Completed", bench.error(first)
    assert "+ six==" in bench.log(first, "azureml-logs/20_image_build_log.txt")
    again = bench.run("python -c 'import six'", environmentId=bench.environment(conda))
    assert bench.status(again) == "Completed", bench.error(again)
    assert "azureml-logs/20_image_build_log.txt" not in bench.artifacts(again)


def test_variables_of_the_conda_file_are_set(bench: Workbench) -> None:
    conda = "variables: {MARK: 'a b'}\ndependencies: [python=3.11]"
    job = bench.run("echo $MARK", environmentId=bench.environment(conda))
    assert bench.log(job) == "a b\n"
