"""The blob service, by the real storage client: uploads, listings, and who may do what."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from support.emulator import RunningEmulator

from aml_emulator.blobs import BlobStore
from aml_emulator.database import Database

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.storage.blob import BlobServiceClient, ContainerClient


@dataclass(frozen=True)
class Store:
    """The storage account of a workspace, as its datastore describes it."""

    account: str
    key: str
    container: str
    url: str
    emulator: RunningEmulator

    def service(self, credential: object | None = None) -> BlobServiceClient:
        from azure.storage.blob import BlobServiceClient

        return BlobServiceClient(self.url, credential=credential or self.key)

    def plain(self, blob: str) -> str:
        return f"{self.emulator.blob_url}/{self.account}/{self.container}/{blob}"


@pytest.fixture(scope="module")
def store(ml: MLClient, emulator: RunningEmulator, rest: Callable[..., requests.Response], workspace_id: str) -> Store:
    datastore = ml.datastores.get_default(include_secrets=True)
    metadata = requests.get(
        emulator.env["ARM_CLOUD_METADATA_URL"], verify=emulator.env["REQUESTS_CA_BUNDLE"], timeout=60
    ).json()[0]
    return Store(
        account=datastore.account_name,
        key=datastore.credentials.account_key,
        container=datastore.container_name,
        url=f"https://{datastore.account_name}.blob.{metadata['suffixes']['storage']}",
        emulator=emulator,
    )


@pytest.fixture
def container(store: Store) -> ContainerClient:
    return store.service().get_container_client(store.container)


@pytest.mark.parametrize(
    "name",
    [
        "plain.txt",
        "folder/with space/ünïcode-Grüße.txt",
        "a+b&c=d%41?.bin",
        "dots/..hidden/...txt",
        "tilde~(1)'!*.txt",
    ],
)
def test_a_blob_comes_back_as_it_was_under_any_name(container: ContainerClient, name: str) -> None:
    content = os.urandom(1000)
    container.upload_blob(name, content, overwrite=True, metadata={"colour": "blue"})
    blob = container.get_blob_client(name)
    assert blob.download_blob().readall() == content
    properties = blob.get_blob_properties()
    assert (properties.size, properties.metadata) == (1000, {"colour": "blue"})
    assert name in [item.name for item in container.list_blobs()]
    blob.delete_blob()
    assert not blob.exists()


def test_an_empty_file_is_a_blob_too(container: ContainerClient) -> None:
    container.upload_blob("empty.txt", b"", overwrite=True)
    assert container.get_blob_client("empty.txt").download_blob().readall() == b""


def test_a_file_uploaded_in_blocks_is_whole(container: ContainerClient) -> None:
    from azure.storage.blob import BlobServiceClient

    content = os.urandom(9 * 1024 * 1024 + 17)
    service = BlobServiceClient(
        container.url.rsplit("/", 1)[0],
        credential=container.credential,
        max_single_put_size=1024 * 1024,
        max_block_size=2 * 1024 * 1024,
        max_single_get_size=1024 * 1024,
        max_chunk_get_size=1024 * 1024,
    )
    blob = service.get_blob_client(container.container_name, "blocks.bin")
    blob.upload_blob(content, max_concurrency=4, overwrite=True)
    assert blob.download_blob(max_concurrency=4).readall() == content


def test_many_clients_upload_the_same_20_mb_at_once(store: Store) -> None:
    contents = [os.urandom(20 * 1024 * 1024) for _ in range(3)]

    def upload(number: int) -> str:
        blob = store.service().get_blob_client(store.container, "shared.bin")
        blob.upload_blob(contents[number], overwrite=True, max_concurrency=2)
        own = store.service().get_blob_client(store.container, f"own-{number}.bin")
        own.upload_blob(contents[number], overwrite=True, max_concurrency=2)
        return hashlib.sha256(own.download_blob(max_concurrency=2).readall()).hexdigest()

    with ThreadPoolExecutor(3) as pool:
        digests = list(pool.map(upload, range(3)))
    assert digests == [hashlib.sha256(content).hexdigest() for content in contents]
    shared = store.service().get_blob_client(store.container, "shared.bin").download_blob().readall()
    assert hashlib.sha256(shared).hexdigest() in digests  # one of them, whole: never a mixture


def test_a_blob_is_read_while_it_is_overwritten(store: Store, container: ContainerClient) -> None:
    """Each answer is one version, whole: nobody is told to come again, and nobody sees the emulator fail."""
    from azure.storage.blob import BlobServiceClient

    versions = [bytes([number]) * 2000 for number in range(200)]
    container.upload_blob("busy/blob.bin", versions[0], overwrite=True)
    service = BlobServiceClient(store.url, credential=store.key, retry_total=0)  # a retry would hide a failure
    impatient = service.get_container_client(store.container)
    busy = impatient.get_blob_client("busy/blob.bin")
    with ThreadPoolExecutor(8) as pool:
        writing = [
            pool.submit(lambda part: [busy.upload_blob(one, overwrite=True) for one in part], versions[writer::3])
            for writer in range(3)
        ]
        done = [False]
        reading = [
            pool.submit(_again_and_again, read, done)
            for read in (
                lambda: busy.download_blob().readall() in versions,
                lambda: busy.download_blob(offset=1000, length=500).readall() in [one[:500] for one in versions],
                lambda: busy.get_blob_properties().size == 2000,
                lambda: [item.size for item in impatient.list_blobs("busy/")] == [2000],
            )
        ]
        try:
            for writer in writing:
                writer.result()
        finally:
            done[0] = True
        assert [answers.result() for answers in reading] == [{True}] * 4


def _again_and_again(read: Callable[[], bool], done: list[bool]) -> set[bool]:
    found = {read()}
    while not done[0]:
        found.add(read())
    return found


def test_the_file_of_a_replaced_blob_outlives_its_readers_and_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(tmp_path / "database")
    blobs = BlobStore(tmp_path / "blobs", database)
    first = blobs.put("c", "a", b"first")
    second = blobs.put("c", "a", b"second")
    assert first.read() == b"first"
    assert blobs.delete("c", "a")
    assert second.size == len(b"second")
    monkeypatch.setattr("aml_emulator.blobs.KEPT_SECONDS", -1.0)
    blobs.put("c", "b", b"x")
    blobs.delete("c", "b")
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []
    monkeypatch.undo()
    blobs.put("c", "d", b"x")
    blobs.delete_container("c")
    BlobStore(tmp_path / "blobs", database)  # the next start of the emulator
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []
    database.close()


def test_a_client_that_must_not_overwrite_does_not(container: ContainerClient) -> None:
    from azure.core.exceptions import ResourceExistsError

    container.upload_blob("once.txt", b"first", overwrite=True)
    with pytest.raises(ResourceExistsError):
        container.upload_blob("once.txt", b"second")
    assert container.download_blob("once.txt").readall() == b"first"


def test_folders_and_pages_of_a_listing(container: ContainerClient) -> None:
    for name in ("list/a.txt", "list/b/1.txt", "list/b/2.txt", "list/c&d.txt"):
        container.upload_blob(name, b"x", overwrite=True, metadata={"k": "v<1>"})
    walked = sorted(item.name for item in container.walk_blobs("list/"))
    assert walked == ["list/a.txt", "list/b/", "list/c&d.txt"]
    paged = container.list_blobs("list/", results_per_page=1, include=["metadata"])
    assert [(item.name, item.metadata) for item in paged] == [
        (name, {"k": "v<1>"}) for name in ("list/a.txt", "list/b/1.txt", "list/b/2.txt", "list/c&d.txt")
    ]


def test_a_range_beyond_the_end_is_told(container: ContainerClient) -> None:
    from azure.core.exceptions import HttpResponseError

    container.upload_blob("range.txt", b"0123456789", overwrite=True)
    blob = container.get_blob_client("range.txt")
    assert blob.download_blob(offset=3, length=4).readall() == b"3456"
    assert blob.download_blob(offset=8, length=100).readall() == b"89"
    with pytest.raises(HttpResponseError) as refused:
        blob.download_blob(offset=10).readall()
    assert (refused.value.status_code, refused.value.error_code) == (416, "InvalidRange")


def test_a_wrong_account_key_opens_nothing(store: Store) -> None:
    from azure.core.exceptions import ClientAuthenticationError

    wrong = "d3Jvbmc="
    with pytest.raises(ClientAuthenticationError) as refused:
        store.service(wrong).get_container_client(store.container).upload_blob("x", b"x")
    assert (refused.value.status_code, refused.value.error_code) == (403, "AuthenticationFailed")


def test_nobody_reads_without_credentials(store: Store, container: ContainerClient) -> None:
    container.upload_blob("secret.txt", b"x", overwrite=True)
    answer = requests.get(store.plain("secret.txt"), verify=store.emulator.env["REQUESTS_CA_BUNDLE"], timeout=60)
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (401, "NoAuthenticationInformation")


def test_an_entra_token_for_storage_opens_the_store(store: Store, variables: dict[str, str]) -> None:
    from azure.core.credentials import AccessToken
    from azure.identity import DefaultAzureCredential

    service = store.service(DefaultAzureCredential())
    service.get_blob_client(store.container, "bearer.txt").upload_blob(b"by token", overwrite=True)
    assert service.get_blob_client(store.container, "bearer.txt").download_blob().readall() == b"by token"

    class ForArm:
        def get_token(self, *scopes: str, **options: object) -> AccessToken:
            return DefaultAzureCredential().get_token(f"{store.emulator.base_url}/.default")

    from azure.core.exceptions import ClientAuthenticationError

    with pytest.raises(ClientAuthenticationError) as refused:
        store.service(ForArm()).get_blob_client(store.container, "bearer.txt").download_blob()
    assert refused.value.error_code == "InvalidAuthenticationInfo"


def _get(store: Store, sas: str, blob: str = "sas.txt", method: str = "GET") -> requests.Response:
    headers = {"x-ms-blob-type": "BlockBlob"} if method == "PUT" else {}
    bundle = store.emulator.env["REQUESTS_CA_BUNDLE"]
    return requests.request(
        method, f"{store.plain(blob)}?{sas}", headers=headers, data=b"new", verify=bundle, timeout=60
    )


def _sas(
    store: Store, permission: str, *, minutes: int = 10, blob: str | None = "sas.txt", key: str | None = None
) -> str:
    from azure.storage.blob import generate_blob_sas, generate_container_sas

    options = {
        "account_name": store.account,
        "account_key": key or store.key,
        "container_name": store.container,
        "permission": permission,
        "expiry": datetime.now(timezone.utc) + timedelta(minutes=minutes),
    }
    return generate_blob_sas(blob_name=blob, **options) if blob else generate_container_sas(**options)


def test_a_shared_access_signature_gives_what_it_says_and_no_more(store: Store, container: ContainerClient) -> None:
    container.upload_blob("sas.txt", b"shared", overwrite=True)
    container.upload_blob("other.txt", b"other", overwrite=True)
    read = _sas(store, "r")
    assert _get(store, read).content == b"shared"
    refusals = {
        "AuthorizationPermissionMismatch": _get(store, read, method="PUT"),
        "AuthenticationFailed": _get(store, read, blob="other.txt"),
    }
    for code, answer in refusals.items():
        assert (answer.status_code, answer.headers["x-ms-error-code"]) == (403, code)
        assert f"<Code>{code}</Code>" in answer.text
    whole = _sas(store, "rl", blob=None)
    assert _get(store, whole).content == b"shared"
    assert _get(store, whole, blob="other.txt").content == b"other"
    assert _get(store, _sas(store, "cw", blob=None), blob="new.txt", method="PUT").status_code == 201


def test_an_expired_a_forged_and_an_altered_signature_are_refused(store: Store, container: ContainerClient) -> None:
    container.upload_blob("sas.txt", b"shared", overwrite=True)
    good = _sas(store, "r")
    bad = {
        "expired": _sas(store, "r", minutes=-5),
        "forged": _sas(store, "r", key="d3Jvbmc="),
        "altered": good.replace("sp=r", "sp=rw"),
        "prolonged": good.replace("se=2026", "se=2036").replace("se=2027", "se=2037"),
        "unsigned": "sig=",
    }
    assert bad["prolonged"] != good
    for what, sas in bad.items():
        answer = _get(store, sas)
        assert (answer.status_code, answer.headers["x-ms-error-code"]) == (403, "AuthenticationFailed"), what
    assert _get(store, good).status_code == 200


def test_an_account_signature_opens_the_account(store: Store, container: ContainerClient) -> None:
    from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas

    container.upload_blob("sas.txt", b"shared", overwrite=True)
    sas = generate_account_sas(
        store.account,
        store.key,
        ResourceTypes(object=True),
        AccountSasPermissions(read=True),
        datetime.now(timezone.utc) + timedelta(minutes=5),
    )
    assert _get(store, sas).content == b"shared"


def test_signatures_do_not_get_into_the_log(store: Store, container: ContainerClient) -> None:
    container.upload_blob("sas.txt", b"shared", overwrite=True)
    sas = _sas(store, "r")
    signature = sas.split("sig=")[1].split("&")[0]
    assert _get(store, sas).status_code == 200
    text = (store.emulator.state / "server.log").read_text()
    assert "sas.txt" in text
    assert signature not in text


def test_containers_of_other_accounts_are_out_of_reach(store: Store) -> None:
    from azure.core.exceptions import ClientAuthenticationError, ResourceNotFoundError

    service = store.service()
    service.create_container("own-container")
    assert store.emulator.blob_url  # the container now belongs to this account
    with pytest.raises(ResourceNotFoundError):
        service.get_container_client("no-such-container").get_container_properties()
    service.delete_container("own-container")
    with pytest.raises(ResourceNotFoundError):
        service.get_container_client("own-container").get_container_properties()
    url = store.url.replace(store.account, "otheraccount", 1)
    from azure.storage.blob import BlobServiceClient

    with pytest.raises(ClientAuthenticationError):
        BlobServiceClient(url, credential=store.key).get_container_client(store.container).get_container_properties()


def test_what_the_blob_service_does_not_do_it_refuses_by_name(store: Store, container: ContainerClient) -> None:
    from azure.core.exceptions import HttpResponseError

    container.upload_blob("sas.txt", b"x", overwrite=True)
    with pytest.raises(HttpResponseError) as refused:
        container.get_blob_client("sas.txt").create_snapshot()
    assert (refused.value.status_code, refused.value.error_code) == (501, "NotEmulated")
    with pytest.raises(HttpResponseError) as refused:
        container.get_blob_client("pages").create_page_blob(512)
    assert refused.value.status_code == 501
