"""Every name of an operation stands for requests that the emulator answers, and for those that it says."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from support.workbench import Workbench, workbench

from aml_emulator.faults.names import OPERATIONS, requests_of
from aml_emulator.http import Call

WORKSPACE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
RUNS = f"/history/v1.0{WORKSPACE}/experiments/e/runs/r"
CONTAINER = "/mlstore/azureml"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    with workbench(tmp_path_factory.mktemp("bench")) as found:
        yield found


def asked(method: str, path: str, query: str = "") -> Call:
    pairs = dict(part.split("=", 1) for part in query.split("&") if part)
    return Call(method, path, path, pairs, query, {})


def test_every_name_of_the_main_port_stands_for_a_route(bench: Workbench) -> None:
    samples = []
    for route in bench.router._routes:
        path = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"\1", route.pattern.pattern).replace("\\", "")
        samples.append(asked(route.method, path.replace("origin", "ExperimentRun")))
    of_main = {name: kinds for name, kinds in OPERATIONS.items() if any(kind.port != "blob" for kind in kinds)}
    dead = [
        name
        for name, kinds in of_main.items()
        if not any(kind.match("main", call) for kind in kinds for call in samples)
    ]
    assert len(of_main) > 70
    assert dead == []


@pytest.mark.parametrize(
    ("port", "method", "path", "query", "names"),
    [
        ("main", "PUT", f"{WORKSPACE}/jobs/one", "", {"jobs.create"}),
        ("main", "GET", f"{WORKSPACE.lower()}/jobs/one", "", {"jobs.get"}),
        ("main", "POST", f"{WORKSPACE}/jobs/one/cancel", "", {"jobs.cancel"}),
        ("main", "GET", RUNS, "", {"runs.get"}),
        ("main", "GET", f"{RUNS}/details", "", {"runs.details"}),
        ("main", "GET", f"{RUNS}/children", "", {"runs.children"}),
        ("main", "GET", f"{RUNS}/artifacts", "", {"artifacts.list"}),
        ("main", "GET", f"/mlflow/v2.0{WORKSPACE}/api/2.0/mlflow/runs/get", "", {"metrics.read"}),
        ("main", "POST", "/tenant/oauth2/v2.0/token", "", {"token"}),
        ("main", "GET", f"{WORKSPACE}/onlineEndpoints/e/deployments/blue", "", {"deployments.get"}),
        ("main", "PUT", f"{WORKSPACE}/environments/e/versions/1", "", {"environments.create"}),
        ("blob", "GET", f"{CONTAINER}/ExperimentRun/dcid.one/user_logs/std_log.txt", "", {"logs.read", "blobs.read"}),
        ("blob", "GET", "/azureml/ExperimentRun/dcid.one/outputs/model.pkl", "", {"artifacts.read", "blobs.read"}),
        ("blob", "GET", "/azureml", "restype=container&comp=list", {"artifacts.list", "blobs.list"}),
        ("blob", "PUT", f"{CONTAINER}/LocalUpload/x/train.py", "comp=block", {"blobs.write"}),
    ],
)
def test_a_request_has_these_names(port: str, method: str, path: str, query: str, names: set[str]) -> None:
    call = asked(method, path, query)
    found = {name for name, kinds in OPERATIONS.items() if any(kind.match(port, call) for kind in kinds)}
    assert found - {"any", "any.read", "any.write"} == names


def test_the_command_prints_the_names(capsys: pytest.CaptureFixture[str]) -> None:
    from aml_emulator.cli import main

    assert main(["fault", "operations"]) == 0
    printed = capsys.readouterr().out.split()
    assert {"any", "jobs.create", "lro.compute", "jobs.stuck", "nodes.cold"} <= set(printed)
    assert all(requests_of(name) for name in printed if name in OPERATIONS)
