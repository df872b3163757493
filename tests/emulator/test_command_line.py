"""`aml-emulator` as a person or a script uses it: up, down, status, reset, env, credentials."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests
from support.emulator import RunningEmulator, command, sign_in, start, stop

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state directory whose emulator, if any is left, is stopped."""
    path = tmp_path / "state"
    yield path
    stop(path)


def _pid(state: Path) -> int:
    return int(json.loads(command("status", "--json", state=state).stdout)["pid"])


def test_up_status_down(state: Path) -> None:
    up = command("up", "--port", "0", state=state)
    assert up.returncode == 0
    assert "The emulator is up: https://127.0.0.1:" in up.stdout
    for told in (f"aml-emulator env --state {state}", f"aml-emulator down --state {state}", "Studio", str(state)):
        assert told in up.stdout
    status = command("status", state=state)
    assert (status.returncode, status.stdout.startswith("up: https://127.0.0.1:")) == (0, True)
    pid = _pid(state)
    assert psutil.pid_exists(pid)
    down = command("down", state=state)
    assert (down.returncode, down.stdout) == (0, "The emulator is down.\n")
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert not (state / "server.json").exists()
    assert command("status", state=state).returncode == 1
    again = command("down", state=state)
    assert (again.returncode, "No emulator runs" in again.stdout) == (0, True)


def test_up_twice_is_up_once(state: Path) -> None:
    command("up", "--port", "0", state=state)
    pid = _pid(state)
    again = command("up", "--port", "0", state=state)
    assert again.returncode == 0
    assert f"already up: https://127.0.0.1:{json.loads((state / 'server.json').read_text())['port']}" in again.stdout
    assert _pid(state) == pid


def test_two_at_the_same_moment_end_as_one(state: Path) -> None:
    line = [sys.executable, "-m", "aml_emulator", "up", "--port", "0", "--state", str(state)]
    both = [subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    outcomes = [(*process.communicate(timeout=60), process.returncode) for process in both]
    assert sorted(code for _, _, code in outcomes)[0] == 0
    for _, errors, code in outcomes:
        assert code == 0 or "another emulator is starting" in errors
    servers = [item for item in psutil.process_iter(["cmdline"]) if str(state) in " ".join(item.info["cmdline"] or [])]
    assert len(servers) == 1


def test_a_port_that_is_taken_is_one_clear_error(state: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        up = command("up", "--port", str(port), state=state)
    assert up.returncode == 1
    assert up.stderr.startswith(f"aml-emulator: port {port} or {port + 1} on 127.0.0.1 is taken")
    assert "--port N" in up.stderr
    assert "Traceback" not in up.stderr
    assert not (state / "server.json").exists()


@pytest.mark.parametrize("port", ["-1", "65535", "http"])
def test_a_port_that_is_none_is_told(state: Path, port: str) -> None:
    up = command("up", f"--port={port}", state=state)
    assert up.returncode == 2
    assert f"'{port}' is no port: allowed are 0 (any) and 1 to 65534" in up.stderr


def test_a_state_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    up = command("up", "--port", "0", state=tmp_path / "file" / "state")
    assert up.returncode == 1
    assert "cannot use the state directory" in up.stderr
    assert "Traceback" not in up.stderr


def test_everything_is_still_there_after_a_restart_on_other_ports(state: Path) -> None:
    first = start(state)
    subscription = first.identity["subscriptionId"]
    group = f"/subscriptions/{subscription}/resourceGroups/kept"
    assert _arm(first, "PUT", group, {"location": "westeurope"}).status_code == 201
    script = f"""
import os
from azure.ai.ml import MLClient
from azure.ai.ml.entities import ManagedOnlineEndpoint, Model, Workspace
from azure.identity import DefaultAzureCredential
client = MLClient(DefaultAzureCredential(), "{subscription}", "kept", "kept")
client.workspaces.begin_create(Workspace(name="kept", location="westeurope")).result()
client.models.create_or_update(Model(name="kept", path={str(ROOT / "tests" / "support")!r}))
client.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name="kept", auth_mode="key")).result()
"""
    subprocess.run([sys.executable, "-c", script], env=first.environment(), check=True, capture_output=True)
    keys = _arm(first, "POST", f"{_workspace(group)}/onlineEndpoints/kept/listKeys").json()
    stop(state)
    second = start(state)
    assert second.base_url != first.base_url
    assert second.identity["clientSecret"] == first.identity["clientSecret"]
    workspace = _arm(second, "GET", _workspace(group)).json()["properties"]
    assert workspace["discoveryUrl"] == f"{second.base_url}/discovery"
    endpoint = _arm(second, "GET", f"{_workspace(group)}/onlineEndpoints/kept").json()["properties"]
    assert endpoint["scoringUri"] == f"{second.base_url}/inference/kept/score"
    assert _arm(second, "POST", f"{_workspace(group)}/onlineEndpoints/kept/listKeys").json() == keys
    script = f"""
from azure.ai.ml import MLClient
from azure.identity import DefaultAzureCredential
client = MLClient(DefaultAzureCredential(), "{subscription}", "kept", "kept")
client.models.download("kept", "1", download_path={str(state.parent / "down")!r})
"""
    subprocess.run([sys.executable, "-c", script], env=second.environment(), check=True, capture_output=True)
    kept = state.parent / "down" / "kept" / "support" / "emulator.py"
    assert kept.read_bytes() == (ROOT / "tests" / "support" / "emulator.py").read_bytes()


def test_an_emulator_that_was_killed_comes_up_again(state: Path) -> None:
    start(state)
    os.kill(_pid(state), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while command("status", state=state).returncode == 0:
        assert time.monotonic() < deadline
    assert (state / "server.json").exists()  # it could not say good-bye
    again = start(state)
    assert sign_in(again).status_code == 200


def test_an_operation_under_way_when_it_stops_is_ended_by_the_next_start(state: Path) -> None:
    first = start(state)
    group = f"/subscriptions/{first.identity['subscriptionId']}/resourceGroups/kept"
    _arm(first, "PUT", group, {"location": "westeurope"})
    script = f"""
from azure.ai.ml import MLClient
from azure.ai.ml.entities import Workspace
from azure.identity import DefaultAzureCredential
client = MLClient(DefaultAzureCredential(), "{first.identity["subscriptionId"]}", "kept", "kept")
client.workspaces.begin_create(Workspace(name="kept", location="westeurope")).result()
"""
    subprocess.run([sys.executable, "-c", script], env=first.environment(), check=True, capture_output=True)
    body = {"properties": {"computeType": "AmlCompute", "properties": {"vmSize": "Standard_D2_v3"}}}
    answer = _arm(first, "PUT", f"{_workspace(group)}/computes/cut", body)
    os.kill(_pid(state), signal.SIGKILL)
    second = start(state)
    path = answer.headers["Azure-AsyncOperation"].removeprefix(first.base_url).split("?")[0]
    assert _arm(second, "GET", path).json()["status"] == "Succeeded"
    compute = _arm(second, "GET", f"{_workspace(group)}/computes/cut").json()
    assert compute["properties"]["provisioningState"] == "Succeeded"


def test_ctrl_c_in_the_foreground_is_a_clean_end(state: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "aml_emulator", "up", "--port", "0", "--foreground", "--state", str(state)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    while command("status", state=state).returncode != 0:
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert "Stop it with Ctrl-C" in output
    assert "Traceback" not in errors
    assert not (state / "server.json").exists()


def test_reset_keeps_what_was_built_unless_told_otherwise(state: Path) -> None:
    command("up", "--port", "0", state=state)
    refused = command("reset", state=state)
    assert (refused.returncode, "aml-emulator down" in refused.stderr) == (1, True)
    stop(state)
    (state / "environments" / "kept").mkdir()
    assert command("reset", state=state).returncode == 0
    assert sorted(path.name for path in state.iterdir()) == ["environments", "lock"]
    assert (state / "environments" / "kept").is_dir()
    assert command("reset", "--all", state=state).returncode == 0
    assert [path.name for path in state.iterdir()] == ["lock"]


def test_reset_deletes_no_folder_that_is_not_its_own(tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("work of years")
    done = command("reset", "--all", state=tmp_path)
    assert (done.returncode, "not a state directory" in done.stderr) == (1, True)
    assert precious.exists()


def test_env_speaks_to_shells_to_programs_and_to_dotenv_files(emulator: RunningEmulator) -> None:
    shell = command("env", state=emulator.state).stdout
    script = f"{shell}\nprintf '%s' \"$AZURE_CLIENT_SECRET|$ARM_CLOUD_METADATA_URL\""
    seen = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout
    assert seen == f"{emulator.identity['clientSecret']}|{emulator.base_url}/metadata/endpoints"
    assert json.loads(command("env", "--format", "json", state=emulator.state).stdout) == emulator.env
    lines = command("env", "--format", "dotenv", state=emulator.state).stdout.splitlines()
    assert dict(line.split("=", 1) for line in lines) == {name: f'"{value}"' for name, value in emulator.env.items()}


def test_credentials_are_those_of_azure_with_the_addresses_of_this_cloud(emulator: RunningEmulator) -> None:
    assert {"clientId", "clientSecret", "subscriptionId", "tenantId"} <= emulator.identity.keys()
    assert emulator.identity["resourceManagerEndpointUrl"] == f"{emulator.base_url}/"
    assert emulator.identity["activeDirectoryEndpointUrl"] == f"{emulator.base_url}/"


def test_nothing_to_point_at_when_no_emulator_runs(tmp_path: Path) -> None:
    for name in ("env", "credentials"):
        done = command(name, state=tmp_path / "none")
        assert (done.returncode, done.stdout) == (1, "")
        assert "aml-emulator up" in done.stderr


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from aml_emulator.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'uvicorn', 'cryptography', 'jwt', 'azure', 'yaml', 'jinja2', 'httpx', 'sqlite3'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in ("up", "down", "status", "reset", "env", "credentials"):
        assert f"\n    {name}" in done.stdout


def _workspace(group: str) -> str:
    return f"{group}/providers/Microsoft.MachineLearningServices/workspaces/kept"


def _arm(emulator: RunningEmulator, method: str, path: str, body: object = None) -> requests.Response:
    return requests.request(
        method,
        f"{emulator.base_url}{path}",
        params={"api-version": "2024-10-01"},
        json=body,
        headers={"Authorization": f"Bearer {sign_in(emulator).json()['access_token']}"},
        verify=emulator.env["REQUESTS_CA_BUNDLE"],
        timeout=60,
    )
