from __future__ import annotations

from aml_emulator.ml.datastores import containers


def test_a_model_shows_its_tags_source_files_and_where_it_is_deployed(studio) -> None:
    studio.add_job("brave_river")
    studio.add_artifact("brave_river", "outputs/model.pkl", b"pickle")
    studio.add_model(
        "iris",
        "1",
        "azureml://jobs/brave_river/outputs/artifacts/paths/outputs/model.pkl",
        description="Flowers",
        tags={"framework": "scikitlearn"},
        properties={"Accuracy": "0.974"},
    )
    studio.add_model("iris", "2", "azureml://jobs/brave_river/outputs/artifacts/paths/outputs/")
    studio.add_endpoint("iris-prod", {})
    studio.add_deployment("iris-prod", "blue", model=f"{studio.workspace}/models/iris/versions/1")
    page = studio.page("/models/iris/1")
    for words in (
        "Flowers",
        "framework scikitlearn",
        "Accuracy 0.974",
        "model.pkl 6 B",
        "version 2",
        "iris-prod / blue",
    ):
        assert words in page.text
    assert {"/runs/brave_river", "/endpoints/iris-prod", "/models/iris/2?workspace=mlops"} <= page.links


def test_a_model_that_is_one_file_or_a_folder_can_be_fetched(studio) -> None:
    store = containers(studio.emulator, studio.workspace).blobstore
    studio.emulator.blobs.put(store, "models/one.pkl", b"one")
    studio.emulator.blobs.put(store, "models/folder/MLmodel", b"flavors:")
    studio.add_model("file", "1", "azureml://datastores/workspaceblobstore/paths/models/one.pkl")
    studio.add_model("folder", "1", "azureml://datastores/workspaceblobstore/paths/models/folder/")
    reply = studio.get("/models/file/1/files/one.pkl?workspace=mlops")
    assert reply.encoded() == b"one"
    assert reply.headers["Content-Disposition"].startswith("attachment")
    reply = studio.get("/models/folder/1/files/MLmodel")
    assert (reply.encoded(), reply.headers["Content-Disposition"]) == (b"flavors:", "inline")
    studio.page("/models/folder/1/files/absent", 404)


def test_a_model_whose_files_are_elsewhere_still_has_a_page(studio) -> None:
    studio.add_model("remote", "1", "https://elsewhere.example/models/x")
    assert "This emulator holds no files of the model." in studio.page("/models/remote/1").text


def test_models_of_the_same_name_in_two_workspaces_are_kept_apart(studio) -> None:
    studio.add_model("iris", "1", "azureml://datastores/workspaceblobstore/paths/x", description="first")
    studio.workspace = studio.add_workspace("other")
    studio.add_model("iris", "1", "azureml://datastores/workspaceblobstore/paths/x", description="second")
    assert "first" in studio.page("/models/iris/1?workspace=mlops").text
    assert "second" in studio.page("/models/iris/1?workspace=other").text
    assert {"/models/iris/1?workspace=mlops", "/models/iris/1?workspace=other"} <= studio.page("/models").links


def test_the_name_alone_leads_to_the_newest_version(studio) -> None:
    for version in ("1", "2"):
        studio.add_model("iris", version, "azureml://datastores/workspaceblobstore/paths/x")
    reply = studio.get("/models/iris")
    assert (reply.status, reply.headers["Location"]) == (302, "/models/iris/2")
    studio.page("/models/nope", 404)
    studio.page("/models/iris/9", 404)


def test_the_address_that_a_summary_names_leads_to_the_page(studio) -> None:
    studio.add_model("iris", "1", "azureml://datastores/workspaceblobstore/paths/x")
    reply = studio.get(f"/model/iris:1/details?wsid={studio.workspace}&tid=x")
    assert reply.status == 302
    assert "version 1" in studio.page(reply.headers["Location"]).text
