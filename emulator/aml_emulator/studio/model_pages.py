"""The list of models, and one version of a model with its files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from aml_emulator import ids
from aml_emulator.blobs import Blob
from aml_emulator.context import Emulator
from aml_emulator.http import Call, Reply, Router, ServiceError
from aml_emulator.ml.datastores import resolve_uri
from aml_emulator.resources import Body, Resource
from aml_emulator.studio import assets, files
from aml_emulator.studio.format import parse_time
from aml_emulator.studio.pages import NotHere, page, render

VERSIONS = f"{ids.PROVIDER}/workspaces/models/versions"
_JOB_URI = "azureml://jobs/"


@dataclass(frozen=True)
class ModelRow:
    """One version of a model."""

    resource: Resource

    @property
    def name(self) -> str:
        """The model's name."""
        return ids.segment(self.resource.id, "models") or ""

    @property
    def version(self) -> str:
        """The version."""
        return self.resource.name

    @property
    def address(self) -> str:
        """Path of its page."""
        return f"/models/{quote(self.name, safe='')}/{quote(self.version, safe='')}"

    @property
    def workspace(self) -> str:
        """Name of the workspace."""
        return ids.segment(self.resource.id, "workspaces") or ""

    @property
    def workspace_id(self) -> str:
        """Id of the workspace."""
        return ids.parent_of(ids.parent_of(self.resource.id))

    @property
    def properties(self) -> Body:
        """The resource's properties."""
        return self.resource.properties

    @property
    def created(self) -> datetime | None:
        """When it was registered."""
        return parse_time((self.resource.body.get("systemData") or {}).get("createdAt"))

    @property
    def job(self) -> str | None:
        """Name of the job that made it, where the model says so or its files lie with a job's."""
        if name := self.properties.get("jobName"):
            return str(name)
        uri = str(self.properties.get("modelUri") or "")
        return uri.removeprefix(_JOB_URI).split("/", 1)[0] if uri.startswith(_JOB_URI) else None


def versions(emulator: Emulator) -> list[ModelRow]:
    """Every version of every model, newest first."""
    return [ModelRow(resource) for resource in reversed(emulator.resources.all_of(VERSIONS))]


def newest(emulator: Emulator) -> list[ModelRow]:
    """The newest version of each model."""
    found: dict[tuple[str, str], ModelRow] = {}
    for row in versions(emulator):
        found.setdefault((row.workspace_id.lower(), row.name.lower()), row)
    return list(found.values())


def registered_from(emulator: Emulator, job: str, workspace_id: str) -> list[ModelRow]:
    """Models that a job made."""
    return [row for row in versions(emulator) if row.job == job and row.workspace_id.lower() == workspace_id.lower()]


def register(router: Router, emulator: Emulator) -> None:
    """Add the pages."""

    def models(call: Call) -> Reply:
        return render("models.html", section="models", rows=versions(emulator))

    def model(call: Call) -> Reply:
        row = _find(emulator, call)
        address = f"{row.address}/files"
        return render(
            "model.html",
            section="models",
            row=row,
            others=[
                one
                for one in versions(emulator)
                if ids.parent_of(one.resource.id) == ids.parent_of(row.resource.id) and one.version != row.version
            ],
            tags=sorted((row.properties.get("tags") or {}).items()),
            properties=sorted((row.properties.get("properties") or {}).items()),
            files=files.rows(_files(emulator, row), address, f"?workspace={quote(row.workspace)}"),
            source=emulator.tracking.run(row.job) if row.job else None,
            deployments=[
                deployment
                for deployment in emulator.resources.all_of(f"{ids.PROVIDER}/workspaces/onlineEndpoints/deployments")
                if assets.parse(deployment.properties.get("model")) == assets.Asset(row.name, row.version)
            ],
        )

    def file(call: Call) -> Reply:
        row = _find(emulator, call)
        path = call.params["path"]
        blob = _files(emulator, row).get(path)
        if blob is None:
            raise NotHere(f"{row.name}:{row.version} has no file “{path}”")
        return files.serve(blob, path)

    def latest(call: Call) -> Reply:
        for row in versions(emulator):
            if row.name.lower() == call.params["name"].lower():
                return Reply(302, "", {"Location": row.address}, "text/plain")
        raise NotHere(f"There is no model “{call.params['name']}”")

    def from_studio(call: Call) -> Reply:
        """The address of the page in Azure's Studio: `/model/NAME:VERSION/details?wsid=WORKSPACE`."""
        name, _, version = call.params["asset"].rpartition(":")
        workspace = ids.segment(call.query.get("wsid", ""), "workspaces") or ""
        address = f"/models/{quote(name, safe='')}/{quote(version, safe='')}?workspace={quote(workspace, safe='')}"
        return Reply(302, "", {"Location": address}, "text/plain")

    router.add("GET", "/models", page(models), "none")
    router.add("GET", "/model/{asset}/details", from_studio, "none")
    router.add("GET", "/models/{name}", page(latest), "none")
    router.add("GET", "/models/{name}/{version}", page(model), "none")
    router.add("GET", "/models/{name}/{version}/files/{path:path}", page(file), "none")


def _find(emulator: Emulator, call: Call) -> ModelRow:
    name, version, workspace = call.params["name"], call.params["version"], call.query.get("workspace", "")
    for row in versions(emulator):
        if row.name.lower() != name.lower() or row.version != version:
            continue
        if not workspace or row.workspace.lower() == workspace.lower():
            return row
    raise NotHere(f"There is no model “{name}” in version “{version}”")


def _files(emulator: Emulator, row: ModelRow) -> dict[str, Blob]:
    """The model's files by path; none where its URI leads to no store of this emulator."""
    try:
        container, prefix = resolve_uri(emulator, row.workspace_id, str(row.properties.get("modelUri") or ""))
    except ServiceError:
        return {}
    return files.below(emulator.blobs, container, prefix)
