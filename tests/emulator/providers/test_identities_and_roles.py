"""Managed identities, federated credentials and role assignments."""

from __future__ import annotations

import uuid

import pytest
from emulator.providers import bodies

from aml_emulator.http import ServiceError

IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities/id-func"
OWNER_OF_BLOBS = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
READER_OF_BLOBS = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
PRINCIPAL = "00000000-0000-0000-0000-000000000001"
NAME = "520f8434-fe3a-5d99-888d-450a827486a1"
ASSIGNMENTS = "providers/Microsoft.Authorization/roleAssignments"


@pytest.fixture
def account(local) -> str:
    return local.put("Microsoft.Storage/storageAccounts/stexample", bodies.STORAGE)["id"]


def test_an_identity_has_a_principal_for_its_life(local) -> None:
    made = local.put(IDENTITY, bodies.IDENTITY)["properties"]
    for name in ("principalId", "clientId", "tenantId"):
        assert uuid.UUID(made[name])
    assert local.put(IDENTITY, bodies.IDENTITY)["properties"] == made


def test_a_workflow_is_trusted_once(local) -> None:
    local.put(IDENTITY, bodies.IDENTITY)
    path = f"{IDENTITY}/federatedIdentityCredentials"
    made = local.put(f"{path}/gh-main", bodies.FEDERATED)
    assert made["properties"] == bodies.FEDERATED["properties"]
    assert local.put(f"{path}/gh-main", bodies.FEDERATED)["properties"] == made["properties"]
    with pytest.raises(ServiceError) as refused:
        local.put(f"{path}/gh-again", bodies.FEDERATED)
    assert (refused.value.status, refused.value.code) == (409, "Conflict")
    two = {"properties": {**bodies.FEDERATED["properties"], "subject": "s", "audiences": ["a", "b"]}}
    for name, body in (("x", bodies.FEDERATED), ("gh-two", two), ("gh-none", {"properties": {}})):
        with pytest.raises(ServiceError) as refused:
            local.put(f"{path}/{name}", body)
        assert refused.value.status == 400


def test_an_identity_trusts_at_most_twenty(local) -> None:
    local.put(IDENTITY, bodies.IDENTITY)
    bodies_of = [{"properties": {**bodies.FEDERATED["properties"], "subject": f"s{n}"}} for n in range(21)]
    for number, body in enumerate(bodies_of[:20]):
        local.put(f"{IDENTITY}/federatedIdentityCredentials/c-{number:02}", body)
    with pytest.raises(ServiceError, match="at most 20"):
        local.put(f"{IDENTITY}/federatedIdentityCredentials/c-20", bodies_of[20])


def test_a_role_is_assigned_once_and_never_changed(local, account: str) -> None:
    made = local.call("PUT", f"{account}/{ASSIGNMENTS}/{NAME}", bodies.role(OWNER_OF_BLOBS, PRINCIPAL))
    assert made.status == 201
    properties = made.body["properties"]
    assert properties["scope"] == account
    assert properties["roleDefinitionId"] == (
        f"/subscriptions/{local.subscription}/providers/Microsoft.Authorization/roleDefinitions/{OWNER_OF_BLOBS}"
    )
    again = local.call("PUT", f"{account}/{ASSIGNMENTS}/{NAME}", bodies.role(OWNER_OF_BLOBS, PRINCIPAL))
    assert (again.status, again.body["properties"]) == (200, properties)
    for change in (bodies.role(READER_OF_BLOBS, PRINCIPAL), bodies.role(OWNER_OF_BLOBS, NAME)):
        with pytest.raises(ServiceError) as refused:
            local.call("PUT", f"{account}/{ASSIGNMENTS}/{NAME}", change)
        assert (refused.value.status, refused.value.code) == (400, "RoleAssignmentUpdateNotPermitted")
    with pytest.raises(ServiceError) as refused:
        local.call("PUT", f"{account}/{ASSIGNMENTS}/{uuid.uuid4()}", bodies.role(OWNER_OF_BLOBS, PRINCIPAL))
    assert (refused.value.status, refused.value.code) == (409, "RoleAssignmentExists")
    assert NAME.replace("-", "") in refused.value.message


def test_what_the_service_refuses_of_an_assignment(local, account: str) -> None:
    good = bodies.role(OWNER_OF_BLOBS, PRINCIPAL)
    for name, body, code in (
        ("no-guid", good, "InvalidRoleAssignmentId"),
        (NAME, bodies.role(str(uuid.uuid4()), PRINCIPAL), "RoleDefinitionDoesNotExist"),
        (NAME, bodies.role(OWNER_OF_BLOBS, "me"), "InvalidPrincipalId"),
        (NAME, {"properties": {**good["properties"], "principalType": "Robot"}}, "InvalidRequestContent"),
        (NAME, {"properties": {}}, "InvalidRequestContent"),
    ):
        with pytest.raises(ServiceError) as refused:
            local.call("PUT", f"{account}/{ASSIGNMENTS}/{name}", body)
        assert (refused.value.status, refused.value.code) == (400, code)
    with pytest.raises(ServiceError) as refused:
        local.call("PUT", f"{account}x/{ASSIGNMENTS}/{NAME}", good)
    assert (refused.value.status, refused.value.code) == (404, "ResourceNotFound")


def test_assignments_are_listed_at_above_and_below_a_scope(rest, make, home) -> None:
    from urllib.parse import quote

    account = make(f"Microsoft.Storage/storageAccounts/st{uuid.uuid4().hex[:12]}", bodies.STORAGE)["id"]
    principals = [str(uuid.uuid4()), str(uuid.uuid4())]
    for scope, principal in ((account, principals[0]), (home, principals[1])):
        put = rest("PUT", f"{scope}/{ASSIGNMENTS}/{uuid.uuid4()}", json=bodies.role(OWNER_OF_BLOBS, principal))
        assert put.status_code == 201, put.text

    def listed(scope: str, **query: str) -> set[str]:
        found = rest("GET", f"{quote(scope)}/{ASSIGNMENTS}", **query).json()["value"]
        return {item["properties"]["principalId"] for item in found} & set(principals)

    assert listed(account) == set(principals)
    assert listed(home) == set(principals)
    assert listed(home, **{"$filter": "atScope()"}) == {principals[1]}
    assert listed(account, **{"$filter": f"principalId eq '{principals[0]}'"}) == {principals[0]}
    assert rest("GET", f"{home}/{ASSIGNMENTS}", **{"$filter": "name eq 'x'"}).status_code == 501


def test_a_role_is_found_by_its_name(rest, home) -> None:
    path = f"{home}/providers/Microsoft.Authorization/roleDefinitions"
    (found,) = rest("GET", path, **{"$filter": "roleName eq 'Storage Blob Data Owner'"}).json()["value"]
    assert found["name"] == OWNER_OF_BLOBS
    assert rest("GET", f"{path}/{OWNER_OF_BLOBS}").json()["properties"]["roleName"] == "Storage Blob Data Owner"
    assert len(rest("GET", path).json()["value"]) > 30


def test_another_subscription_is_not_here(rest) -> None:
    other = f"/subscriptions/{uuid.uuid4()}/{ASSIGNMENTS}"
    assert rest("GET", other).json()["error"]["code"] == "SubscriptionNotFound"
