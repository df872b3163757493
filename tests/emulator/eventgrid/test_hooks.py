"""What really happens in the emulator raises events: jobs end, models are registered, blobs change."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from support.workbench import Workbench, workbench

from aml_emulator import ids
from aml_emulator.blob_auth import blob_sas
from aml_emulator.blob_service import BlobService
from aml_emulator.eventgrid.publishing import TOPIC
from aml_emulator.http import Call, Reply

from .test_envelopes import ML, SAMPLES, STORAGE, needs_samples, sample

if TYPE_CHECKING:
    from aml_emulator.eventgrid.records import Record

    from .conftest import Grid


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """An emulator that runs jobs, whose workspace has a system topic."""
    with workbench(tmp_path_factory.mktemp("bench")) as found:
        group = found.workspace.partition("/providers/")[0]
        properties = {"source": found.workspace, "topicType": "Microsoft.MachineLearningServices.Workspaces"}
        found.emulator.resources.put(f"{group}/providers/{TOPIC}/topic", {"properties": properties})
        yield found


def events_of(bench: Workbench, text: str) -> list[Record]:
    """Events whose subject has this text in it, the oldest first."""
    found = bench.emulator.events.records.newest(1000)
    return [one for one in reversed(found) if text in one.event.subject]


def keys_of(name: str, folder: str = ML) -> set[str]:
    return set(sample(folder, "EventGridSchema", name)["data"])


def test_a_job_that_completes_raises_run_completed(bench: Workbench) -> None:
    job = bench.run("true", experimentName="iris", tags={"GITHUB_SHA": "abc"}, properties={"mlflow.source": "git"})
    run = bench.emulator.tracking.run(ids.name_of(job))
    assert run is not None
    (record,) = events_of(bench, run.id)
    event = record.event
    assert event.type == "Microsoft.MachineLearningServices.RunCompleted"
    assert event.source == bench.workspace
    assert event.subject == f"experiments/{run.experiment_id}/runs/{run.id}"
    assert event.data == {
        "experimentId": run.experiment_id,
        "experimentName": "iris",
        "runId": run.id,
        "runType": "azureml.scriptrun",
        "runTags": {"GITHUB_SHA": "abc"},
        "runProperties": {"mlflow.source": "git"},
    }
    if SAMPLES.exists():
        assert event.data.keys() == keys_of("run_completed")


def test_a_job_that_fails_raises_run_status_changed(bench: Workbench) -> None:
    job = bench.run("exit 3")
    (record,) = events_of(bench, ids.name_of(job))
    assert record.event.type == "Microsoft.MachineLearningServices.RunStatusChanged"
    assert record.event.data["runStatus"] == "failed"
    if SAMPLES.exists():
        assert record.event.data.keys() == keys_of("run_status_changed")


def test_a_job_that_is_canceled_raises_nothing(bench: Workbench) -> None:
    job = bench.submit("sleep 60")
    bench.wait(job, "Running")
    bench.emulator.jobs.cancel(job)
    bench.wait(job)
    assert events_of(bench, ids.name_of(job)) == []


def test_a_sweep_and_its_trials_each_raise_one(bench: Workbench) -> None:
    trial = {
        "command": "python train.py ${{search_space.rate}}",
        "codeId": bench.code({"train.py": "print('metric')"}),
        "environmentId": bench.environment(),
    }
    sweep = {
        "jobType": "Sweep",
        "status": "NotStarted",
        "trial": trial,
        "objective": {"goal": "Maximize", "primaryMetric": "accuracy"},
        "searchSpace": {"rate": ["choice", [[1, 2]]]},
        "samplingAlgorithm": {"samplingAlgorithmType": "Grid"},
        "limits": {"jobLimitsType": "Sweep", "maxTotalTrials": 2, "maxConcurrentTrials": 2},
    }
    job = f"{bench.workspace}/jobs/sweep_events"
    bench.emulator.resources.put(job, {"properties": sweep})
    bench.emulator.jobs.submit(job)
    bench.wait(job, seconds=120)
    family = {child.id for child in bench.emulator.tracking.children("sweep_events")} | {"sweep_events"}
    assert len(family) == 3
    told = [one.event for run in family for one in events_of(bench, f"/runs/{run}") if one.event.data["runId"] == run]
    assert {event.data["runId"] for event in told} == family
    assert len(told) == 3


def test_a_model_that_is_registered_raises_one_event_and_its_update_none(grid: Grid) -> None:
    grid.topic()
    place = "azureml-blobstore-11111111-aaaa-4bbb-8ccc-222222222222"
    grid.emulator.blobs.put(place, "models/iris/model.pkl", b"model")
    version = f"{grid.workspace}/models/iris/versions/20"
    body = {
        "properties": {
            "modelUri": "azureml://datastores/workspaceblobstore/paths/models/iris",
            "tags": {"stage": "candidate"},
            "properties": {"type": "test"},
        }
    }
    assert grid.ask("PUT", version, body).status == 201
    assert grid.ask("PUT", version, body).status == 200
    (record,) = grid.emulator.events.records.newest(10, "ModelRegistered")
    assert record.event.subject == "models/iris:20"
    assert record.event.data == {
        "ModelName": "iris",
        "ModelVersion": 20,
        "ModelTags": {"stage": "candidate"},
        "ModelProperties": {"type": "test"},
    }
    if SAMPLES.exists():
        assert record.event.data.keys() == keys_of("model_registered")


def test_other_assets_raise_nothing(grid: Grid) -> None:
    grid.topic()
    uri = "azureml://datastores/workspaceblobstore/paths/table.csv"
    body = {"properties": {"dataUri": uri, "dataType": "uri_file"}}
    assert grid.ask("PUT", f"{grid.workspace}/data/table/versions/1", body).status == 201
    assert grid.emulator.events.records.newest(10) == []


# ---------------------------------------------------------------- blobs


Blob = Callable[..., Reply]


@pytest.fixture
def blob(grid: Grid) -> Blob:
    """`blob(method, name, body, query, **headers)`: a signed request to the blob service about a blob of the lake."""
    grid.container("training")
    service = BlobService(grid.emulator)
    key = grid.emulator.accounts.key("lake")
    assert key is not None

    def ask(method: str, name: str, body: bytes = b"", query: dict[str, str] | None = None, **headers: str) -> Reply:
        signed = blob_sas("lake", key, "training", name, "rcwd", 3600)
        named = {"x-ms-blob-type": "BlockBlob", **{key.replace("_", "-"): value for key, value in headers.items()}}
        path = f"/lake/training/{name}"
        return service.handle(Call(method, path, path, {**signed, **(query or {})}, "", named, body))

    return ask


def test_a_blob_that_is_written_and_deleted_raises_two_events(grid: Grid, blob: Blob) -> None:
    grid.topic(grid.account, "lake-topic")
    written = blob("PUT", "data/a b.csv", b"1,2,3", content_type="text/csv", x_ms_client_request_id="mine")
    assert written.status == 201
    deleted = blob("DELETE", "data/a b.csv")
    assert deleted.status == 202
    second, first = grid.emulator.events.records.newest(10)
    assert first.event.source == grid.account
    assert first.event.subject == "/blobServices/default/containers/training/blobs/data/a b.csv"
    assert first.event.type == "Microsoft.Storage.BlobCreated"
    data = first.event.data
    assert (data["api"], data["clientRequestId"]) == ("PutBlob", "mine")
    assert data["requestId"] == written.headers["x-ms-request-id"]
    assert data["eTag"] == written.headers["ETag"].strip('"')
    assert (data["contentType"], data["contentLength"], data["blobType"]) == ("text/csv", 5, "BlockBlob")
    assert data["url"] == f"{grid.emulator.blob_url}/lake/training/data/a%20b.csv"
    assert second.event.type == "Microsoft.Storage.BlobDeleted"
    assert (second.event.data["api"], second.event.data["contentLength"]) == ("DeleteBlob", 5)
    assert len(data["sequencer"]) == len(second.event.data["sequencer"]) == 48
    assert data["sequencer"] < second.event.data["sequencer"]


@needs_samples
def test_their_payload_has_the_keys_of_the_samples(grid: Grid, blob: Blob) -> None:
    grid.topic(grid.account, "lake-topic")
    blob("PUT", "a.csv", b"1", x_ms_client_request_id="mine")
    blob("DELETE", "a.csv")
    second, first = grid.emulator.events.records.newest(10)
    for record, name in ((first, "blob_created"), (second, "blob_deleted")):
        expected = sample(STORAGE, "EventGridSchema", name)["data"]
        assert record.event.data.keys() == expected.keys()
        assert {key: type(value) for key, value in record.event.data.items()} == {
            key: type(value) for key, value in expected.items()
        }


def test_a_blob_of_many_blocks_raises_one_event_when_it_is_whole(grid: Grid, blob: Blob) -> None:
    grid.topic(grid.account, "lake-topic")
    names = [base64.b64encode(f"block-{number}".encode()).decode() for number in range(3)]
    for name in names:
        assert blob("PUT", "big.bin", b"x" * 100, {"comp": "block", "blockid": name}).status == 201
    assert grid.emulator.events.records.newest(10) == []
    listed = "".join(f"<Latest>{name}</Latest>" for name in names)
    assert blob("PUT", "big.bin", f"<BlockList>{listed}</BlockList>".encode(), {"comp": "blocklist"}).status == 201
    (record,) = grid.emulator.events.records.newest(10)
    assert (record.event.data["api"], record.event.data["contentLength"]) == ("PutBlockList", 300)


def test_blobs_of_other_accounts_and_deleted_containers_raise_nothing(grid: Grid, blob: Blob) -> None:
    grid.topic(grid.account, "lake-topic")
    blob("PUT", "a.csv", b"1")
    grid.emulator.blobs.put("azureml-blobstore-11111111-aaaa-4bbb-8ccc-222222222222", "other", b"2")
    grid.emulator.blobs.delete_container("training")
    assert [one.event.type for one in grid.emulator.events.records.newest(10)] == ["Microsoft.Storage.BlobCreated"]


def test_a_write_that_is_refused_raises_nothing(grid: Grid, blob: Blob) -> None:
    grid.topic(grid.account, "lake-topic")
    assert blob("PUT", "a.csv", b"1", if_match="never").status == 412
    assert grid.emulator.events.records.newest(10) == []


def test_where_nobody_listens_nothing_is_kept(grid: Grid, blob: Blob) -> None:
    for number in range(50):
        blob("PUT", f"{number}.csv", b"1")
    assert grid.emulator.events.records.total() == 0
    assert not grid.emulator.events.anything_heard("Microsoft.Storage/storageAccounts")
