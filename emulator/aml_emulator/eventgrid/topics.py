"""System topics: the events of one workspace or storage account, under a name that subscriptions are put below."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from aml_emulator.eventgrid.events import TOPIC_TYPES, topic_type_of
from aml_emulator.eventgrid.publishing import SUBSCRIPTION, TOPIC
from aml_emulator.http import Router, ServiceError, not_emulated
from aml_emulator.providers.checks import linked
from aml_emulator.providers.generic import Put, register_type
from aml_emulator.providers.identities import assigned

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

_NOT_RAISED = (
    "Microsoft.Resources.",
    "Microsoft.KeyVault.",
    "Microsoft.ContainerRegistry.",
    "Microsoft.Eventhub.",
    "Microsoft.ServiceBus.",
    "Microsoft.Web.",
)


def register(router: Router, emulator: Emulator) -> None:
    """Routes of system topics."""
    register_type(router, emulator, TOPIC, name_pattern=r"[a-zA-Z0-9-]{3,128}", on_put=_check, location="any")


def _check(put: Put) -> None:
    fields, properties = put.fields, put.properties
    asked = fields.text("topicType", required=True)
    kind = next((known for known in TOPIC_TYPES if known.name.lower() == asked.lower()), None)
    if kind is None:
        if asked.lower().startswith(tuple(prefix.lower() for prefix in _NOT_RAISED)):
            raise not_emulated(
                f"events of {asked}; those of {' and '.join(one.name for one in TOPIC_TYPES)} are raised"
            )
        raise _invalid(f"The topic type '{asked}' is unknown. Allowed: {', '.join(one.name for one in TOPIC_TYPES)}.")
    source = linked(put.emulator, fields.text("source", required=True), "properties.source")
    if topic_type_of(source.id) is not kind:
        raise _invalid(f"The source '{source.id}' is no {kind.source_type}, which the topic type {kind.name} is for.")
    if put.old is not None and str(put.old.properties["source"]).lower() != source.id.lower():
        raise _invalid("The source of a system topic cannot be changed. Delete the topic, or create another.")
    location = str(source.body.get("location") or put.body["location"])
    if put.body["location"] != location:
        raise _invalid(
            f"The location '{put.body['location']}' of the system topic must be that of its source, which is '{location}'."
        )
    for other in put.emulator.resources.all_of(TOPIC):
        same = str(other.properties["source"]).lower() == source.id.lower()
        if same and other.id.lower() != put.resource_id.lower():
            raise _invalid(
                f"Only one system topic is allowed per source. The system topic of '{source.id}' is '{other.id}': use that one."
            )
    if (
        identity := assigned(put.emulator, put.body.get("identity"), put.old, both="SystemAssigned,UserAssigned")
    ) is not None:
        put.body["identity"] = identity
    properties |= {"source": source.id, "topicType": kind.name}
    put.once("metricResourceId", lambda: str(uuid.uuid4()))


def _invalid(message: str) -> ServiceError:
    return ServiceError(400, "InvalidRequest", message)


__all__ = ["SUBSCRIPTION", "register"]
