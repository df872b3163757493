"""The function apps of the emulator: what happens to them, and what is sent to them."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from aml_emulator import ids
from aml_emulator.environments.builder import EnvironmentBuilder
from aml_emulator.functions import listing
from aml_emulator.functions.app import App
from aml_emulator.functions.process import START_SECONDS, HostError
from aml_emulator.functions.publisher import Publisher
from aml_emulator.functions.records import Records

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

SITE = "Microsoft.Web/sites"
_LOST = "The emulator ended while the code was being published. Publish again."


@dataclass(frozen=True)
class DeliveryResult:
    """What came of a delivery: HTTP status and body."""

    status: int
    body: bytes


class FunctionApps:
    """Every function app, by the id of its site."""

    def __init__(self, emulator: Emulator) -> None:
        """Nothing is started: an app's host comes up with the first request."""
        self._emulator = emulator
        self._builder = EnvironmentBuilder(emulator.state.environments, emulator.state.root / "uv-cache")
        # Connections are local, and how long a function may take is said with each request.
        self._client = httpx.Client(
            trust_env=False, limits=httpx.Limits(max_connections=None, max_keepalive_connections=64)
        )
        self._lock = threading.Lock()
        self._apps: dict[str, App] = {}
        self.records = Records(emulator.database)
        self.publisher = Publisher(emulator, self._builder, self.records, self.app)

    def start(self) -> None:
        """Settle what an emulator that did not end in order left behind."""
        self.records.abandon(_LOST)
        for hosts in self._emulator.state.functions.glob("*/hosts"):
            shutil.rmtree(hosts, ignore_errors=True)

    def stop(self) -> None:
        """End every host, and every publication."""
        self.publisher.stop()
        with self._lock:
            apps = list(self._apps.values())
        if apps:
            with ThreadPoolExecutor(len(apps)) as pool:
                list(pool.map(App.stop, apps))
        self._client.close()

    def configured(self, site_id: str) -> None:
        """An app was made, or its settings changed: its host starts anew with the next request."""
        site = self._emulator.resources.get(site_id)
        if site is not None:
            self.app(site).restart()

    def removed(self, site_id: str) -> None:
        """An app is gone: so are its host, its code and its log."""
        with self._lock:
            app = self._apps.pop(site_id.lower(), None)
        if app is not None:
            app.remove()
        shutil.rmtree(self._emulator.state.functions / ids.name_of(site_id).lower(), ignore_errors=True)
        self.records.forget(site_id)

    def app(self, site: Resource) -> App:
        """The app of a site."""
        with self._lock:
            key = site.id.lower()
            if key not in self._apps:
                self._apps[key] = App(self._emulator, self._builder, self.records, site)
            return self._apps[key]

    def named(self, name: str) -> Resource | None:
        """The site of a name, which is the only one of that name."""
        found = (site for site in self._emulator.resources.all_of(SITE) if site.name.lower() == name.lower())
        return next(found, None)

    def functions(self, site_id: str) -> list[Body]:
        """The functions of an app's code as ARM describes them; the host is started where it has not looked at the code yet.

        An app without code has none, nor has one whose code cannot be loaded: its log says why.
        """
        site = self._emulator.resources.get(site_id)
        if site is None or self.records.package(site_id) is None:
            return []
        found = self.records.functions(site_id)
        if found is None:
            try:
                host = self.app(site).enter(START_SECONDS)
            except (HostError, TimeoutError):
                return []
            host.leave()
            found = host.functions
        return [listing.described(self._emulator, site, function) for function in found]

    def deliver(
        self, function_resource_id: str, events: Sequence[Mapping[str, Any]], headers: Mapping[str, str], timeout: float
    ) -> DeliveryResult:
        """Send events to a function, as Event Grid does, and wait for the answer.

        Args:
            function_resource_id: `<site id>/functions/<name>`.
            events: one or more, in the schema of the subscription.
            headers: of the delivery, `aeg-event-type` among them.
            timeout: seconds; the time that the host takes to start counts.

        Raises:
            TimeoutError: no answer in time; the function may still be at work.

        """
        site_id, _, name = function_resource_id.rpartition("/functions/")
        site = self._emulator.resources.get(site_id) if site_id else None
        if site is None or self.records.package(site.id) is None:
            return DeliveryResult(404, f"cannot find function: '{name}'".encode())
        if reason := closed(site):
            return DeliveryResult(403, reason.encode())
        deadline = time.monotonic() + timeout
        try:
            host = self.app(site).enter(timeout)
        except HostError as error:
            return DeliveryResult(503, f"Function host is not running. {error}".encode())
        try:
            answer = host.deliver(
                self._client,
                name,
                headers={"Content-Type": "application/json", **headers},
                body=json.dumps(list(events)).encode(),
                seconds=deadline - time.monotonic(),
            )
        except HostError as error:
            return DeliveryResult(502, str(error).encode())
        finally:
            host.leave()
        return DeliveryResult(answer.status_code, answer.content)

    def forward(
        self, site: Resource, method: str, target: str, headers: Mapping[str, str], body: bytes, seconds: float
    ) -> httpx.Response:
        """Send a request to an app's host.

        Raises:
            HostError: it does not run.
            TimeoutError: no answer in time.

        """
        deadline = time.monotonic() + seconds
        host = self.app(site).enter(seconds)
        try:
            return host.ask(
                self._client, method, target, headers=headers, body=body, seconds=deadline - time.monotonic()
            )
        finally:
            host.leave()


def closed(site: Resource) -> str:
    """Why an app answers nobody; empty when it does."""
    properties = site.properties
    if properties.get("state") == "Stopped" or properties.get("enabled") is False:
        return "Error 403 - This web app is stopped."
    if str(properties.get("publicNetworkAccess") or "").lower() == "disabled":
        return "Error 403 - Ip Forbidden. The app has publicNetworkAccess Disabled."
    return ""
