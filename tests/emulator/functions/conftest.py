"""Function apps in an emulator of this process: their environments are really built, their hosts really run."""

from __future__ import annotations

import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from emulator.providers import bodies
from support.emulator import share_environments

from aml_emulator.functions.apps import DeliveryResult
from aml_emulator.http import Call, Reply, ServiceError
from aml_emulator.server import build
from aml_emulator.state import StateDirectory

REQUIREMENTS = "azure-functions==1.26.0\n"
HOST = '{"version": "2.0"}'

APP = """
import json, logging, os, time
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
NOTES = os.environ["NOTES"]


def note(**facts):
    with open(NOTES, "a") as file:
        file.write(json.dumps({**facts, "greeting": os.environ.get("GREETING"), "process": os.getpid()}) + "\\n")


@app.function_name(name="take")
@app.event_grid_trigger(arg_name="event")
def take(event: func.EventGridEvent, context: func.Context):
    cloud = isinstance(event, func.CloudEvent)
    data = event.get_json()
    began = time.time()
    time.sleep(data.get("sleep", 0))
    logging.info("took %s", event.id)
    note(id=event.id, kind=event.type if cloud else event.event_type, began=began, ended=time.time())
    if data.get("fail"):
        raise ValueError("no room")
    if data.get("die"):
        os._exit(3)


@app.function_name(name="hello")
@app.route(route="hello/{name:alpha?}", methods=["GET", "POST"])
async def hello(req: func.HttpRequest) -> func.HttpResponse:
    print("somebody says hello")
    body = {"url": req.url, "name": req.route_params.get("name"), "params": dict(req.params), "body": req.get_body().decode()}
    return func.HttpResponse(json.dumps(body), status_code=201, headers={"X-Who": "hello"}, mimetype="application/json")


@app.route(route="open", auth_level=func.AuthLevel.ANONYMOUS)
def variables(req: func.HttpRequest) -> str:
    return json.dumps(dict(os.environ))


@app.route(route="owner", auth_level=func.AuthLevel.ADMIN)
def owner(req: func.HttpRequest) -> None:
    return None


@app.route(route="broken", auth_level=func.AuthLevel.ANONYMOUS)
def broken(req: func.HttpRequest) -> str:
    raise RuntimeError("secret detail")


@app.timer_trigger(schedule="0 0 * * * *", arg_name="timer")
def nightly(timer: func.TimerRequest) -> None:
    note(id="nightly")
"""


def zipped(files: Mapping[str, str]) -> bytes:
    """A zip archive, the same for the same files at any time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, text in files.items():
            made.writestr(zipfile.ZipInfo(name), text)
    return buffer.getvalue()


def package(app: str = APP, requirements: str = REQUIREMENTS, **more: str) -> bytes:
    """The archive of an app; further files by their names, with `__` for a dot."""
    files = {"function_app.py": app, "requirements.txt": requirements, "host.json": HOST}
    return zipped({**files, **{name.replace("__", "."): text for name, text in more.items()}})


def event(identity: str = "1", **data: Any) -> dict[str, Any]:
    """An event as Event Grid delivers it."""
    return {
        "id": identity,
        "topic": "/subscriptions/s/resourceGroups/r/providers/Microsoft.MachineLearningServices/workspaces/w",
        "subject": "experiments/e/runs/r",
        "eventType": "Microsoft.MachineLearningServices.RunCompleted",
        "eventTime": "2026-11-25T08:00:00.0000000Z",
        "data": data,
        "dataVersion": "",
        "metadataVersion": "1",
    }


class FunctionApp:
    """One app, as its owner handles it."""

    def __init__(self, cloud: Cloud, name: str) -> None:
        self.cloud, self.name = cloud, name
        self.id = f"{cloud.group}/providers/Microsoft.Web/sites/{name}"
        self.notes_file = cloud.root / f"{name}.notes"

    def make(self, settings: Mapping[str, str] | None = None, **changes: Any) -> FunctionApp:
        """Make it, or change it."""
        plan = self.cloud.put(f"Microsoft.Web/serverfarms/plan-{self.name}", bodies.PLAN)["id"]
        identity = self.cloud.put(f"Microsoft.ManagedIdentity/userAssignedIdentities/id-{self.name}", bodies.IDENTITY)
        container = self.cloud.container(self.name)
        body = bodies.site(plan, identity["id"], container, {"NOTES": str(self.notes_file), **(settings or {})})
        body["properties"]["functionAppConfig"]["runtime"]["version"] = "3.11"
        body["properties"].update(changes)
        self.cloud.put(f"Microsoft.Web/sites/{self.name}", body)
        return self

    def set(self, **settings: str) -> None:
        """Put settings in the place of those that there are."""
        wanted = {"NOTES": str(self.notes_file), **settings}
        self.cloud.call("PUT", f"{self.id}/config/appsettings", {"properties": wanted})

    def publish(self, archive: bytes | None = None, query: str = "RemoteBuild=true") -> dict[str, Any]:
        """Publish code and wait; the deployment."""
        posted = self.scm("POST", "publish", package() if archive is None else archive, query)
        assert posted.status == 202
        deadline = time.monotonic() + 120
        while not (found := self.scm("GET", f"deployments/{posted.body}").body)["complete"]:
            assert time.monotonic() < deadline, self.deployment_log()
            time.sleep(0.05)
        return found

    def scm(self, method: str, path: str, body: bytes = b"", query: str = "", **headers: str) -> Reply:
        """A request to the publishing service."""
        own = {"authorization": f"Bearer {self.cloud.token}", "content-type": "application/zip", **headers}
        return self.cloud.ask(method, f"/scm/{self.name}/api/{path}", body, query, own)

    def deployment_log(self) -> str:
        """What is noted about the newest deployment."""
        return "\n".join(entry["message"] for entry in self.scm("GET", "deployments/latest/log").body)

    def deliver(self, *events: dict[str, Any], function: str = "take", timeout: float = 30) -> DeliveryResult:
        """Send events, as Event Grid does."""
        found = list(events) or [event()]
        headers = {"aeg-event-type": "Notification"}
        return self.cloud.parts.functions.deliver(f"{self.id}/functions/{function}", found, headers, timeout)

    def ask(self, method: str, path: str, body: bytes = b"", query: str = "", **headers: str) -> Reply:
        """A request to the app itself; header names are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.cloud.ask(method, f"/functions/{self.name}{path}", body, query, named)

    @property
    def keys(self) -> dict[str, Any]:
        """What `listKeys` gives."""
        return self.cloud.call("POST", f"{self.id}/host/default/listKeys").body

    @property
    def functions(self) -> dict[str, dict[str, Any]]:
        """The functions that ARM lists, by name."""
        listed = self.cloud.call("GET", f"{self.id}/functions").body["value"]
        return {one["properties"]["name"]: one["properties"] for one in listed}

    @property
    def notes(self) -> list[dict[str, Any]]:
        """What the functions noted."""
        lines = self.notes_file.read_text().splitlines() if self.notes_file.exists() else []
        return [json.loads(line) for line in lines]

    def log(self) -> str:
        """What the app's log holds."""
        site = self.cloud.parts.resources.get(self.id)
        assert site is not None
        return "\n".join(line.message for line in self.cloud.parts.functions.app(site).log.last(500))


class Cloud:
    """The emulator's parts, in this process; requests go through its router."""

    def __init__(self, root: Path) -> None:
        self.root = root
        share_environments(root / "state")
        state = StateDirectory(root / "state")
        state.create()
        self.parts, self.router = build(state, 8443, 8444)
        state.bundle.touch()
        self.parts.functions.start()
        self.token = self.parts.tokens.issue(self.parts.tokens.arm_audience)
        subscription = self.parts.tokens.identity.subscription_id
        self.group = f"/subscriptions/{subscription}/resourceGroups/rg"
        self.call("PUT", self.group, {"location": "westeurope"})

    def close(self) -> None:
        self.parts.functions.stop()
        self.parts.database.close()

    def ask(self, method: str, path: str, body: bytes, query: str, headers: Mapping[str, str]) -> Reply:
        found = self.router.find(method, path)
        assert found is not None, f"no route for {method} {path}"
        handler, _, params = found
        pairs = {name.lower(): value for name, _, value in (part.partition("=") for part in query.split("&") if part)}
        return handler(Call(method, path, path, pairs, query, headers, body, params=params))

    def call(self, method: str, path: str, body: Any = None) -> Reply:
        return self.ask(method, path, b"" if body is None else json.dumps(body).encode(), "", {})

    def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self.call("PUT", f"{self.group}/providers/{path}", body).body

    def container(self, name: str) -> str:
        """Address of a new container `packages` of a storage account."""
        account = f"st{name.replace('-', '')}"[:24]
        made = self.put(f"Microsoft.Storage/storageAccounts/{account}", bodies.STORAGE)
        path = f"Microsoft.Storage/storageAccounts/{account}/blobServices/default/containers/packages-{name}"
        self.put(path, bodies.CONTAINER)
        return f"{made['properties']['primaryEndpoints']['blob']}packages-{name}"

    def new(self, settings: Mapping[str, str] | None = None, **changes: Any) -> FunctionApp:
        """A new app without code."""
        return FunctionApp(self, f"func-{uuid.uuid4().hex[:8]}").make(settings, **changes)

    def classic(self, python: str) -> FunctionApp:
        """A new app without code on the older plan, without an identity and without a container for its package."""
        app = FunctionApp(self, f"func-{uuid.uuid4().hex[:8]}")
        sku = {"name": "Y1", "tier": "Dynamic"}
        plan = self.put(f"Microsoft.Web/serverfarms/plan-{app.name}", {**bodies.PLAN, "sku": sku})
        settings = [{"name": "NOTES", "value": str(app.notes_file)}]
        configuration = {"linuxFxVersion": f"Python|{python}", "appSettings": settings}
        properties = {"serverFarmId": plan["id"], "reserved": True, "siteConfig": configuration}
        body = {"location": "westeurope", "kind": "functionapp,linux", "properties": properties}
        self.put(f"Microsoft.Web/sites/{app.name}", body)
        return app

    def refused(self, ask: Callable[[], object]) -> ServiceError:
        with pytest.raises(ServiceError) as found:
            ask()
        return found.value


@contextmanager
def opened(root: Path) -> Iterator[Cloud]:
    cloud = Cloud(root)
    try:
        yield cloud
    finally:
        cloud.close()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """An emulator for a module's tests; each makes apps of its own."""
    with opened(tmp_path_factory.mktemp("functions")) as found:
        yield found


@pytest.fixture(scope="module")
def published(cloud: Cloud) -> FunctionApp:
    """An app with code that no test changes."""
    app = cloud.new({"GREETING": "hello"})
    assert app.publish()["status"] == 4, app.deployment_log()
    return app


def until(condition: Callable[[], Any], seconds: float = 20) -> Any:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found
