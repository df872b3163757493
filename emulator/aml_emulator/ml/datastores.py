"""Datastores: a workspace's own two on its storage account, those that users add, and the URIs that name what lies in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from aml_emulator import ids
from aml_emulator.http import Call, Reply, Router, ServiceError, not_emulated
from aml_emulator.ml.scope import WorkspaceRoutes, missing, page, properties_of, refused

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource

ARTIFACT_STORE = "workspaceartifactstore"
BLOB_STORE = "workspaceblobstore"

_TYPE = f"{ids.PROVIDER}/workspaces/datastores"
_NAME = re.compile(r"[a-zA-Z0-9_]{1,255}")
_DATASTORE_URI = re.compile(
    r"azureml://(?:subscriptions/(?P<subscription>[^/]+)/resourcegroups/(?P<group>[^/]+)"
    r"/(?:providers/Microsoft\.MachineLearningServices/)?workspaces/(?P<workspace>[^/]+)/)?"
    r"datastores/(?P<datastore>[^/]+)/(?:paths/)?(?P<path>.*)",
    re.IGNORECASE,
)
_JOB_URI = re.compile(
    r"azureml://jobs/(?P<job>[^/]+)/outputs/(?P<output>[^/]+)(?:/(?:paths/?)?(?P<path>.*))?", re.IGNORECASE
)
_RUN_URI = re.compile(r"runs:/(?P<job>[^/]+)/(?P<path>.*)")
_ASSET_URI = re.compile(r"azureml:(?P<name>[^:/]+):(?P<version>[^:/]+)")
_ASSET_ID = re.compile(
    r"(?:azureml:)?(?P<id>/subscriptions/.+/(?P<collection>models|data|codes)/[^/]+/versions/[^/]+)", re.IGNORECASE
)
_PATH_OF = {"models": "modelUri", "data": "dataUri", "codes": "codeUri"}


@dataclass(frozen=True)
class Containers:
    """The blob containers of a workspace."""

    artifacts: str
    blobstore: str


@dataclass(frozen=True)
class Place:
    """Where a URI leads: a container, a blob name prefix without a slash at its end, and the job it came from."""

    container: str
    prefix: str
    job: str | None = None


def containers(emulator: Emulator, workspace_id: str) -> Containers:
    """The containers of a workspace's own datastores.

    Raises:
        LookupError: there is no such workspace.

    """
    workspace = emulator.resources.get(workspace_id)
    if workspace is None:
        raise LookupError(f"no workspace {workspace_id}")
    guid = workspace.properties["workspaceId"]
    return Containers(artifacts=f"azureml-{guid[:8]}", blobstore=f"azureml-blobstore-{guid}")


def create_defaults(emulator: Emulator, workspace_id: str, account: str, actor: str) -> None:
    """Make a new workspace's containers and its two datastores."""
    found = containers(emulator, workspace_id)
    for name, container, default in (
        (ARTIFACT_STORE, found.artifacts, False),
        (BLOB_STORE, found.blobstore, True),
    ):
        emulator.blobs.create_container(container)
        emulator.accounts.assign(container, account)
        _store(emulator, f"{workspace_id}/datastores/{name}", account, container, actor, default=default)


def resolve_uri(emulator: Emulator, workspace_id: str, uri: str) -> tuple[str, str]:
    """Container and blob name prefix (without a slash at its end) that a URI names.

    Understands `azureml://datastores/<d>/paths/<p>`, the long form with subscription, group and workspace,
    `azureml://jobs/<job>/outputs/<name|artifacts>/paths/<p>`, `runs:/<job>/<p>`, `azureml:<name>:<version>`, the ids of models, data
    and code, and https URLs of this emulator's blobs.

    Raises:
        ServiceError: the URI is of no such form, or what it names does not exist.

    """
    place = locate(emulator, workspace_id, uri)
    return place.container, place.prefix


def locate(emulator: Emulator, workspace_id: str, uri: str) -> Place:
    """As `resolve_uri`, with the job that the URI names."""
    if match := _JOB_URI.fullmatch(uri):
        return _job_output(emulator, workspace_id, match["job"], match["output"], match["path"] or "")
    if match := _DATASTORE_URI.fullmatch(uri):
        home = workspace_id
        if match["workspace"]:
            home = ids.workspace_id(match["subscription"], match["group"], match["workspace"])
        container = _container_of(emulator, home, match["datastore"])
        return Place(container, unquote(match["path"]).strip("/"))
    if match := _RUN_URI.fullmatch(uri):
        return _job_output(emulator, workspace_id, match["job"], "artifacts", match["path"])
    if match := _ASSET_ID.fullmatch(uri):
        return _asset(emulator, match["id"], match["collection"].lower())
    if match := _ASSET_URI.fullmatch(uri):
        return _named_asset(emulator, workspace_id, match["name"], match["version"])
    if uri.startswith("https://"):
        return _blob_url(emulator, uri)
    raise refused(
        f"The path '{uri}' is not one that this emulator can read. Allowed: azureml://datastores/<name>/paths/<path>, "
        "azureml://jobs/<job>/outputs/<output>/paths/<path>, azureml:<model>:<version>.",
        "BadArgument",
        "ArgumentInvalid",
        "InvalidAssetUri",
    )


def long_uri(workspace_id: str, datastore: str, path: str) -> str:
    """A datastore path with its workspace spelled out, as the service stores it."""
    return (
        f"azureml://subscriptions/{ids.segment(workspace_id, 'subscriptions')}"
        f"/resourcegroups/{ids.segment(workspace_id, 'resourceGroups')}"
        f"/workspaces/{ids.segment(workspace_id, 'workspaces')}/datastores/{datastore}/paths/{path}"
    )


def uri_of(emulator: Emulator, workspace_id: str, place: Place) -> str:
    """The long URI of a place in one of the workspace's own datastores."""
    store = ARTIFACT_STORE if place.container == containers(emulator, workspace_id).artifacts else BLOB_STORE
    return long_uri(workspace_id, store, place.prefix)


def register(router: Router, emulator: Emulator) -> None:
    """Routes of datastores."""
    routes = WorkspaceRoutes(router, emulator)

    def find(call: Call, workspace: Resource) -> Resource:
        return _find(emulator, workspace.id, call.params["name"])

    def listing(call: Call, workspace: Resource) -> Reply:
        found = emulator.resources.list(workspace.id, _TYPE)
        if call.query.get("isdefault", "").lower() == "true":
            found = [item for item in found if item.properties["isDefault"]]
        return page(emulator, call, [item.body for item in found])

    def get(call: Call, workspace: Resource) -> Reply:
        return Reply(body=find(call, workspace).body)

    def secrets(call: Call, workspace: Resource) -> Reply:
        account = find(call, workspace).properties["accountName"]
        return Reply(body={"secretsType": "AccountKey", "key": emulator.accounts.key(account)})

    def put(call: Call, workspace: Resource) -> Reply:
        return _put(emulator, call, workspace)

    def delete(call: Call, workspace: Resource) -> Reply:
        name = find(call, workspace).name
        if name in (ARTIFACT_STORE, BLOB_STORE):
            raise refused(f"The datastore '{name}' belongs to the workspace and cannot be deleted.")
        emulator.resources.delete(f"{workspace.id}/datastores/{name}")
        return Reply(200)

    routes.add("GET", "/datastores", listing)
    routes.add("GET", "/datastores/{name}", get)
    routes.add("PUT", "/datastores/{name}", put)
    routes.add("DELETE", "/datastores/{name}", delete)
    routes.add("POST", "/datastores/{name}/listSecrets", secrets)


def _find(emulator: Emulator, workspace_id: str, name: str) -> Resource:
    found = emulator.resources.get(f"{workspace_id}/datastores/{name}")
    if found is None:
        raise missing(f"Could not find datastore {name} in workspace {ids.name_of(workspace_id)}.")
    return found


def _put(emulator: Emulator, call: Call, workspace: Resource) -> Reply:
    name, properties = call.params["name"], properties_of(call)
    if not _NAME.fullmatch(name):
        raise refused(f"Datastore name '{name}' is invalid: letters, digits and underscores, at most 255.")
    if properties.get("datastoreType") != "AzureBlob":
        raise not_emulated(f"datastores of type {properties.get('datastoreType')}; AzureBlob is")
    account, container = str(properties.get("accountName")), str(properties.get("containerName"))
    if emulator.accounts.key(account) is None:
        raise not_emulated(f"a datastore on '{account}', which is not a storage account of this emulator")
    if emulator.accounts.owner(emulator.accounts.place(account, container)) != account:
        raise refused(
            f"The storage account '{account}' has no container '{container}'.", "NotFound", "ContainerNotFound"
        )
    created = emulator.resources.get(f"{workspace.id}/datastores/{name}") is None
    stored = _store(
        emulator,
        f"{workspace.id}/datastores/{name}",
        account,
        container,
        call.principal.object_id if call.principal else "emulator",
        default=bool(properties.get("isDefault")),
        extra={key: properties.get(key) for key in ("description", "tags", "properties")},
    )
    return Reply(201 if created else 200, stored.body)


def _store(
    emulator: Emulator,
    datastore_id: str,
    account: str,
    container: str,
    actor: str,
    *,
    default: bool,
    extra: dict[str, Any] | None = None,
) -> Resource:
    properties = {
        "description": None,
        "tags": None,
        "properties": None,
        **(extra or {}),
        "isDefault": default,
        "credentials": {"credentialsType": "AccountKey"},
        "datastoreType": "AzureBlob",
        "accountName": account,
        "containerName": container,
        "endpoint": storage_suffix(emulator),
        "protocol": "https",
        "serviceDataAccessAuthIdentity": "None",
    }
    return emulator.resources.put(datastore_id, {"properties": properties}, actor=actor)


def storage_suffix(emulator: Emulator) -> str:
    """What follows `<account>.blob.` in a storage URL: a user-info part that brings clients to our blob port without DNS."""
    return f"core.local@{emulator.blob_url.removeprefix('https://')}"


def _container_of(emulator: Emulator, workspace_id: str, datastore: str) -> str:
    properties = _find(emulator, workspace_id, datastore).properties
    return emulator.accounts.place(str(properties["accountName"]), str(properties["containerName"]))


def _job_output(emulator: Emulator, workspace_id: str, job: str, output: str, path: str) -> Place:
    resource = emulator.resources.get(f"{workspace_id}/jobs/{job}")
    run = emulator.tracking.run(job)
    if resource is None and (run is None or run.workspace_id.lower() != workspace_id.lower()):
        raise missing(f"Job {job} was not found in workspace {ids.name_of(workspace_id)}.", "NotFound", "JobNotFound")
    found = containers(emulator, workspace_id)
    if output.lower() in ("artifacts", "default"):
        return Place(found.artifacts, f"ExperimentRun/dcid.{job}/{path}".strip("/"), job)
    declared = (resource.properties.get("outputs") or {}) if resource else {}
    if output not in declared:
        names = ", ".join(sorted({*declared, "artifacts"} - {"default"}))
        raise missing(f"Job {job} has no output '{output}'. It has: {names}.", "NotFound", "JobOutputNotFound")
    uri = (declared[output] or {}).get("uri")
    if uri and (match := _DATASTORE_URI.fullmatch(uri)):
        base = unquote(match["path"]).strip("/")
        return Place(_container_of(emulator, workspace_id, match["datastore"]), f"{base}/{path}".strip("/"), job)
    return Place(found.blobstore, f"azureml/{job}/{output}/{path}".strip("/"), job)


def _asset(emulator: Emulator, asset_id: str, collection: str) -> Place:
    asset = emulator.resources.get(asset_id)
    if asset is None:
        name = f"{ids.segment(asset_id, collection)}:{ids.name_of(asset_id)}"
        raise missing(f"{name} was not found among the {collection} of the workspace.")
    workspace_id = ids.workspace_id(
        *(ids.segment(asset.id, part) or "" for part in ("subscriptions", "resourceGroups", "workspaces"))
    )
    return locate(emulator, workspace_id, str(asset.properties[_PATH_OF[collection]]))


def _named_asset(emulator: Emulator, workspace_id: str, name: str, version: str) -> Place:
    """`azureml:<name>:<version>` does not say what it is: a model is looked for first, then a data asset."""
    for collection in ("models", "data"):
        asset_id = f"{workspace_id}/{collection}/{name}/versions/{version}"
        if emulator.resources.get(asset_id) is not None:
            return _asset(emulator, asset_id, collection)
    raise missing(f"{name}:{version} is neither a model nor a data asset of workspace {ids.name_of(workspace_id)}.")


def _blob_url(emulator: Emulator, uri: str) -> Place:
    parts = urlsplit(uri)
    own = urlsplit(emulator.blob_url)
    segments = [unquote(part) for part in parts.path.strip("/").split("/")]
    if parts.hostname != own.hostname or parts.port != own.port or not segments[0]:
        raise not_emulated(f"reading {parts.scheme}://{parts.hostname}{parts.path}, which is outside this emulator")
    if emulator.accounts.key(segments[0]) is not None and not emulator.blobs.has_container(segments[0]):
        account, segments = segments[0], segments[1:]
        segments[:1] = [emulator.accounts.place(account, name) for name in segments[:1]]
    if not segments or not emulator.blobs.has_container(segments[0]):
        raise ServiceError(404, "ContainerNotFound", f"The container of {parts.path} does not exist.")
    return Place(segments[0], "/".join(segments[1:]))
