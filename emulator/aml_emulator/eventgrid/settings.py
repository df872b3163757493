"""An event subscription as the delivery sees it: typed, read from the stored resource."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aml_emulator.resources import Resource

AZURE_FUNCTION = "AzureFunction"
WEB_HOOK = "WebHook"

GRID_SCHEMA = "EventGridSchema"
CLOUD_SCHEMA = "CloudEventSchemaV1_0"

SECRETS = "secrets"
"""Member of the stored properties with what ARM never gives back: `endpointUrl`, and the values of secret delivery attributes."""

DEFAULT_ATTEMPTS, DEFAULT_MINUTES, DEFAULT_BATCH, DEFAULT_KILOBYTES = 30, 1440, 1, 64


@dataclass(frozen=True)
class DeadLetterPlace:
    """The blob container for events that could not be delivered."""

    account_id: str
    container: str


@dataclass(frozen=True)
class Attribute:
    """A header of every delivery: a fixed value, or the value of a field of the event."""

    name: str
    value: str = ""
    source_field: str = ""


@dataclass(frozen=True)
class Subscription:
    """Where events go, which, how, and for how long it is tried.

    Attributes:
        id: ARM id of the event subscription.
        name: its name.
        kind: AzureFunction or WebHook.
        function_id: ARM id of the function; empty for a webhook.
        url: address of the webhook, with its secrets; empty for a function.
        schema: EventGridSchema or CloudEventSchemaV1_0.
        filter: as it was stored.
        most_attempts: 1 to 30.
        minutes_to_live: 1 to 1440, in Azure's time.
        most_events: of one delivery.
        preferred_bytes: of one delivery: an event more is not added when it would be exceeded.
        dead_letter: where undeliverable events go; None: they are dropped.
        attributes: headers of each delivery.
        active: false while the endpoint has not been validated.
    """

    id: str
    name: str
    kind: str
    function_id: str
    url: str
    schema: str
    filter: dict[str, Any]
    most_attempts: int
    minutes_to_live: int
    most_events: int
    preferred_bytes: int
    dead_letter: DeadLetterPlace | None
    attributes: tuple[Attribute, ...]
    active: bool


def read(resource: Resource) -> Subscription:
    """The subscription of a stored resource."""
    properties = resource.properties
    destination = destination_of(properties)
    details = destination.get("properties") or {}
    secrets = properties.get(SECRETS) or {}
    retry = properties.get("retryPolicy") or {}
    return Subscription(
        id=resource.id,
        name=resource.name,
        kind=str(destination.get("endpointType")),
        function_id=str(details.get("resourceId") or ""),
        url=str(secrets.get("endpointUrl") or ""),
        schema=str(properties.get("eventDeliverySchema") or GRID_SCHEMA),
        filter=properties.get("filter") or {},
        most_attempts=int(retry.get("maxDeliveryAttempts", DEFAULT_ATTEMPTS)),
        minutes_to_live=int(retry.get("eventTimeToLiveInMinutes", DEFAULT_MINUTES)),
        most_events=int(details.get("maxEventsPerBatch", DEFAULT_BATCH)),
        preferred_bytes=int(details.get("preferredBatchSizeInKilobytes", DEFAULT_KILOBYTES)) * 1024,
        dead_letter=_dead_letter(properties),
        attributes=tuple(_attributes(details, secrets)),
        active=properties.get("provisioningState") == "Succeeded",
    )


def destination_of(properties: dict[str, Any]) -> dict[str, Any]:
    """The destination, with or without an identity for the delivery; {} when there is none."""
    found = properties.get("destination") or (properties.get("deliveryWithResourceIdentity") or {}).get("destination")
    return found if isinstance(found, dict) else {}


def dead_letter_of(properties: dict[str, Any]) -> dict[str, Any]:
    """The dead-letter destination, with or without an identity; {} when there is none."""
    with_identity = properties.get("deadLetterWithResourceIdentity") or {}
    found = properties.get("deadLetterDestination") or with_identity.get("deadLetterDestination")
    return found if isinstance(found, dict) else {}


def _dead_letter(properties: dict[str, Any]) -> DeadLetterPlace | None:
    details = dead_letter_of(properties).get("properties") or {}
    if not details:
        return None
    return DeadLetterPlace(str(details["resourceId"]), str(details["blobContainerName"]))


def _attributes(details: dict[str, Any], secrets: dict[str, Any]) -> list[Attribute]:
    hidden = secrets.get("attributes") or {}
    found = []
    for mapping in details.get("deliveryAttributeMappings") or []:
        own, name = mapping.get("properties") or {}, str(mapping["name"])
        if mapping["type"] == "Dynamic":
            found.append(Attribute(name, source_field=str(own["sourceField"])))
        else:
            found.append(Attribute(name, value=str(hidden.get(name, own.get("value", "")))))
    return found
