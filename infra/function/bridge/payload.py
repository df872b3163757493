"""What GitHub is sent: the dispatch's name and its payload, within GitHub's limits.

The names and the keys `data`, `event_source` and `integration` are those of the function that came before this one, so
that workflows written for it keep working. The other keys are new.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.events import Event

LIMIT = 64_000
"""Bytes of payload that are sent at most. GitHub takes fewer than 65,536 and does not say how it counts them."""

LONGEST_TYPE = 100
"""Characters of a dispatch's name that GitHub takes."""

KEPT_PROPERTIES = frozenset(
    {
        "runTemplate",
        "run_template",
        "runSource",
        "azureml.runsource",
        "azureml.pipelinerunid",
        "azureml.rootpipelinerunid",
        "azureml.parentRunId",
        "parentRunId",
        "rootRunId",
        "azureml.git.repository_uri",
        "azureml.git.branch",
        "azureml.git.commit",
        "mlflow.source.git.repoURL",
        "mlflow.source.git.branch",
        "mlflow.source.git.commit",
        "best_child_run_id",
        "model_name",
        "iteration",
        "score",
    }
)
"""Properties that a workflow decides by. All others can be read from the run or the model when they are needed."""

KEPT_TAGS = frozenset({"GITHUB_REPOSITORY", "GITHUB_SHA", "GITHUB_REF", "GITHUB_ACTOR", "mlflow.parentRunId"})
"""Tags that say where a run or a model comes from."""

PERSONAL = frozenset({"claims", "authorization", "httpRequest"})
"""Keys of the events of Azure Resource Manager that describe the person who acted. They are never passed on."""

_ESSENTIAL = frozenset(
    {
        "experimentid",
        "experimentname",
        "runid",
        "runtype",
        "runstatus",
        "modelname",
        "modelversion",
        "servicename",
        "servicecomputetype",
        "modelids",
        "datadriftid",
        "datadriftname",
        "basedatasetid",
        "targetdatasetid",
        "driftcoefficient",
        "starttime",
        "endtime",
        "api",
        "url",
        "blobtype",
        "contenttype",
        "contentlength",
        "etag",
        "sequencer",
        "resourceuri",
        "operationname",
        "status",
    }
)
"""Keys of `data`, in lower case, that say what the event is about."""

_PROPERTIES = frozenset({"runproperties", "modelproperties", "serviceproperties", "properties"})
_TAGS = frozenset({"runtags", "modeltags", "servicetags", "tags"})
_ROOM_FOR_LIST = 4_000
_NAMED_AT_MOST = 30
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Dispatch:
    """One `repository_dispatch`.

    Attributes:
        event_type: its name, such as `machinelearningservices-runcompleted`.
        client_payload: what the workflow finds in `github.event.client_payload`.
        trimmed: what was left out of `data`, as the payload lists it in `data.trimmed`.
    """

    event_type: str
    client_payload: dict[str, Any]
    trimmed: tuple[str, ...] = ()

    @property
    def body(self) -> dict[str, Any]:
        """The request's body."""
        return {"event_type": self.event_type, "client_payload": self.client_payload}


def dispatch_type(event_type: str) -> str:
    """The dispatch's name: everything behind the first dot in lower case, joined by hyphens.

    `Microsoft.MachineLearningServices.RunCompleted` becomes `machinelearningservices-runcompleted`.
    """
    _, _, rest = event_type.partition(".")
    return (rest or event_type).replace(".", "-").lower()[:LONGEST_TYPE]


def event_source(event_type: str) -> str:
    """The second part of the event type, such as `MachineLearningServices`; the whole of one without parts."""
    parts = event_type.split(".")
    return parts[1] if len(parts) > 1 else event_type


def build(event: Event) -> Dispatch:
    """The dispatch for an event; data that does not fit is left out, the largest first."""
    data, trimmed = _fitting(event)
    payload = _around(event, {**data, "trimmed": _shown(trimmed)} if trimmed else data)
    if size(payload) > LIMIT:  # something else than the data is huge: the ids still tell what to look up
        trimmed = ["data"]
        payload = _around(event, {"trimmed": trimmed}) | {"subject": event.subject[:1000], "topic": event.source[:1000]}
    return Dispatch(dispatch_type(event.type), payload, tuple(trimmed))


def size(value: object) -> int:
    """Bytes of a value in the JSON that is sent."""
    return len(json.dumps(value))


def _around(event: Event, data: object) -> dict[str, Any]:
    return {
        "data": data,
        "event_source": event_source(event.type),
        "integration": True,
        "event_type": event.type,
        "subject": event.subject,
        "topic": event.source,
        "id": event.id,
        "time": event.time,
        "correlation_id": event.correlation_id,
    }


def _fitting(event: Event) -> tuple[Any, list[str]]:
    """The event's data as far as it fits, and what was left out."""
    if not isinstance(event.data, Mapping):
        fits = size(_around(event, event.data)) <= LIMIT
        return (event.data, []) if fits else ({}, ["data"])
    data = {
        key: dict(value) if _is_map(key, value) else value for key, value in event.data.items() if key not in PERSONAL
    }
    trimmed = [key for key in event.data if key in PERSONAL]
    surplus = size(_around(event, data)) - LIMIT
    if surplus > 0:
        surplus += _ROOM_FOR_LIST
        for holder, key, name in _candidates(data):
            surplus -= size({key: holder.pop(key)})
            trimmed.append(name)
            if surplus <= 0:
                break
    return data, trimmed


def _candidates(data: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, str]]:
    """What may be left out, in the order in which it goes: holder, key in it, name for the list.

    First the properties that nobody decides by, then such tags, then other data, last what is kept as long as possible;
    the largest first within each.
    """
    maps = {key: value for key, value in data.items() if _is_map(key, value)}
    inner = [(key, holder, name) for key, holder in maps.items() for name in holder]
    tiers = (
        [
            (holder, n, f"{key}.{n}")
            for key, holder, n in inner
            if key.lower() in _PROPERTIES and n not in KEPT_PROPERTIES
        ],
        [(holder, n, f"{key}.{n}") for key, holder, n in inner if key.lower() in _TAGS and n not in KEPT_TAGS],
        [(data, key, key) for key in data if key not in maps and key.lower() not in _ESSENTIAL],
        [(holder, n, f"{key}.{n}") for key, holder, n in inner if n in KEPT_PROPERTIES | KEPT_TAGS],
        [(data, key, key) for key in data if key.lower() in _ESSENTIAL],
    )
    for tier in tiers:
        yield from sorted(tier, key=lambda candidate: size(candidate[0][candidate[1]]), reverse=True)


def _is_map(key: str, value: object) -> bool:
    return isinstance(value, Mapping) and key.lower() in _PROPERTIES | _TAGS


def _shown(trimmed: list[str]) -> list[str]:
    """The list of what was left out, itself kept short."""
    shown = [name if size(name) <= _LONGEST_NAME else f"{name[:12]}..." for name in trimmed[:_NAMED_AT_MOST]]
    if more := len(trimmed) - len(shown):
        shown.append(f"and {more} more")
    return shown
