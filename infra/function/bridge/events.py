"""An event as the function sees it, whichever schema (Event Grid, CloudEvents 1.0) and casing it came in."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from bridge.errors import UnreadableEvent

VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"

_NAMESPACE = uuid.UUID("6f0d3c1e-4a53-5c0b-9a5e-0c8a5d6b7e21")

_RUN = ("experimentId", "experimentName", "runId", "runType", "runTags", "runProperties", "runStatus")
_DRIFT = (
    "DataDriftId",
    "DataDriftName",
    "RunId",
    "BaseDatasetId",
    "TargetDatasetId",
    "DriftCoefficient",
    "StartTime",
    "EndTime",
)
_SPELLING = {
    "microsoft.machinelearningservices.runcompleted": _RUN,
    "microsoft.machinelearningservices.runstatuschanged": _RUN,
    "microsoft.machinelearningservices.modelregistered": ("ModelName", "ModelVersion", "ModelTags", "ModelProperties"),
    "microsoft.machinelearningservices.modeldeployed": (
        "ServiceName",
        "ServiceComputeType",
        "ModelIds",
        "ServiceTags",
        "ServiceProperties",
    ),
    "microsoft.machinelearningservices.datasetdriftdetected": _DRIFT,
}
"""How the documentation spells the keys of `data`. Azure was seen to send either casing; workflows read this one."""


@dataclass(frozen=True)
class Event:
    """One event.

    Attributes:
        id: the publisher's id; a redelivery carries the same.
        type: such as `Microsoft.MachineLearningServices.RunCompleted`.
        source: resource id of what raised it (`topic` in the Event Grid schema, `source` in CloudEvents).
        subject: such as `experiments/<id>/runs/<id>`.
        time: when it was raised, ISO 8601 in UTC; empty when it is not known.
        data: what the publisher says about it; keys of Machine Learning events in the documented casing.
    """

    id: str
    type: str
    source: str
    subject: str
    time: str
    data: Any

    @property
    def correlation_id(self) -> str:
        """One id from the event to the dispatch: the same for every delivery of the event, by any schema."""
        return str(uuid.uuid5(_NAMESPACE, "\n".join((self.source.lower(), self.type.lower(), self.id))))

    @property
    def experiment(self) -> str:
        """Name of the experiment of a run; empty for other events."""
        return text(field(self.data, "experimentName"))

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the run, model or service that the event is about."""
        for name in ("runTags", "modelTags", "serviceTags", "tags"):
            found = field(self.data, name)
            if isinstance(found, Mapping):
                return {str(key): text(value) for key, value in found.items()}
        return {}


def field(data: object, name: str) -> object:
    """A key of an object in whatever casing it has; None when there is none, or no object."""
    if not isinstance(data, Mapping):
        return None
    if name in data:
        return data[name]
    wanted = name.lower()
    return next((value for key, value in data.items() if str(key).lower() == wanted), None)


def text(value: object) -> str:
    """A value as text: versions come as numbers from some publishers and as strings from others."""
    return "" if value is None else str(value)


def from_document(document: object) -> Event:
    """An event from its JSON, in either schema.

    Raises:
        UnreadableEvent: it is no object, or says neither what it is nor which.
    """
    if not isinstance(document, Mapping):
        raise UnreadableEvent(f"An event is an object; this is {type(document).__name__}.")
    cloud = "specversion" in document
    return make(
        identity=document.get("id"),
        kind=document.get("type" if cloud else "eventType"),
        source=document.get("source" if cloud else "topic"),
        subject=document.get("subject"),
        time=document.get("time" if cloud else "eventTime"),
        data=document.get("data"),
    )


def make(*, identity: object, kind: object, source: object, subject: object, time: object, data: object) -> Event:
    """An event from its parts, as either schema has them.

    Raises:
        UnreadableEvent: it says neither what it is nor which.
    """
    if not (isinstance(identity, str) and identity and isinstance(kind, str) and kind):
        raise UnreadableEvent("The event has no id or no type, so it can neither be told from others nor be named.")
    return Event(
        id=identity,
        type=kind,
        source=text(source),
        subject=text(subject),
        time=_utc(time),
        data=_spelled(kind, _parsed(data)),
    )


def _parsed(data: object) -> object:
    """The data itself where a publisher sends it as text, as the old function did."""
    if isinstance(data, str):
        try:
            return json.loads(data)
        except ValueError:
            return data
    return data


def _spelled(kind: str, data: object) -> object:
    """The data with the documented casing of its known keys; values and unknown keys stay as they are."""
    known = {name.lower(): name for name in _SPELLING.get(kind.lower(), ())}
    if not isinstance(data, Mapping):
        return data
    spelled = {}
    for key, value in data.items():
        documented = known.get(str(key).lower(), key)
        spelled[documented if documented not in data else key] = value
    return spelled


def _utc(time: object) -> str:
    if isinstance(time, str):
        try:
            found = datetime.fromisoformat(time)
        except ValueError:
            return time
    elif isinstance(time, datetime):
        found = time
    else:
        return ""
    if found.tzinfo is None:
        found = found.replace(tzinfo=timezone.utc)  # the worker parses what ends with Z into a time without a zone
    return found.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
