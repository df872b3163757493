"""Environments, code, models, data and datastores, by the real SDK."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from support.emulator import RunningEmulator

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

Rest = Callable[..., requests.Response]

CONDA = "name: test\ndependencies:\n  - python=3.11\n  - pip:\n      - numpy\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "train.py").write_text("print('hello')\n")
    (folder / "sub").mkdir()
    (folder / "sub" / "data.txt").write_text("data")
    return folder


def _conda(tmp_path: Path, text: str = CONDA) -> Path:
    path = tmp_path / "environment.yml"
    path.write_text(text)
    return path


def test_an_environment_keeps_its_conda_file_and_counts_its_versions(ml: MLClient, tmp_path: Path) -> None:
    from azure.ai.ml.entities import Environment

    def wanted(text: str) -> Environment:
        return Environment(name="counted", image="ubuntu", conda_file=_conda(tmp_path, text))

    assert ml.environments.create_or_update(wanted(CONDA)).version == "1"
    assert ml.environments.create_or_update(wanted(CONDA + "      - scipy\n")).version == "2"
    first = ml.environments.get("counted", version="1")
    assert first.conda_file["dependencies"] == ["python=3.11", {"pip": ["numpy"]}]
    assert ml.environments.get("counted", label="latest").version == "2"
    assert [item.version for item in ml.environments.list("counted")] == ["2", "1"]
    ml.environments.archive("counted", version="1")
    assert [item.version for item in ml.environments.list("counted")] == ["2"]


def test_an_environment_version_never_changes(ml: MLClient, tmp_path: Path) -> None:
    from azure.ai.ml.entities import Environment
    from azure.core.exceptions import HttpResponseError

    def wanted(text: str) -> Environment:
        return Environment(name="fixed", version="1", image="ubuntu", conda_file=_conda(tmp_path, text))

    ml.environments.create_or_update(wanted(CONDA))
    ml.environments.create_or_update(wanted(CONDA))
    with pytest.raises(HttpResponseError, match=r"fixed:1 already exists.*condaFile"):
        ml.environments.create_or_update(wanted(CONDA + "      - scipy\n"))


def test_a_conda_file_that_is_not_yaml_is_refused(rest: Rest, workspace_id: str) -> None:
    body = {"properties": {"image": "ubuntu", "condaFile": "a: [1,\n"}}
    answer = rest("PUT", f"{workspace_id}/environments/broken/versions/1", json=body)
    assert answer.status_code == 400
    assert "not valid YAML" in answer.json()["error"]["message"]


def test_the_same_code_is_uploaded_once(
    ml: MLClient, emulator: RunningEmulator, rest: Rest, workspace_id: str, source: Path
) -> None:
    from azure.ai.ml.entities._assets._artifacts.code import Code

    first = ml._code.create_or_update(Code(path=str(source)))
    uploads = (emulator.state / "server.log").read_text().count("src/train.py")
    again = ml._code.create_or_update(Code(path=str(source)))
    assert again.id == first.id
    assert (emulator.state / "server.log").read_text().count("src/train.py") == uploads
    (source / "train.py").write_text("print('changed')\n")
    changed = ml._code.create_or_update(Code(path=str(source)))
    assert changed.id != first.id
    uris = {rest("GET", item.id.removeprefix("azureml:")).json()["properties"]["codeUri"] for item in (first, changed)}
    assert len(uris) == 2


def test_a_code_version_without_files_is_refused(rest: Rest, emulator: RunningEmulator, workspace_id: str) -> None:
    path = f"{workspace_id}/codes/00000000-0000-0000-0000-000000000001/versions/1"
    pending = rest("POST", f"{path}/startPendingUpload", json={"pendingUploadType": "TemporaryBlobReference"}).json()
    uri = pending["blobReferenceForConsumption"]["blobUri"]
    answer = rest("PUT", path, json={"properties": {"codeUri": f"{uri}/src"}})
    assert answer.status_code == 400
    answer = rest("PUT", path, json={"properties": {"codeUri": "https://elsewhere.blob.core.windows.net/c/src"}})
    assert answer.status_code == 501
    answer = rest("PUT", path, json={"properties": {"codeUri": f"{emulator.blob_url}/no-such/src"}})
    assert answer.status_code == 404


def test_a_model_is_registered_from_a_folder_and_downloaded(ml: MLClient, source: Path, tmp_path: Path) -> None:
    from azure.ai.ml.entities import Model

    made = ml.models.create_or_update(Model(name="folder", path=str(source), tags={"a": "b"}, description="text"))
    assert made.version == "1"
    again = ml.models.create_or_update(Model(name="folder", path=str(source)))
    assert again.version == "2"
    found = ml.models.get("folder", label="latest")
    assert (found.version, ml.models.get("folder", version="1").tags) == ("2", {"a": "b"})
    ml.models.download("folder", "1", download_path=str(tmp_path / "down"))
    assert (tmp_path / "down" / "folder" / "src" / "sub" / "data.txt").read_text() == "data"


def test_a_model_keeps_its_path_but_its_tags_may_change(
    ml: MLClient, source: Path, rest: Rest, workspace_id: str
) -> None:
    from azure.ai.ml.entities import Model

    made = ml.models.create_or_update(Model(name="kept", version="1", path=str(source)))
    made.tags = {"state": "good"}
    assert ml.models.create_or_update(made).tags == {"state": "good"}
    uri = "azureml://datastores/workspaceblobstore/paths/LocalUpload"
    answer = rest("PUT", f"{workspace_id}/models/kept/versions/1", json={"properties": {"modelUri": uri}})
    assert answer.status_code == 409
    assert "kept:1 already exists" in answer.json()["error"]["message"]


def test_a_model_on_a_path_without_files_is_refused(rest: Rest, workspace_id: str) -> None:
    cases = {
        "azureml://datastores/workspaceblobstore/paths/no/such/folder": 400,
        "azureml://datastores/nodatastore/paths/x": 404,
        "azureml://jobs/nojob/outputs/artifacts/paths/outputs": 404,
        "runs:/norun/model": 404,
        "C:/somewhere": 400,
    }
    for uri, status in cases.items():
        answer = rest("PUT", f"{workspace_id}/models/absent/versions/1", json={"properties": {"modelUri": uri}})
        assert answer.status_code == status, (uri, answer.text)
    missing = rest("GET", f"{workspace_id}/models/absent").json()["error"]
    assert missing["details"][0]["code"] == "ModelNotFound"


def test_an_mlflow_model_shows_its_flavors(ml: MLClient, tmp_path: Path, source: Path) -> None:
    from azure.ai.ml.entities import Model
    from azure.core.exceptions import HttpResponseError

    folder = tmp_path / "mlflow_model"
    folder.mkdir()
    (folder / "MLmodel").write_text("flavors:\n  sklearn:\n    sklearn_version: 1.5.0\n")
    made = ml.models.create_or_update(Model(name="flavoured", path=str(folder), type="mlflow_model"))
    assert made.flavors == {"sklearn": {"sklearn_version": "1.5.0"}}
    with pytest.raises(HttpResponseError, match="holds no file 'MLmodel'"):
        ml.models.create_or_update(Model(name="unflavoured", path=str(source), type="mlflow_model"))


def test_data_is_registered_and_found(ml: MLClient, source: Path) -> None:
    from azure.ai.ml.entities import Data

    made = ml.data.create_or_update(Data(name="set", path=str(source / "train.py"), type="uri_file"))
    assert made.version == "1"
    assert ml.data.get("set", label="latest").path == made.path
    assert ml.data.create_or_update(Data(name="set", path=str(source), type="uri_folder")).version == "2"


def test_a_datastore_on_a_container_of_ones_own(ml: MLClient, source: Path) -> None:
    from azure.ai.ml.entities import AccountKeyConfiguration, AzureBlobDatastore, Data
    from azure.core.exceptions import HttpResponseError

    assert sorted(item.name for item in ml.datastores.list()) == ["workspaceartifactstore", "workspaceblobstore"]
    default = ml.datastores.get_default(include_secrets=True)
    assert default.name == "workspaceblobstore"

    def wanted(container: str) -> AzureBlobDatastore:
        key = AccountKeyConfiguration(account_key=default.credentials.account_key)
        return AzureBlobDatastore(
            name="own", account_name=default.account_name, container_name=container, credentials=key
        )

    with pytest.raises(HttpResponseError, match="has no container 'nowhere'"):
        ml.datastores.create_or_update(wanted("nowhere"))
    ml.datastores.create_or_update(wanted(default.container_name))
    made = ml.data.create_or_update(Data(name="owned", path=str(source), type="uri_folder", datastore="own"))
    assert "/datastores/own/" in made.path
    ml.datastores.delete("own")


def test_listings_come_in_pages(ml: MLClient, rest: Rest, emulator: RunningEmulator, workspace_id: str) -> None:
    for number in range(1, 6):
        body = {"properties": {"image": "ubuntu", "condaFile": CONDA}}
        rest("PUT", f"{workspace_id}/environments/paged/versions/{number}", json=body)
    first = rest("GET", f"{workspace_id}/environments/paged/versions", count="2").json()
    assert [item["name"] for item in first["value"]] == ["5", "4"]
    path, _, query = first["nextLink"].removeprefix(emulator.base_url).partition("?")
    parameters = dict(part.split("=") for part in query.replace("%24", "$").split("&"))
    second = rest("GET", path, **parameters).json()
    assert [item["name"] for item in second["value"]] == ["3", "2"]
    newest = rest("GET", f"{workspace_id}/environments/paged/versions", **{"$top": "1", "$orderBy": "createdtime desc"})
    assert [item["name"] for item in newest.json()["value"]] == ["5"]
    assert "nextLink" not in newest.json()
    assert [item.version for item in ml.environments.list("paged")] == ["5", "4", "3", "2", "1"]
