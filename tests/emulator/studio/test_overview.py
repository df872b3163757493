from __future__ import annotations

import ssl
import subprocess
import sys

import httpx
import pytest
from support.emulator import RunningEmulator

from aml_emulator.tracking.store import Metric


def test_an_empty_emulator_says_how_to_begin(studio) -> None:
    studio.emulator.resources.delete(studio.workspace)
    assert "aml-emulator credentials" in studio.page("/").text


def test_the_overview_shows_jobs_models_endpoints_and_workspaces(studio) -> None:
    for number in range(12):
        studio.add_job(f"job_{number}", "Running" if number == 11 else "Completed")
    studio.add_model("iris", "1", "azureml://datastores/workspaceblobstore/paths/x", jobName="job_3")
    studio.add_model("iris", "2", "azureml://datastores/workspaceblobstore/paths/x")
    studio.add_endpoint("iris-prod", {"blue": 100})
    studio.add_deployment("iris-prod", "blue")
    page = studio.page("/")
    assert {
        "/runs/job_11",
        "/runs/job_2",
        "/runs",
        "/models/iris/2?workspace=mlops",
        "/endpoints/iris-prod",
    } <= page.links
    assert "/runs/job_1" not in page.links  # the ten newest
    assert "/models/iris/1?workspace=mlops" not in page.links  # the newest version
    for words in ("aml-emulator · local", "All 12 jobs", "1 m 12 s", "blue 100 %", "12 jobs", "westeurope"):
        assert words in page.text
    assert "data-live" in page.markup
    assert "/runs/job_1" in studio.page("/runs").links


def test_nothing_refreshes_when_nothing_runs(studio) -> None:
    studio.add_job("done")
    assert "data-live" not in studio.page("/").markup


def test_an_experiment_compares_its_runs(studio) -> None:
    studio.add_job("one")
    studio.add_job("two")
    studio.add_job("elsewhere", experiment="other")
    tracking = studio.emulator.tracking
    tracking.log_params("one", {"kernel": "linear"})
    tracking.log_params("two", {"kernel": "rbf", "penalty": "10"})
    tracking.log_metrics("one", [Metric("Accuracy", 0.97368, 0, 1)])
    page = studio.page("/experiments/iris?workspace=mlops")
    heads = page.text.split("Submitted")[1].split("two")[0]
    assert [name for name in ("kernel", "penalty", "Accuracy") if name in heads] == ["kernel", "penalty", "Accuracy"]
    assert "rbf 10 –" in page.text
    assert "linear – 0.9737" in page.text
    assert "/runs/elsewhere" not in page.links


def test_the_addresses_that_mlflow_prints_lead_here(studio) -> None:
    reply = studio.get(f"/mlflow/v2.0{studio.workspace}")
    assert (reply.status, reply.headers["Location"]) == (302, "/")
    experiment = studio.emulator.tracking.experiment(studio.workspace, "iris")
    assert "iris" in studio.page(f"/experiments/{experiment.id}").text


def test_experiments_of_the_same_name_in_two_workspaces_are_kept_apart(studio) -> None:
    studio.add_job("here")
    studio.add_job("there", workspace=studio.add_workspace("other"))
    assert "/runs/there" in studio.page("/experiments/iris?workspace=other").links
    assert "/runs/there" not in studio.page("/experiments/iris?workspace=mlops").links


@pytest.mark.parametrize(
    "address", ["/experiments/nope", "/experiments/iris?workspace=nope", "/studio/nope", "/studio/static/pages.py"]
)
def test_what_is_not_there_is_a_page_that_says_so(studio, address: str) -> None:
    studio.add_job("one")
    assert "There is no" in studio.page(address, 404).text


def test_no_page_loads_or_runs_anything_of_others(studio) -> None:
    studio.add_job("brave_river", "Running")
    studio.emulator.tracking.log_metrics(
        "brave_river", [Metric("loss", 1.0 / step, step, step) for step in range(1, 9)]
    )
    studio.add_model("iris", "1", "azureml://datastores/workspaceblobstore/paths/x")
    studio.add_endpoint("iris-prod", {"blue": 100})
    studio.add_deployment("iris-prod", "blue")
    for address in (
        "/",
        "/runs",
        "/runs/brave_river",
        "/experiments/iris",
        "/models",
        "/models/iris/1",
        "/endpoints",
        "/endpoints/iris-prod",
    ):
        page = studio.page(address)
        policy = studio.get(address).headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        assert [name for name, found in page.elements if "style" in found] == []
        assert page.all("style") == []
        loaded = [found["src"] for found in page.all("script") + page.all("img")] + [
            found["href"] for found in page.all("link")
        ]
        assert loaded
        assert all(source.startswith("/") and not source.startswith("//") for source in loaded)


def test_every_page_can_be_read_by_its_structure(studio) -> None:
    studio.add_job("brave_river")
    studio.add_endpoint("iris-prod", {})
    for address in (
        "/",
        "/runs",
        "/runs/brave_river",
        "/experiments/iris",
        "/models",
        "/endpoints",
        "/endpoints/iris-prod",
    ):
        page = studio.page(address)
        assert len(page.all("h1")) == 1
        assert len(page.all("main")) == 1
        assert page.all("html", lang="en")
        assert all(found.get("scope") for found in page.all("th"))
        assert len(page.all("table")) == len(page.all("caption"))
        assert all(found.get("alt") for found in page.all("img"))
        identities = [found["id"] for _, found in page.elements if "id" in found]
        assert len(identities) == len(set(identities))
        labels = {found["aria-labelledby"] for _, found in page.elements if "aria-labelledby" in found}
        assert labels <= set(identities)


def test_the_style_sheet_and_the_script_may_be_kept_by_browsers(studio) -> None:
    page = studio.page("/")
    for address in [found["href"] for found in page.all("link")] + [found["src"] for found in page.all("script")]:
        reply = studio.get(address)
        assert reply.status == 200
        assert "immutable" in reply.headers["Cache-Control"]
        assert reply.encoded()


def test_a_browser_gets_the_pages_over_https(emulator: RunningEmulator) -> None:
    with httpx.Client(
        base_url=emulator.base_url, verify=ssl.create_default_context(cafile=emulator.env["SSL_CERT_FILE"])
    ) as client:
        reply = client.get("/")
        assert reply.status_code == 200
        assert reply.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in reply.headers["content-security-policy"]
        assert "aml-emulator" in reply.text
        lost = client.get("/runs/nope/")
        assert (lost.status_code, lost.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_the_server_starts_without_the_template_engine() -> None:
    script = "import sys; import aml_emulator.studio; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
