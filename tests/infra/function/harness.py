"""The function app as the Functions host runs it, and Event Grid as it delivers: in this process, with real threads.

The rules are those of the host's Event Grid extension and of Event Grid: each event is an invocation of its own, all at
once; one that raises makes the whole delivery a failure, which is delivered again; what returned is done.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import function_app
from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum
from bridge.handler import Bridge

FUNCTIONS = {each.get_function_name(): each for each in function_app.app.get_functions()}  # works once per app


def bindings(name: str) -> list[dict[str, Any]]:
    """What the host reads of a function."""
    return list(json.loads(FUNCTIONS[name].get_function_json())["bindings"])


def invoke(name: str, argument: object) -> Any:
    """Call a function as the worker does."""
    function = FUNCTIONS[name].get_user_function()
    arguments = {FUNCTIONS[name].get_trigger().name: argument}
    if "context" in inspect.signature(function).parameters:
        arguments["context"] = SimpleNamespace(invocation_id=str(uuid.uuid4()), function_name=name)
    result = function(**arguments)
    return asyncio.run(result) if inspect.iscoroutine(result) else result


def trigger(document: Mapping[str, Any]) -> None:
    """One invocation of the Event Grid trigger, with what the worker's converter makes of the JSON."""
    invoke(
        "aml_event_to_github",
        EventGridEventInConverter.decode(Datum(json.dumps(document), "json"), trigger_metadata={}),
    )


def request(
    body: object = None,
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> func.HttpResponse:
    """One invocation of the HTTP trigger."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = invoke(
        "aml_events",
        func.HttpRequest(
            method=method,
            url="https://function.example/api/aml_events",
            headers=dict(headers or {}),
            params=dict(query or {}),
            route_params={},
            body=content,
        ),
    )
    assert isinstance(answer, func.HttpResponse)
    return answer


def use(bridge: Bridge | None) -> None:
    """Have the function app use this bridge; None has it read its app settings again."""
    function_app._bridge = bridge


@dataclass
class EventGrid:
    """Delivers until everything is done or given up.

    Attributes:
        at_once: invocations that run at the same time, on all instances of the app together.
        attempts: deliveries of one event at most.
        wait: seconds between two deliveries of the same event; Event Grid's own are from 10 seconds up.
        failures: texts of what was raised, in order.
        deliveries: how many invocations there were.
    """

    at_once: int = 16
    attempts: int = 30
    wait: float = 0.05
    failures: list[str] = field(default_factory=list)
    deliveries: int = 0

    def deliver(self, documents: Sequence[Mapping[str, Any]]) -> list[str]:
        """Deliver events, each by itself; ids of those that were given up (dead-lettered)."""
        pending = list(documents)
        for _ in range(self.attempts):
            with ThreadPoolExecutor(self.at_once) as pool:
                done = list(pool.map(self._done, pending))
            pending = [document for document, is_done in zip(pending, done, strict=True) if not is_done]
            if not pending:
                break
            time.sleep(self.wait)
        return [document["id"] for document in pending]

    def _done(self, document: Mapping[str, Any]) -> bool:
        self.deliveries += 1
        try:
            trigger(document)
        except Exception as error:
            self.failures.append(str(error))
            return False
        return True
