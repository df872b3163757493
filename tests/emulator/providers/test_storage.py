"""Storage accounts as templates make them: their containers keep blobs, their keys open them."""

from __future__ import annotations

import copy
import uuid

import pytest
import requests
from emulator.providers import bodies


def _name() -> str:
    return f"st{uuid.uuid4().hex[:14]}"


def test_an_account_says_where_its_blobs_are_and_gives_its_key(make, rest, home, emulator) -> None:
    name = _name()
    path = f"Microsoft.Storage/storageAccounts/{name}"
    made = make(path, bodies.STORAGE)
    assert made["type"] == "Microsoft.Storage/storageAccounts"
    assert made["sku"] == {"name": "Standard_LRS", "tier": "Standard"}
    assert made["properties"].items() >= {**bodies.STORAGE["properties"], "provisioningState": "Succeeded"}.items()
    assert made["properties"]["primaryEndpoints"] == {"blob": f"{emulator.blob_url}/{name}/"}
    key = rest("POST", f"{home}/providers/{path}/listkeys").json()["keys"][0]
    assert (key["keyName"], len(key["value"])) == ("key1", 88)
    again = make(path, bodies.STORAGE)
    assert {**again, "systemData": None} == {**made, "systemData": None}, "a second deployment changes nothing"


def test_a_container_of_a_template_takes_blobs_through_azures_own_client(make, rest, home, emulator, variables) -> None:
    from azure.storage.blob import BlobServiceClient

    name = _name()
    path = f"Microsoft.Storage/storageAccounts/{name}"
    make(path, bodies.STORAGE)
    make(f"{path}/blobServices/default", bodies.BLOB_SERVICE)
    container = make(f"{path}/blobServices/default/containers/deadletter", bodies.CONTAINER)
    assert container["type"] == "Microsoft.Storage/storageAccounts/blobServices/containers"
    endpoint = rest("GET", f"{home}/providers/{path}").json()["properties"]["primaryEndpoints"]["blob"]
    key = rest("POST", f"{home}/providers/{path}/listKeys").json()["keys"][0]["value"]
    client = BlobServiceClient(endpoint, credential={"account_name": name, "account_key": key})
    blob = client.get_blob_client("deadletter", "a/b.json")
    blob.upload_blob(b"{}")
    assert blob.download_blob().readall() == b"{}"
    client.create_container("by-hand")
    listed = rest("GET", f"{home}/providers/{path}/blobServices/default/containers").json()["value"]
    assert {item["name"] for item in listed} == {"deadletter", "by-hand"}
    client.delete_container("by-hand")
    assert rest("GET", f"{home}/providers/{path}/blobServices/default/containers/by-hand").status_code == 404


def test_two_accounts_have_a_container_of_the_same_name(make, rest, home, variables) -> None:
    """The template is deployed twice on one emulator: each account keeps its own dead letters."""
    from azure.storage.blob import BlobServiceClient

    texts, clients = {}, {}
    for text in (b"first", b"second"):
        name = _name()
        path = f"Microsoft.Storage/storageAccounts/{name}"
        endpoint = make(path, bodies.STORAGE)["properties"]["primaryEndpoints"]["blob"]
        make(f"{path}/blobServices/default/containers/same-name", bodies.CONTAINER)
        key = rest("POST", f"{home}/providers/{path}/listKeys").json()["keys"][0]["value"]
        clients[name] = BlobServiceClient(endpoint, credential={"account_name": name, "account_key": key})
        clients[name].get_blob_client("same-name", "letter").upload_blob(text)
        texts[name] = text
    for name, client in clients.items():
        assert client.get_blob_client("same-name", "letter").download_blob().readall() == texts[name]
        assert [item.name for item in client.get_container_client("same-name").list_blobs()] == ["letter"]
    first, second = clients
    assert rest("DELETE", f"{home}/providers/Microsoft.Storage/storageAccounts/{first}").status_code == 200
    assert clients[second].get_blob_client("same-name", "letter").download_blob().readall() == texts[second]


def test_a_key_of_one_account_does_not_open_the_other(make, rest, home, variables) -> None:
    from azure.core.exceptions import HttpResponseError
    from azure.storage.blob import BlobServiceClient

    names = [_name(), _name()]
    endpoints = [
        make(f"Microsoft.Storage/storageAccounts/{name}", bodies.STORAGE)["properties"]["primaryEndpoints"]["blob"]
        for name in names
    ]
    make(f"Microsoft.Storage/storageAccounts/{names[0]}/blobServices/default/containers/private-one", bodies.CONTAINER)
    key = rest("POST", f"{home}/providers/Microsoft.Storage/storageAccounts/{names[1]}/listKeys").json()["keys"][0]
    client = BlobServiceClient(endpoints[0], credential={"account_name": names[1], "account_key": key["value"]})
    with pytest.raises(HttpResponseError) as refused:
        client.get_blob_client("private-one", "x").upload_blob(b"x")
    assert refused.value.status_code == 403


def test_lifecycle_rules_are_kept(make) -> None:
    path = f"Microsoft.Storage/storageAccounts/{_name()}"
    make(path, bodies.STORAGE)
    rule = {
        "name": "forget",
        "enabled": True,
        "type": "Lifecycle",
        "definition": {
            "filters": {"blobTypes": ["blockBlob"], "prefixMatch": ["claims/"]},
            "actions": {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": 7}}},
        },
    }
    made = make(f"{path}/managementPolicies/default", {"properties": {"policy": {"rules": [rule]}}})
    assert made["properties"]["policy"] == {"rules": [rule]}


@pytest.mark.parametrize(
    ("path", "changes", "code", "text"),
    [
        ("Microsoft.Storage/storageAccounts/Bad-Name", {}, "AccountNameInvalid", "Bad-Name"),
        ("Microsoft.Storage/storageAccounts/stgood", {"sku": None}, "InvalidRequestContent", "body.sku"),
        ("Microsoft.Storage/storageAccounts/stgood", {"kind": "Blobby"}, "InvalidRequestContent", "Blobby"),
        ("Microsoft.Storage/storageAccounts/stgood", {"location": None}, "LocationRequired", "location"),
        (
            "Microsoft.Storage/storageAccounts/stgood",
            {"location": "moon"},
            "LocationNotAvailableForResourceType",
            "moon",
        ),
        (
            "Microsoft.Storage/storageAccounts/stgood",
            {"properties": {"minimumTlsVersion": "TLS0"}},
            "InvalidRequestContent",
            "properties.minimumTlsVersion",
        ),
        (
            "Microsoft.Storage/storageAccounts/nowhere/blobServices/default",
            {},
            "ParentResourceNotFound",
            "storageAccounts/nowhere",
        ),
    ],
)
def test_what_the_service_refuses(refused, path: str, changes: dict[str, object], code: str, text: str) -> None:
    body = {key: value for key, value in {**copy.deepcopy(bodies.STORAGE), **changes}.items() if value is not None}
    status, found, message = refused(path, body)
    assert (found, text in message) == (code, True), (status, found, message)


def test_words_are_taken_in_any_case_and_given_back_as_azure_spells_them(make) -> None:
    body = {**bodies.STORAGE, "kind": "storagev2", "sku": {"name": "standard_lrs"}, "location": "West Europe"}
    made = make(f"Microsoft.Storage/storageAccounts/{_name()}", body)
    assert (made["kind"], made["sku"]["name"], made["location"]) == ("StorageV2", "Standard_LRS", "westeurope")


def test_a_name_that_another_group_has_taken(make, refused, rest, emulator) -> None:
    name = _name()
    make(f"Microsoft.Storage/storageAccounts/{name}", bodies.STORAGE)
    other = f"/subscriptions/{emulator.identity['subscriptionId']}/resourceGroups/rg-{uuid.uuid4().hex[:8]}"
    rest("PUT", other, json={"location": "westeurope"})
    answer: requests.Response = rest(
        "PUT", f"{other}/providers/Microsoft.Storage/storageAccounts/{name}", json=bodies.STORAGE
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "StorageAccountAlreadyTaken")
    moved = refused(f"Microsoft.Storage/storageAccounts/{name}", {**bodies.STORAGE, "location": "northeurope"})
    assert moved[:2] == (409, "InvalidResourceLocation")
