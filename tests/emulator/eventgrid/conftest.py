"""An emulator with its real stores in this process, a clock that tests move, and a webhook that really listens over TLS."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from support.azure_resources import smallest_body

from aml_emulator import ids, pki
from aml_emulator.context import Emulator
from aml_emulator.eventgrid.options import EventOptions
from aml_emulator.eventgrid.publishing import Events
from aml_emulator.http import Call, Reply, Router, ServiceError
from aml_emulator.ml.datastores import create_defaults
from aml_emulator.server import build
from aml_emulator.state import StateDirectory

ML = "Microsoft.MachineLearningServices."
API = "2025-02-15"


class Clock:
    """Seconds since 1970, which pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Received:
    """One request to the webhook."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def events(self) -> list[dict[str, Any]]:
        found = json.loads(self.body)
        return found if isinstance(found, list) else [found]


@dataclass
class Receiver:
    """A webhook. `answer` gives status and body of a notification; `validates` is how it answers a handshake."""

    url: str
    answer: Callable[[Received], tuple[int, bytes]] = lambda request: (200, b"")
    validates: str = "at once"
    on_validation: Callable[[Received], object] = lambda request: None
    received: list[Received] = field(default_factory=list)
    validations: list[Received] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, request: Received) -> tuple[int, dict[str, str], bytes]:
        if request.method == "OPTIONS" or request.headers.get("aeg-event-type") == "SubscriptionValidation":
            with self.lock:
                self.validations.append(request)
            return self._validation(request)
        with self.lock:
            self.received.append(request)
        status, body = self.answer(request)
        return status, {}, body

    def _validation(self, request: Received) -> tuple[int, dict[str, str], bytes]:
        self.on_validation(request)
        if self.validates == "never":
            return 404, {}, b"not here"
        if self.validates == "by hand":
            return 200, {}, b""
        if request.method == "OPTIONS":
            return 200, {"WebHook-Allowed-Origin": request.headers["webhook-request-origin"]}, b""
        code = request.events[0]["data"]["validationCode"]
        return 200, {}, json.dumps({"validationResponse": code}).encode()

    @property
    def event_ids(self) -> list[str]:
        """Ids of the events that came, in the order in which they did."""
        return [event["id"] for request in self.received for event in request.events]


def serve(certificates: pki.Certificates) -> tuple[ThreadingHTTPServer, Receiver]:
    """A webhook on a free port, with the emulator's own certificate."""
    receiver = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Received(self.command, self.path, headers, self.rfile.read(length))
            status, more, body = receiver.take(request)
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_OPTIONS = answer

        def log_message(self, *arguments: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server, certificates.server_key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    receiver.url = f"https://127.0.0.1:{server.server_address[1]}/hook"
    return server, receiver


class Grid:
    """The emulator, and short ways to make what Event Grid needs."""

    def __init__(self, root: Path, receiver: Receiver | None, clock: Clock | None, options: EventOptions) -> None:
        self.state = StateDirectory(root)
        self.state.create()
        self.clock = clock
        self.emulator, self.router = self._build(options)
        self.receiver = receiver or Receiver("")
        subscription = self.emulator.tokens.identity.subscription_id
        self.group = ids.resource_group_id(subscription, "rg")
        self.workspace = ids.workspace_id(subscription, "rg", "mlops")
        self.account = f"{self.group}/providers/Microsoft.Storage/storageAccounts/lake"
        if self.emulator.resources.get(self.group) is None:
            self._make()

    def _build(self, options: EventOptions) -> tuple[Emulator, Router]:
        emulator, router = build(self.state, 8443, 8444)
        clock: Callable[[], float] = self.clock or time.time
        emulator.events = Events(emulator, options, clock=clock, jitter=lambda: 0.0)
        return emulator, router

    def _make(self) -> None:
        self.emulator.resources.put(self.group, {"location": "westeurope", "properties": {}})
        self.ask("PUT", self.account, smallest_body(self.account))
        properties = {"workspaceId": "11111111-aaaa-4bbb-8ccc-222222222222"}
        self.emulator.resources.put(self.workspace, {"location": "westeurope", "properties": properties})
        self.emulator.accounts.create("mlstore")
        create_defaults(self.emulator, self.workspace, "mlstore", "tests")
        self.container("deadletters")

    def container(self, name: str) -> None:
        self.emulator.blobs.create_container(name)
        self.emulator.accounts.assign(name, "lake")

    def ask(self, method: str, address: str, body: Any = None) -> Reply:
        """A request through the router, with an api-version as any client has one."""
        parts = urlsplit(address)
        found = self.router.find(method, parts.path)
        assert found, f"no route for {method} {parts.path}"
        handler, _, params = found
        query = {"api-version": API, **{name.lower(): value for name, value in parse_qsl(parts.query)}}
        content = b"" if body is None else json.dumps(body).encode()
        return handler(Call(method, parts.path, parts.path, query, parts.query, {}, content, params))

    def refused(self, method: str, address: str, body: Any = None) -> ServiceError:
        with pytest.raises(ServiceError) as refusal:
            self.ask(method, address, body)
        return refusal.value

    def topic(self, source: str | None = None, name: str = "topic", **more: Any) -> str:
        """Id of a system topic; of the workspace's events unless told otherwise."""
        topic_id = f"{self.group}/providers/Microsoft.EventGrid/systemTopics/{name}"
        source = source or self.workspace
        kind = "Microsoft.Storage.StorageAccounts" if "/storageAccounts/" in source else f"{ML}Workspaces"
        body = {"location": "westeurope", "properties": {"source": source, "topicType": kind}, **more}
        made = self.ask("PUT", topic_id, body)
        assert made.status in (200, 201)
        return topic_id

    def body(self, **properties: Any) -> dict[str, Any]:
        """The body of an event subscription to the webhook, which gets every type that is not left out."""
        destination = {"endpointType": "WebHook", "properties": {"endpointUrl": f"{self.receiver.url}?code=secret"}}
        return {"properties": {"destination": destination, **properties}}

    def subscribe(self, topic: str, name: str = "to-hook", **properties: Any) -> str:
        """Id of an event subscription of a topic."""
        subscription = f"{topic}/eventSubscriptions/{name}"
        made = self.ask("PUT", subscription, self.body(**properties))
        assert made.status in (200, 201)
        return subscription

    def publish(self, name: str = "RunCompleted", subject: str = "experiments/e/runs/r", **data: Any) -> str:
        return self.emulator.events.publish(self.workspace, f"{ML}{name}", subject, data)

    def deliver(self) -> int:
        """Deliver what is due now; how many batches that were."""
        service = self.emulator.events.delivery
        service.write_dead_letters()
        batches = service.claim()
        for batch in batches:
            service.deliver(batch)
        return len(batches)

    def state_of(self, event_id: str) -> list[str]:
        found = self.emulator.events.records.find(event_id)
        assert found is not None
        return [one.state for one in found.deliveries]

    def blobs(self, container: str) -> dict[str, Any]:
        return {blob.name: json.loads(blob.read()) for blob in self.emulator.blobs.list(container)}

    def close(self) -> None:
        self.emulator.events.stop()
        self.emulator.functions.stop()
        self.emulator.database.close()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> pki.Certificates:
    return pki.ensure_certificates(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def receiver(certificates: pki.Certificates) -> Iterator[Receiver]:
    server, found = serve(certificates)
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def make_grid(tmp_path: Path, certificates: pki.Certificates, receiver: Receiver) -> Iterator[Callable[..., Grid]]:
    """`make_grid(clock, **options)`: an emulator on the same state each time it is called."""
    made: list[Grid] = []

    def make(clock: Clock | None, **options: Any) -> Grid:
        root = tmp_path / "state"
        (root / "pki").mkdir(parents=True, exist_ok=True)
        pki.write_bundle(certificates, root / "pki" / "bundle.pem", "")
        grid = Grid(root, receiver, clock, EventOptions(**options))
        made.append(grid)
        return grid

    yield make
    for grid in made:
        grid.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def grid(make_grid: Callable[..., Grid], clock: Clock) -> Grid:
    """An emulator whose Event Grid goes by a clock that the test moves, in Azure's time."""
    return make_grid(clock, time_scale=1.0)
