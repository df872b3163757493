"""Deployments that come up, that do not, that are replaced, deleted, and found again after a restart."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support.workbench import workbench

from aml_emulator.http import ServiceError

from .conftest import Serving


def listening(log: str) -> int:
    """The port that an inference server said it listens on, of this machine only."""
    line = next(line for line in log.splitlines() if "Listening at:" in line)
    address = line.split("http://")[1].split()[0]
    assert address.startswith("127.0.0.1:")
    return int(address.split(":")[1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def gone(port: int, seconds: float = 8) -> bool:
    deadline = time.monotonic() + seconds
    while answers(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_deployment_is_laid_out_as_on_azure(serving: Serving) -> None:
    endpoint = serving.endpoint("layout")
    script = """
import json, os
def init(): pass
def run(raw):
    root = os.environ["AZUREML_MODEL_DIR"]
    names = ("AML_APP_ROOT", "AZUREML_ENTRY_SCRIPT", "HOME")
    found = [os.path.relpath(os.path.join(at, name), root) for at, _, files in os.walk(root) for name in files]
    return {"root": root, "files": sorted(found), "cwd": os.getcwd(), **{name: os.environ[name] for name in names}}
"""
    model = serving.model({"a.bin": "a", "deep/b.bin": "b"}, file=None)
    operation = serving.deploy(endpoint, "blue", {"score.py": script, "helper.py": ""}, model=model)
    assert operation["status"] == "Succeeded"
    assert serving.state(endpoint, "blue") == "Succeeded"
    found = json.loads(serving.ask(endpoint, {}, "blue").encoded())
    name = model.split("/models/")[1].split("/")[0]
    assert found["root"].endswith(f"/azureml-models/{name}/3")
    assert found["files"] == ["folder/a.bin", "folder/deep/b.bin"]  # a folder keeps its name below the version
    assert found["AZUREML_ENTRY_SCRIPT"] == f"{found['AML_APP_ROOT']}/score.py"
    assert found["cwd"] == found["AML_APP_ROOT"]
    assert found["HOME"].startswith(str(serving.emulator.state.deployments))


def test_variables_of_the_service_cannot_be_bent_by_what_the_resource_says(serving: Serving) -> None:
    endpoint = serving.endpoint("bent")
    variables = {
        "AZUREML_MODEL_DIR": "/var/azureml-app/azureml-models/m/1",
        "AML_APP_ROOT": "/var/azureml-app",
        "WHO": "me",
    }
    assert serving.deploy(endpoint, "blue", environmentVariables=variables)["status"] == "Succeeded"
    assert json.loads(serving.ask(endpoint, {"data": [3]}, "blue").encoded()) == {"y": [6], "who": "me"}


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import nothing_like_this\ndef init(): pass\ndef run(raw): return 1", "No module named 'nothing_like_this'"),
        ("def init(): raise RuntimeError('no model here')\ndef run(raw): return 1", "RuntimeError: no model here"),
        ("def init(:", "SyntaxError"),
        ("def init(): pass", "run"),
    ],
    ids=["import", "init", "syntax", "no run"],
)
def test_a_script_that_does_not_start_fails_the_deployment_in_the_services_words(
    serving: Serving, script: str, words: str
) -> None:
    endpoint = serving.endpoint("broken")
    operation = serving.deploy(endpoint, "blue", {"score.py": script})
    assert operation["status"] == "Failed"
    assert operation["error"]["code"] == "ResourceNotReady"
    assert operation["error"]["message"] == (
        "User container has crashed or terminated. Please see troubleshooting guide, available here:"
        " https://aka.ms/oe-tsg#error-resourcenotready"
    )
    assert serving.state(endpoint, "blue") == "Failed"
    log = serving.emulator.serving.logs(f"{endpoint}/deployments/blue")
    assert log.startswith("Instance status:\nSystemSetup: Succeeded\n")
    assert "UserContainerStart: Failed" in log
    assert words in log
    assert serving.ask(endpoint, {}, "blue").status == 503


def test_a_log_can_be_cut_to_its_end_and_the_model_s_way_be_read(serving: Serving) -> None:
    endpoint = serving.endpoint("logs")
    model = serving.model()
    serving.deploy(endpoint, "blue", model=model)
    deployment = f"{endpoint}/deployments/blue"
    tail = serving.emulator.serving.logs(deployment, tail=2).split("Container logs:\n")[1]
    whole = serving.emulator.serving.logs(deployment).split("Container logs:\n")[1]
    assert len(tail.splitlines()) == 2
    assert whole.endswith(tail)
    assert "model.json" in serving.emulator.serving.logs(deployment, "StorageInitializer")


def test_an_environment_without_the_inference_server_crashes_with_a_log_that_says_so(serving: Serving) -> None:
    endpoint = serving.endpoint("bare")
    operation = serving.deploy(endpoint, "blue", environmentId=serving.bench.environment())
    assert (operation["status"], operation["error"]["code"]) == ("Failed", "ResourceNotReady")
    assert "azureml-inference-server-http" in serving.emulator.serving.logs(f"{endpoint}/deployments/blue")


def test_an_environment_that_cannot_be_built_fails_with_the_resolvers_words(serving: Serving) -> None:
    endpoint = serving.endpoint("unbuilt")
    conda = "dependencies: [python=3.11, {pip: [this-package-does-not-exist-anywhere==1]}]"
    operation = serving.deploy(endpoint, "blue", environmentId=serving.bench.environment(conda))
    assert operation["error"]["code"] == "ImageBuildFailure"
    assert "was not found in the package registry" in operation["error"]["message"]
    assert "was not found in the package registry" in serving.emulator.serving.logs(f"{endpoint}/deployments/blue")


def test_a_model_without_files_fails_at_its_download(serving: Serving) -> None:
    endpoint = serving.endpoint("empty")
    model = serving.model(file="nothing.pkl")
    operation = serving.deploy(endpoint, "blue", model=model)
    assert operation["error"]["code"] == "BadArgument"
    assert "has no files" in operation["error"]["message"]
    assert "ModelDownload: Failed" in serving.emulator.serving.logs(
        f"{endpoint}/deployments/blue", "StorageInitializer"
    )


def test_a_server_that_never_becomes_healthy_fails_after_its_probe_s_patience(serving: Serving) -> None:
    endpoint = serving.endpoint("asleep")
    script = "import time\ndef init(): time.sleep(60)\ndef run(raw): return 1"
    probe = {"initialDelay": "PT0.5S", "period": "PT0.5S", "failureThreshold": 2}
    began = time.monotonic()
    operation = serving.deploy(endpoint, "blue", {"score.py": script}, livenessProbe=probe)
    assert operation["error"]["code"] == "ResourceNotReady"
    assert time.monotonic() - began < 10
    log = serving.emulator.serving.logs(f"{endpoint}/deployments/blue")
    assert "not healthy after 1.5 s" in log
    assert gone(listening(log))


def test_a_new_version_replaces_the_old_without_a_gap(serving: Serving) -> None:
    endpoint = serving.endpoint("renewed", blue=100)
    serving.deploy(endpoint, "blue")
    first = listening(serving.emulator.serving.logs(f"{endpoint}/deployments/blue"))
    serving.deploy(endpoint, "blue", environmentVariables={"WHO": "second"})
    assert json.loads(serving.ask(endpoint, {"data": []}).encoded())["who"] == "second"
    assert gone(first)
    folder = serving.emulator.state.deployments / "renewed" / "blue"
    assert len(list(folder.iterdir())) == 1


def test_an_update_that_fails_leaves_the_old_version_serving(serving: Serving) -> None:
    endpoint = serving.endpoint("kept", blue=100)
    serving.deploy(endpoint, "blue")
    assert serving.deploy(endpoint, "blue", {"score.py": "import nothing_like_this"})["status"] == "Failed"
    assert serving.state(endpoint, "blue") == "Failed"
    assert serving.ask(endpoint, {"data": [1]}).status == 200
    assert "nothing_like_this" in serving.emulator.serving.logs(f"{endpoint}/deployments/blue")


def test_a_deleted_deployment_leaves_nothing_behind(serving: Serving) -> None:
    endpoint = serving.endpoint("deleted", blue=100)
    serving.deploy(endpoint, "blue")
    deployment = f"{endpoint}/deployments/blue"
    port = listening(serving.emulator.serving.logs(deployment))
    serving.emulator.serving.remove(deployment)
    serving.emulator.resources.delete(deployment)
    assert gone(port)
    assert serving.ask(endpoint, {"data": []}).status == 503
    assert not (serving.emulator.state.deployments / "deleted" / "blue").exists()


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"codeConfiguration": None}, 501, "without a scoring script"),
        ({"modelMountPath": "/models"}, 501, "model_mount_path"),
        ({"environmentId": None}, 400, "no environment"),
        ({"model": "azureml://registries/r/models/m/versions/1"}, 501, "Register the model"),
        ({"requestSettings": {"requestTimeout": "PT200S"}}, 400, "request_timeout_ms is 200000"),
        ({"requestSettings": {"requestTimeout": "soon"}}, 400, "'soon' is not a duration"),
    ],
)
def test_what_cannot_be_served_is_refused_before_it_is_stored(
    serving: Serving, change: dict[str, Any], status: int, words: str
) -> None:
    properties = {
        "codeConfiguration": {"codeId": "code", "scoringScript": "score.py"},
        "environmentId": serving.environment,
    }
    with pytest.raises(ServiceError) as caught:
        serving.emulator.serving.validate(f"{serving.endpoint('x')}/deployments/y", {"properties": properties | change})
    assert (caught.value.status, words in caught.value.message) == (status, True)


def test_a_restarted_emulator_serves_its_deployments_again(restarted: Path) -> None:
    with workbench(restarted) as bench:
        serving = Serving(bench)
        endpoint = serving.endpoint("lasting", blue=100)
        assert serving.deploy(endpoint, "blue")["status"] == "Succeeded"
        port = listening(bench.emulator.serving.logs(f"{endpoint}/deployments/blue"))
    assert gone(port)
    with workbench(restarted) as bench:
        reply = Serving(bench).ask(endpoint, {"data": [4]})
        assert (reply.status, json.loads(reply.encoded())["y"]) == (200, [8])


def test_an_emulator_that_is_killed_takes_its_servers_with_it(restarted: Path) -> None:
    program = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from support.workbench import workbench
from emulator.serving.conftest import Serving
with workbench(Path({str(restarted)!r})) as bench:
    serving = Serving(bench)
    endpoint = serving.endpoint("killed", blue=100)
    assert serving.deploy(endpoint, "blue")["status"] == "Succeeded"
    half = f"{{endpoint}}/deployments/green"
    properties = {{"provisioningState": "Creating"}}
    bench.emulator.resources.put(half, {{"properties": properties}})
    operation = bench.emulator.operations.start(half, "deployment")
    log = bench.emulator.serving.logs(f"{{endpoint}}/deployments/blue")
    print(endpoint, operation, [line for line in log.splitlines() if "Listening" in line][0], flush=True)
    time.sleep(60)
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        line = child.stdout.readline()
        endpoint, operation = line.split()[:2]
        port = listening(line)
        assert answers(port)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
    assert gone(port)
    with workbench(restarted) as bench:
        serving = Serving(bench)
        assert serving.ask(endpoint, {"data": [4]}).status == 200
        # What was half way when it was killed is settled, so that nobody waits for it.
        assert serving.state(endpoint, "green") == "Failed"
        settled = bench.emulator.operations.get(operation)
        assert settled is not None
        assert settled["status"] == "Failed"
