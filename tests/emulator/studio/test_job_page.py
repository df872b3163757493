from __future__ import annotations

from collections.abc import Mapping

import pytest

from aml_emulator.http import ServiceError
from aml_emulator.ml.datastores import containers
from aml_emulator.tracking.store import Metric

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)


def series(key: str, values: list[float]) -> list[Metric]:
    return [Metric(key, value, step, 1_700_000_000_000 + step) for step, value in enumerate(values)]


def test_a_completed_job_shows_its_state_duration_compute_environment_and_command(studio) -> None:
    environment = f"{studio.workspace}/environments/train/versions/3"
    studio.emulator.resources.put(
        environment,
        {"properties": {"image": "mcr.example/base:1", "condaFile": "name: train\ndependencies: [python=3.11]"}},
    )
    studio.add_job(
        "brave_river",
        display_name="First try",
        environmentId=environment,
        computeId=f"{studio.workspace}/computes/githubcluster",
        inputs={"rate": {"jobInputType": "literal", "value": "0.1"}},
    )
    page = studio.page("/runs/brave_river?wsid=/subscriptions/1&tid=2")
    assert page.all("span", class_="badge") == [{"class": "badge good"}]
    for words in (
        "First try",
        "brave_river",
        "Completed",
        "1 m 12 s",
        "githubcluster",
        "train:3",
        "mcr.example/base:1",
    ):
        assert words in page.text
    assert "python train.py" in page.text
    assert "dependencies: [python=3.11]" in page.text
    assert "rate 0.1" in page.text
    assert "/experiments/iris?workspace=mlops" in page.links
    assert "data-live" not in page.markup


def test_where_the_time_went_is_told_state_by_state(studio) -> None:
    studio.add_job("brave_river")
    page = studio.page("/runs/brave_river")
    (bar,) = page.all("svg", class_="stages")
    assert [word for word in ("Not started", "Preparing", "Running") if word in bar["aria-label"]] == [
        "Not started",
        "Preparing",
        "Running",
    ]
    assert sum(float(part["width"]) for part in page.all("rect") if part["class"].startswith("tone-")) == pytest.approx(
        100, abs=0.1
    )


def test_parameters_metrics_and_the_origin_are_shown(studio) -> None:
    studio.add_job("brave_river", tags={"purpose": "nightly"})
    tracking = studio.emulator.tracking
    tracking.log_params("brave_river", {"kernel": "linear"})
    tracking.log_metrics("brave_river", [Metric("Accuracy", 0.9736842105263158, 0, 1)])
    tracking.set_tags(
        "brave_river", {"GITHUB_REPOSITORY": "contoso/iris", "GITHUB_SHA": "9f3c1e7b2a4d", "mlflow.user": "x"}
    )
    page = studio.page("/runs/brave_river")
    assert "kernel linear" in page.text
    assert "Accuracy 0.9737" in page.text
    assert "purpose nightly" in page.text
    assert "mlflow.user" not in page.text
    assert "https://github.com/contoso/iris/commit/9f3c1e7b2a4d" in page.links
    assert page.all("svg", class_="plot") == []  # one value is no curve


def test_a_metric_with_several_values_is_a_curve_through_all_of_them(studio) -> None:
    studio.add_job("brave_river")
    studio.emulator.tracking.log_metrics("brave_river", series("loss", [1 / (step + 1) for step in range(25)]))
    page = studio.page("/runs/brave_river")
    (plot,) = page.all("svg", class_="plot")
    assert plot["aria-label"] == "loss over step. loss: 25 values, last 0.04, from 0.04 to 1"
    (line,) = page.all("polyline")
    assert len(line["points"].split()) == 25
    assert len(page.all("circle", class_="dot")) == 25
    assert len(page.all("g", class_="band")) == 25
    assert "step 24: 0.04" in page.markup
    assert "loss 0.04 0.04 1 25 24" in page.text


def test_values_that_were_logged_without_a_step_are_drawn_in_their_order(studio) -> None:
    studio.add_job("brave_river")
    studio.emulator.tracking.log_metrics("brave_river", [Metric("loss", 3.0 - tick, 0, tick) for tick in range(3)])
    page = studio.page("/runs/brave_river")
    assert "value 3: 1" in page.markup
    assert len(page.all("polyline")[0]["points"].split()) == 3


def test_training_and_validation_share_a_chart_with_a_legend(studio) -> None:
    studio.add_job("brave_river")
    studio.emulator.tracking.log_metrics(
        "brave_river", series("train_accuracy", [0.9, 1.0]) + series("validation_accuracy", [0.7, 0.8])
    )
    page = studio.page("/runs/brave_river")
    assert len(page.all("svg", class_="plot")) == 1
    assert len(page.all("polyline")) == 2
    assert "train_accuracy last 1, from 0.9 to 1" in page.text


def test_pictures_are_shown_and_every_artifact_can_be_fetched(studio) -> None:
    studio.add_job("brave_river")
    studio.add_artifact("brave_river", "confusion matrix.png", PNG)
    studio.add_artifact("brave_river", "outputs/model.pkl", b"\x80" * 5234)
    page = studio.page("/runs/brave_river")
    assert [image["src"] for image in page.all("img")] == ["/runs/brave_river/artifacts/confusion%20matrix.png"]
    assert "outputs/model.pkl 5.2 kB" in page.text
    picture = studio.get("/runs/brave_river/artifacts/confusion%20matrix.png")
    assert (picture.media_type, picture.encoded()) == ("image/png", PNG)
    assert picture.headers["Content-Disposition"] == "inline"
    model = studio.get("/runs/brave_river/artifacts/outputs/model.pkl")
    assert model.media_type == "application/octet-stream"
    assert model.headers["Content-Disposition"].startswith('attachment; filename="model.pkl"')
    assert len(model.encoded()) == 5234
    for reply in (picture, model):
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in reply.headers["Content-Security-Policy"]


def test_the_files_of_a_declared_output_are_listed_and_can_be_fetched(studio) -> None:
    studio.add_job(
        "brave_river",
        outputs={"default": {"jobOutputType": "uri_folder"}, "model": {"jobOutputType": "custom_model"}, "empty": {}},
    )
    store = containers(studio.emulator, studio.workspace).blobstore
    studio.emulator.blobs.put(store, "azureml/brave_river/model/a/model.pkl", b"pickle")
    page = studio.page("/runs/brave_river")
    assert "Output “model”" in page.text
    assert "Output “empty” Nothing was written to it." in page.text
    assert "/runs/brave_river/outputs/model/a/model.pkl" in page.links
    assert studio.get("/runs/brave_river/outputs/model/a/model.pkl").encoded() == b"pickle"
    studio.page("/runs/brave_river/outputs/model/b.pkl", 404)


def test_a_failed_job_says_why_with_the_end_of_its_log(studio) -> None:
    error = {
        "error": {
            "code": "UserError",
            "message": "Execution failed. User process 'python' exited with status code 3.",
            "innerError": {"code": "UserTrainingScriptFailed", "innerError": None},
        }
    }
    studio.add_job("sad_river", "Failed", error=error, exit_code=3)
    lines = [f"line {number}" for number in range(40)] + ["ValueError: no data"]
    studio.add_artifact("sad_river", "user_logs/std_log.txt", "\n".join(lines).encode())
    page = studio.page("/runs/sad_river")
    assert page.all("section", class_="failure")
    assert "exited with status code 3. UserTrainingScriptFailed · exit code 3" in page.text
    excerpt = page.text.split("The log's last lines")[1].split("ValueError: no data")[0]
    assert "line 26" in excerpt
    assert "line 25" not in excerpt


@pytest.mark.parametrize(("log", "times"), [("Traceback:\nValueError: no data", 2), ("something else", 1)])
def test_a_reason_that_quotes_the_log_is_not_told_twice(studio, log: str, times: int) -> None:
    message = "Execution failed. Error: it broke\nTraceback:\nValueError: no data"
    studio.add_job("sad_river", "Failed", error={"error": {"code": "UserError", "message": message}})
    studio.add_artifact("sad_river", "user_logs/std_log.txt", log.encode())
    assert studio.page("/runs/sad_river").text.count("ValueError: no data") == times  # 2: the excerpt and the log


def test_a_job_that_failed_without_a_reason_says_so(studio) -> None:
    studio.add_job("sad_river", "Failed")
    assert "The job failed without saying why." in studio.page("/runs/sad_river").text


def test_a_running_job_follows_its_log_and_refreshes_even_without_scripts(studio) -> None:
    studio.add_job("brave_river", "Running")
    path = studio.add_artifact("brave_river", "user_logs/std_log.txt", b"epoch 1\nepo")
    page = studio.page("/runs/brave_river")
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page.markup
    (log,) = page.all("pre", id="log")
    assert (log["data-url"], log["data-file"], log["data-offset"]) == (
        "/runs/brave_river",
        "user_logs/std_log.txt",
        "8",
    )
    with path.open("ab") as file:
        file.write(b"ch 2\n")
    answer = studio.json("/runs/brave_river/log?file=user_logs%2Fstd_log.txt&offset=8")
    assert answer == {
        "file": "user_logs/std_log.txt",
        "current": "user_logs/std_log.txt",
        "status": "Running",
        "finished": False,
        "start": 8,
        "offset": 16,
        "size": 16,
        "text": "epoch 2\n",
        "partial": "",
        "more": False,
    }
    studio.emulator.tracking.update_run("brave_river", status="Completed")
    assert studio.json("/runs/brave_river/log?offset=16")["finished"] is True


def test_while_the_environment_is_built_its_log_is_shown_and_then_the_scripts(studio) -> None:
    studio.add_job("brave_river", "Preparing")
    assert studio.json("/runs/brave_river/log?file=&offset=0")["current"] is None
    build = "azureml-logs/20_image_build_log.txt"
    studio.add_artifact("brave_river", build, b"Resolved 64 packages\n")
    output = studio.add_artifact("brave_river", "user_logs/std_log.txt", b"")
    answer = studio.json("/runs/brave_river/log?file=&offset=0")
    assert (answer["file"], answer["current"], answer["text"]) == (build, build, "Resolved 64 packages\n")
    output.write_bytes(b"training\n")
    answer = studio.json(f"/runs/brave_river/log?file={build}&offset=21")
    assert (answer["file"], answer["current"]) == (build, "user_logs/std_log.txt")


def test_a_long_log_is_shown_from_its_end_and_linked_whole(studio) -> None:
    studio.add_job("brave_river")
    studio.add_artifact("brave_river", "user_logs/std_log.txt", b"".join(b"line %06d\n" % n for n in range(20_000)))
    page = studio.page("/runs/brave_river")
    assert "line 019999" in page.text
    assert "line 000000" not in page.text
    assert "of 240.0 kB." in page.text
    assert "/runs/brave_river/artifacts/user_logs/std_log.txt" in page.links


@pytest.mark.parametrize("offset", ["-1", "x", "1e3", "٣", ""])
def test_an_offset_that_is_no_number_of_bytes_is_refused(studio, offset: str) -> None:
    studio.add_job("brave_river")
    studio.add_artifact("brave_river", "user_logs/std_log.txt", b"one\n")
    if offset == "":
        assert studio.json("/runs/brave_river/log")["text"] == "one\n"
        return
    with pytest.raises(ServiceError, match="number of bytes"):
        studio.get(f"/runs/brave_river/log?offset={offset}")


def test_only_logs_can_be_read_as_logs(studio) -> None:
    studio.add_job("brave_river")
    studio.add_artifact("brave_river", "outputs/model.pkl", b"x")
    assert studio.get("/runs/brave_river/log?file=outputs/model.pkl").status == 404


def test_child_runs_and_the_parent_are_linked(studio) -> None:
    studio.add_job("sweep")
    studio.add_job("trial_1", parent="sweep")
    assert "/runs/trial_1" in studio.page("/runs/sweep").links
    assert "/runs/sweep" in studio.page("/runs/trial_1").links


def test_the_steps_of_a_pipeline_are_listed_with_their_states(studio) -> None:
    studio.add_job("chain", jobType="Pipeline", settings={"default_compute": "/x/computes/cpu"})
    studio.add_job("guid-1", "Failed", parent="chain", display_name="train")
    studio.add_job("guid-2", parent="chain", display_name="prep", properties={"azureml.reusedrunid": "guid-0"})
    page = studio.page("/runs/chain")
    assert {"/runs/guid-1", "/runs/guid-2"} <= page.links
    assert "Steps" in page.text
    assert {"train", "prep", "Failed", "cpu"} <= set(page.text.split())
    step = studio.page("/runs/guid-2")
    assert "/runs/chain" in step.links
    assert "/runs/guid-0" in step.links


def test_the_best_trial_of_a_sweep_is_linked(studio) -> None:
    studio.add_job("tune", jobType="Sweep", properties={"best_child_run_id": "tune_1"})
    studio.add_job("tune_0", parent="tune")
    studio.add_job("tune_1", parent="tune")
    page = studio.page("/runs/tune")
    assert "Trials" in page.text
    assert "Best: tune_1" in page.text


def test_models_that_the_job_made_are_linked(studio) -> None:
    studio.add_job("brave_river")
    studio.add_model("iris", "4", "azureml://datastores/workspaceblobstore/paths/x", jobName="brave_river")
    studio.add_model("other", "1", "azureml://jobs/brave_river/outputs/artifacts/paths/outputs/model.pkl")
    studio.add_model("foreign", "1", "azureml://datastores/workspaceblobstore/paths/y")
    links = studio.page("/runs/brave_river").links
    assert {"/models/iris/4?workspace=mlops", "/models/other/1?workspace=mlops"} <= links
    assert not any("foreign" in link for link in links)


def test_a_run_that_a_client_logged_by_itself_has_a_page_too(studio) -> None:
    studio.emulator.tracking.create_run(studio.workspace, "laptop", run_id="abc", display_name="tuesday")
    page = studio.page("/runs/abc")
    assert "tuesday" in page.text
    assert "Running" in page.text


@pytest.mark.parametrize("address", ["/runs/nope", "/runs/nope/log", "/runs/nope/artifacts/a", "/runs/a/b/c"])
def test_a_job_that_is_not_there_is_a_page_that_says_so(studio, address: str) -> None:
    page = studio.page(address, 404)
    assert "There is no" in page.text
    assert "aml-emulator · local" in page.text


def test_a_deleted_run_is_gone(studio) -> None:
    studio.add_job("brave_river")
    studio.emulator.tracking.update_run("brave_river", lifecycle="deleted")
    studio.page("/runs/brave_river", 404)
    assert "/runs/brave_river" not in studio.page("/runs").links


def test_what_users_wrote_is_text_wherever_it_appears(studio) -> None:
    evil = "<script>alert(1)</script>"
    attribute = '"><img src=x onerror=alert(1)>'
    error: Mapping[str, object] = {"error": {"code": evil, "message": evil + attribute}}
    studio.add_job(
        "evil",
        "Failed",
        experiment=evil,
        display_name=evil,
        error=dict(error),
        command=f"echo {evil}",
        description=attribute,
        inputs={evil: {"jobInputType": "literal", "value": attribute}},
        tags={attribute: evil},
    )
    tracking = studio.emulator.tracking
    tracking.log_params("evil", {evil: attribute})
    tracking.set_tags("evil", {"GITHUB_REPOSITORY": attribute, "GITHUB_ACTOR": evil})
    tracking.log_metrics("evil", series(f"</svg>{evil}{attribute}", [1.0, 2.0]))
    studio.add_artifact("evil", "user_logs/std_log.txt", f"</pre>{evil}\n".encode())
    studio.add_artifact("evil", f"{attribute}.png", PNG)
    for address in (
        "/runs/evil",
        "/",
        "/runs",
        "/experiments/%3Cscript%3Ealert%281%29%3C%2Fscript%3E",
        f"/runs/{evil[:-9]}",
    ):
        page = studio.page(address, 404 if address.startswith("/runs/<") else 200)
        assert evil not in page.markup
        assert [found.get("src", "").split("?")[0] for found in page.all("script")] == ["/studio/static/studio.js"]
        assert not [found for _, found in page.elements if any(name.startswith("on") for name in found)]
    assert evil in studio.page("/runs/evil").text
