"""The list of endpoints, and one online endpoint with its traffic and deployments."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from aml_emulator import ids
from aml_emulator.context import Emulator
from aml_emulator.http import Call, Reply, Router
from aml_emulator.resources import Resource
from aml_emulator.studio import assets, batch_pages, logs
from aml_emulator.studio.format import parse_time
from aml_emulator.studio.pages import NotHere, page, render
from aml_emulator.studio.runs import tone

ENDPOINTS = f"{ids.PROVIDER}/workspaces/onlineEndpoints"
_LOG_LINES = 60
_COLOURS = 4


@dataclass(frozen=True)
class Share:
    """A deployment's part of the traffic, on a bar 100 units wide."""

    name: str
    percent: int
    slot: int
    x: int

    @property
    def width(self) -> int:
        """Width on the bar."""
        return max(0, min(self.percent, 100 - self.x))


@dataclass(frozen=True)
class EndpointRow:
    """An endpoint with its deployments."""

    resource: Resource
    deployments: list[Resource]

    @property
    def shares(self) -> list[Share]:
        """How the traffic is split, every deployment in it, in the order in which they were made."""
        traffic = self.resource.properties.get("traffic") or {}
        percents = {str(name).lower(): int(percent) for name, percent in traffic.items()}
        parts, x = [], 0
        for slot, deployment in enumerate(self.deployments):
            percent = percents.get(deployment.name.lower(), 0)
            parts.append(Share(deployment.name, percent, slot % _COLOURS, x))
            x = min(100, x + percent)
        return parts

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
        return tone(self.state)

    @property
    def auth(self) -> str:
        """How callers prove who they are, in words."""
        modes = {"key": "Key", "amltoken": "Azure ML token", "aadtoken": "Microsoft Entra token"}
        mode = str(self.resource.properties.get("authMode") or "")
        return modes.get(mode.lower(), mode)

    @property
    def compute_id(self) -> str:
        """Id of the Kubernetes compute that it is on; "" for a managed endpoint."""
        return str(self.resource.properties.get("compute") or "")

    @property
    def compute(self) -> str:
        """Name of that compute."""
        return ids.name_of(self.compute_id)

    @property
    def traffic(self) -> str:
        """The split in words."""
        return ", ".join(f"{one.name} {one.percent} %" for one in self.shares if one.percent) or "no traffic"

    @property
    def unassigned(self) -> int:
        """Percent of the traffic that no deployment gets."""
        return max(0, 100 - sum(one.percent for one in self.shares))


@dataclass(frozen=True)
class DeploymentRow:
    """A deployment."""

    resource: Resource
    share: Share
    log: str = field(default="", repr=False)

    @property
    def state(self) -> str:
        """Provisioning state."""
        return str(self.resource.properties.get("provisioningState") or "Unknown")

    @property
    def tone(self) -> str:
        """Tone of the state's badge."""
        return tone(self.state)

    @property
    def model(self) -> assets.Asset | None:
        """The model it serves."""
        return assets.parse(self.resource.properties.get("model"))

    @property
    def environment(self) -> assets.Asset | None:
        """The environment of its server."""
        return assets.parse(self.resource.properties.get("environmentId"))

    @property
    def script(self) -> str:
        """The entry script."""
        return str((self.resource.properties.get("codeConfiguration") or {}).get("scoringScript") or "")

    @property
    def instances(self) -> str:
        """Instance type and how many; with autoscale the fewest and the most."""
        count = (self.resource.body.get("sku") or {}).get("capacity")
        scale = self.resource.properties.get("scaleSettings") or {}
        if scale.get("scaleType") == "TargetUtilization":
            count = f"{scale.get('minInstances')} to {scale.get('maxInstances')}"
        kind = str(self.resource.properties.get("instanceType") or "")
        return f"{count} × {kind}" if count is not None and kind else kind or str(count or "–")

    @property
    def created(self) -> datetime | None:
        """When it was made."""
        return parse_time((self.resource.body.get("systemData") or {}).get("createdAt"))


def endpoint_rows(emulator: Emulator) -> list[EndpointRow]:
    """Every endpoint, newest first."""
    return [
        EndpointRow(resource, emulator.resources.list(resource.id, f"{ENDPOINTS}/deployments"))
        for resource in reversed(emulator.resources.all_of(ENDPOINTS))
    ]


def register(router: Router, emulator: Emulator) -> None:
    """Add the pages."""

    def endpoints(call: Call) -> Reply:
        rows, batch = endpoint_rows(emulator), batch_pages.batch_rows(emulator)
        live = any(row.tone == "busy" for row in rows) or any(row.tone == "busy" for row in batch)
        return render("endpoints.html", section="endpoints", live=live, rows=rows, batch=batch)

    def endpoint(call: Call) -> Reply:
        name = call.params["name"]
        row = next((one for one in endpoint_rows(emulator) if one.name.lower() == name.lower()), None)
        if row is None:
            raise NotHere(f"There is no endpoint named “{name}”")
        deployments = [
            DeploymentRow(resource, share, _log(emulator, resource))
            for resource, share in zip(row.deployments, row.shares, strict=True)
        ]
        return render(
            "endpoint.html",
            section="endpoints",
            live=row.tone == "busy" or any(one.tone == "busy" for one in deployments),
            row=row,
            properties=row.resource.properties,
            tags=sorted((row.resource.body.get("tags") or {}).items()),
            deployments=deployments,
            call=how_to_call(emulator, row),
        )

    router.add("GET", "/endpoints", page(endpoints), "none")

    def from_studio(call: Call) -> Reply:
        """The address of the page in Azure's Studio: `/endpoints/realtime/NAME/detail?wsid=WORKSPACE`."""
        return Reply(302, "", {"Location": f"/endpoints/{quote(call.params['name'], safe='')}"}, "text/plain")

    router.add("GET", "/endpoints/{name}", page(endpoint), "none")
    router.add("GET", "/endpoints/realtime/{name}/detail", from_studio, "none")


def how_to_call(emulator: Emulator, row: EndpointRow) -> str:
    """A command for a shell that asks the endpoint for a prediction. The key stays a variable: pages hold no secrets."""
    return " \\\n  ".join(
        [
            f"curl --cacert {shlex.quote(str(emulator.state.bundle))}",
            '--header "Authorization: Bearer $ENDPOINT_KEY"',
            '--header "Content-Type: application/json"',
            "--data @request.json",
            shlex.quote(str(row.resource.properties.get("scoringUri") or "")),
        ]
    )


def _log(emulator: Emulator, deployment: Resource) -> str:
    text = logs.clean(emulator.serving.logs(deployment.id, tail=_LOG_LINES).encode())
    return logs.last_lines(text, _LOG_LINES)
