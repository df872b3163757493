"""Code snapshots: where the SDK uploads a source folder, and how it finds one that it uploaded before."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from aml_emulator import blob_service
from aml_emulator.http import Call, Reply, Router, ServiceError
from aml_emulator.ml import datastores
from aml_emulator.ml.assets import AssetKind, AssetRoutes
from aml_emulator.ml.scope import WorkspaceRoutes, missing, page, refused

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource

_UPLOAD_SECONDS = 24 * 3600


def _missing(name: str, version: str | None) -> ServiceError:
    return missing(f"Code {name}:{version} was not found.")


KIND = AssetKind(
    collection="codes",
    immutable=("codeUri",),
    missing=_missing,
)


def register(router: Router, emulator: Emulator) -> None:
    """Routes of code. Those that differ from other assets come first, because the first route that matches wins."""

    def versions(call: Call, workspace: Resource) -> Reply:
        return _by_hash(emulator, call, workspace)

    def start_upload(call: Call, workspace: Resource) -> Reply:
        return _start_upload(emulator, call, workspace)

    def prepare(call: Call, workspace: Resource, properties: dict[str, Any]) -> dict[str, Any]:
        container, prefix = datastores.resolve_uri(emulator, workspace.id, str(properties.get("codeUri")))
        if not emulator.blobs.get(container, prefix) and not emulator.blobs.list(container, f"{prefix}/"):
            raise refused(f"There is no file at the code path '{properties.get('codeUri')}'.", target="codeUri")
        return properties

    routes = WorkspaceRoutes(router, emulator)
    routes.add("GET", "/codes/{name}/versions", versions)
    routes.add("POST", "/codes/{name}/versions/{version}/startPendingUpload", start_upload)
    AssetRoutes(emulator, KIND, prepare).register(router)


def _by_hash(emulator: Emulator, call: Call, workspace: Resource) -> Reply:
    """With `hash`, every code version of the workspace with that content: the name in the path is one that the SDK made up."""
    wanted = call.query.get("hash")
    if wanted is None:
        container_id = f"{workspace.id}/codes/{call.params['name']}"
        return page(emulator, call, [item.body for item in emulator.resources.list(container_id, KIND.version_type)])
    found = []
    for container in emulator.resources.list(workspace.id, KIND.container_type):
        for version in emulator.resources.list(container.id, KIND.version_type):
            if (version.properties.get("properties") or {}).get("hash_sha256") == wanted:
                found.append(version.body)
    return page(emulator, call, found)


def _start_upload(emulator: Emulator, call: Call, workspace: Resource) -> Reply:
    """A container of its own for each snapshot, and a SAS to fill it."""
    guid = str(workspace.properties["workspaceId"])
    snapshot = uuid.uuid5(uuid.UUID(guid), f"{call.params['name'].lower()}/{call.params['version'].lower()}")
    container = f"{guid[:8]}-{snapshot}"
    account_id = str(workspace.properties["storageAccount"])
    account = account_id.rsplit("/", 1)[-1]
    emulator.blobs.create_container(container)
    emulator.accounts.assign(container, account)
    uri = f"{emulator.blob_url}/{account}/{container}"
    return Reply(
        body={
            "pendingUploadId": str(snapshot),
            "pendingUploadType": "TemporaryBlobReference",
            "blobReferenceForConsumption": {
                "blobUri": uri,
                "storageAccountArmId": account_id,
                "credential": {
                    "credentialType": "SAS",
                    "sasUri": blob_service.signed_url(emulator, container, "", _UPLOAD_SECONDS, permissions="rcwl"),
                },
            },
        }
    )
