"""One batch endpoint: its deployments, the settings that they run with, and the jobs that calls have started."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from aml_emulator import ids
from aml_emulator.context import Emulator
from aml_emulator.http import Call, Reply, Router
from aml_emulator.ml import batch_endpoints, batch_jobs
from aml_emulator.resources import Resource
from aml_emulator.studio import assets
from aml_emulator.studio import runs as run_rows
from aml_emulator.studio.format import parse_time
from aml_emulator.studio.pages import NotHere, page, render

_JOBS_SHOWN = 50


@dataclass(frozen=True)
class BatchDeploymentRow:
    """A deployment of a batch endpoint. `default`: calls that name none start a job of this one."""

    resource: Resource
    default: bool

    @property
    def state(self) -> str:
        """Provisioning state."""
        return str(self.resource.properties.get("provisioningState") or "Unknown")

    @property
    def tone(self) -> str:
        """Tone of the state's badge."""
        return run_rows.tone(self.state)

    @property
    def component(self) -> assets.Asset | None:
        """The pipeline component that it runs."""
        configuration = self.resource.properties.get("deploymentConfiguration") or {}
        return assets.parse((configuration.get("componentId") or {}).get("assetId"))

    @property
    def settings(self) -> str:
        """The settings in words."""
        found = (self.resource.properties.get("deploymentConfiguration") or {}).get("settings") or {}
        return ", ".join(f"{name}: {value}" for name, value in sorted(found.items()))

    @property
    def created(self) -> datetime | None:
        """When it was made."""
        return parse_time((self.resource.body.get("systemData") or {}).get("createdAt"))


@dataclass(frozen=True)
class BatchRow:
    """A batch endpoint with its deployments."""

    resource: Resource
    deployments: list[BatchDeploymentRow]

    @property
    def name(self) -> str:
        """The endpoint's name."""
        return self.resource.name

    @property
    def workspace(self) -> str:
        """Name of the workspace."""
        return ids.segment(self.resource.id, "workspaces") or ""

    @property
    def state(self) -> str:
        """Provisioning state."""
        return str(self.resource.properties.get("provisioningState") or "Unknown")

    @property
    def tone(self) -> str:
        """Tone of the state's badge."""
        return run_rows.tone(self.state)

    @property
    def default(self) -> str:
        """Name of the default deployment; "" for none."""
        return batch_endpoints.default_deployment(self.resource) or ""


def batch_rows(emulator: Emulator) -> list[BatchRow]:
    """Every batch endpoint, newest first."""
    return [_row(emulator, resource) for resource in reversed(emulator.resources.all_of(batch_endpoints.TYPE))]


def register(router: Router, emulator: Emulator) -> None:
    """Add the page."""

    def endpoint(call: Call) -> Reply:
        name = call.params["name"]
        row = next((one for one in batch_rows(emulator) if one.name.lower() == name.lower()), None)
        if row is None:
            raise NotHere(f"There is no batch endpoint named “{name}”")
        started = [emulator.tracking.run(job.name) for job in batch_jobs.jobs_of(emulator, row.resource)]
        jobs = run_rows.rows(run for run in started if run is not None)
        busy = row.tone == "busy" or any(one.tone == "busy" for one in row.deployments)
        return render(
            "batch_endpoint.html",
            section="endpoints",
            live=busy or any(not one.finished for one in jobs),
            row=row,
            properties=row.resource.properties,
            tags=sorted((row.resource.body.get("tags") or {}).items()),
            rows=jobs[:_JOBS_SHOWN],
            total=len(jobs),
        )

    def from_studio(call: Call) -> Reply:
        """The address of the page in Azure's Studio: `/endpoints/batch/NAME/detail?wsid=WORKSPACE`."""
        return Reply(302, "", {"Location": f"/endpoints/batch/{quote(call.params['name'], safe='')}"}, "text/plain")

    router.add("GET", "/endpoints/batch/{name}", page(endpoint), "none")
    router.add("GET", "/endpoints/batch/{name}/detail", from_studio, "none")


def _row(emulator: Emulator, resource: Resource) -> BatchRow:
    default = (batch_endpoints.default_deployment(resource) or "").lower()
    found = emulator.resources.list(resource.id, batch_endpoints.DEPLOYMENT_TYPE)
    return BatchRow(resource, [BatchDeploymentRow(one, one.name.lower() == default) for one in found])
