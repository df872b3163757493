"""Event subscriptions: of system topics, and put on a source directly. Checked as Event Grid checks them, endpoints validated."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from aml_emulator import ids
from aml_emulator.arm.subscriptions import GROUP
from aml_emulator.eventgrid import dead_letters, filters, settings, validation
from aml_emulator.eventgrid.events import topic_type_of
from aml_emulator.eventgrid.publishing import EXTENSION, SUBSCRIPTION
from aml_emulator.http import Call, Reply, Router, ServiceError, not_emulated, not_found
from aml_emulator.ml.scope import page
from aml_emulator.providers.checks import Fields
from aml_emulator.providers.generic import Kind, Put, actor_of, find_scope, register_extension, register_type

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

_NAME = re.compile(r"[a-zA-Z0-9-]{3,64}")
_HIDDEN = "Hidden"
_MOST_ATTRIBUTES = 10
_MOST_ATTRIBUTE_BYTES = 4096
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")
_REFUSED_HEADERS = re.compile(r"aeg-.*|content-.*|host|connection|transfer-encoding|authorization-?", re.IGNORECASE)
_MEMBERS = (
    "destination",
    "deliveryWithResourceIdentity",
    "filter",
    "eventDeliverySchema",
    "retryPolicy",
    "deadLetterDestination",
    "deadLetterWithResourceIdentity",
    "labels",
    "expirationTimeUtc",
)


def register(router: Router, emulator: Emulator) -> None:
    """Routes of event subscriptions in both forms."""
    of_topics = f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/{{parent0}}/eventSubscriptions"
    of_sources = f"/{{scope:path}}/providers/{EXTENSION}"

    def of_topic(call: Call) -> str:
        group = ids.resource_group_id(call.params["subscription"], call.params["group"])
        return f"{group}/providers/{SUBSCRIPTION.rsplit('/', 1)[0]}/{call.params['parent0']}/eventSubscriptions"

    def of_source(call: Call) -> str:
        return f"{find_scope(emulator, call)}/providers/{EXTENSION}"

    def find(collection: str, call: Call) -> Resource:
        resource_id = f"{collection}/{call.params['name']}"
        found = emulator.resources.get(resource_id)
        if found is None:
            raise not_found(resource_id)
        return found

    kinds: dict[str, Kind] = {}

    for base, collection_of, kind_type in ((of_topics, of_topic, SUBSCRIPTION), (of_sources, of_source, EXTENSION)):

        def patch(call: Call, collection_of: Any = collection_of, kind_type: str = kind_type) -> Reply:  # noqa: ANN401
            """An update names the members themselves, without `properties` around them."""
            found, changes = find(collection_of(call), call), call.json()
            if unknown := [name for name in changes if name not in _MEMBERS]:
                raise _invalid(f"{', '.join(unknown)} cannot be updated. Allowed: {', '.join(_MEMBERS)}.")
            sent = {"properties": {**found.properties, **_other_forms_removed(changes)}}
            kind = kinds[kind_type]
            stored, _ = kind.put(emulator, found.id, sent, actor_of(call))
            return Reply(201, kind.shown(stored))

        def full_url(call: Call, collection_of: Any = collection_of) -> Reply:  # noqa: ANN401
            subscription = settings.read(find(collection_of(call), call))
            if subscription.kind != settings.WEB_HOOK:
                raise _invalid("Only the destination type WebHook has an endpoint URL.")
            return Reply(body={"endpointUrl": subscription.url})

        def attributes(call: Call, collection_of: Any = collection_of) -> Reply:  # noqa: ANN401
            return Reply(body={"value": _with_secrets(find(collection_of(call), call).properties)})

        router.add("PATCH", f"{base}/{{name}}", patch)
        router.add("POST", f"{base}/{{name}}/getFullUrl", full_url)
        router.add("POST", f"{base}/{{name}}/getDeliveryAttributes", attributes)

    def listing(call: Call) -> Reply:
        found = emulator.resources.list(find_scope(emulator, call), EXTENSION)
        return page(emulator, call, [kinds[EXTENSION].shown(item) for item in found])

    router.add("GET", of_sources, listing)
    kinds[SUBSCRIPTION] = register_type(
        router,
        emulator,
        SUBSCRIPTION,
        name_pattern=_NAME,
        on_put=_of_topic,
        on_stored=_validate_later,
        on_delete=_deleted,
        hidden=(f"properties.{settings.SECRETS}",),
        name_code="InvalidRequest",
    )
    kinds[EXTENSION] = register_extension(
        router,
        emulator,
        EXTENSION,
        name_pattern=_NAME,
        on_put=_of_source,
        on_stored=_validate_later,
        on_delete=_deleted,
        hidden=(f"properties.{settings.SECRETS}",),
        name_code="InvalidRequest",
        with_list=False,
    )
    validation.register(router, emulator)


def _deleted(emulator: Emulator, gone: Resource) -> None:
    emulator.events.records.drop_of(gone.id, "SubscriptionDeleted")


def _validate_later(emulator: Emulator, stored: Resource, old: Resource | None) -> None:
    validation.settle(emulator, stored)


def _other_forms_removed(changes: Body) -> Body:
    """A new destination replaces one in the other form, with or without an identity."""
    pairs = (
        ("destination", "deliveryWithResourceIdentity"),
        ("deadLetterDestination", "deadLetterWithResourceIdentity"),
    )
    removed: Body = {}
    for one, other in pairs:
        if one in changes:
            removed[other] = None
        elif other in changes:
            removed[one] = None
    return {**removed, **changes}


def _with_secrets(properties: Body) -> list[Body]:
    details = settings.destination_of(properties).get("properties") or {}
    hidden = (properties.get(settings.SECRETS) or {}).get("attributes") or {}
    found = []
    for mapping in details.get("deliveryAttributeMappings") or []:
        name, own = mapping["name"], dict(mapping["properties"])
        if name in hidden:
            own["value"] = hidden[name]
        found.append({**mapping, "properties": own})
    return found


# ---------------------------------------------------------------- checks


def _of_topic(put: Put) -> None:
    topic = put.emulator.resources.get(put.parent)
    _check(put, str(topic.properties["source"]) if topic else put.parent)


def _of_source(put: Put) -> None:
    if topic_type_of(put.parent) is None:
        raise not_emulated(f"events of {ids.type_of(put.parent)}; those of workspaces and storage accounts are raised")
    _check(put, put.parent)


def _check(put: Put, source: str) -> None:
    """Check a subscription and complete it, as the service shows it."""
    fields, properties = put.fields, put.properties
    properties.pop("endpointBaseUrl", None)
    before = (put.old.properties.get(settings.SECRETS) if put.old else None) or {}
    properties.pop(settings.SECRETS, None)
    properties["topic"] = put.parent
    schema = fields.choice(
        "eventDeliverySchema",
        (settings.GRID_SCHEMA, settings.CLOUD_SCHEMA, "CustomInputSchema"),
        default=settings.GRID_SCHEMA,
    )
    if schema == "CustomInputSchema":
        raise _invalid("CustomInputSchema is not possible: the events of a system topic have no custom schema.")
    if fields.body.get("expirationTimeUtc"):
        raise not_emulated("event subscriptions that expire (expirationTimeUtc)")
    _check_filter(fields.inner("filter"), properties, source)
    retry = fields.inner("retryPolicy")
    retry.number("maxDeliveryAttempts", 1, 30, default=settings.DEFAULT_ATTEMPTS)
    retry.number("eventTimeToLiveInMinutes", 1, 1440, default=settings.DEFAULT_MINUTES)
    properties["retryPolicy"] = retry.body
    fields.words("labels")
    _check_dead_letter(put)
    _check_destination(put, before)


def _check_filter(found: Fields, properties: Body, source: str) -> None:
    kind = topic_type_of(source)
    found.text("subjectBeginsWith", default="")
    found.text("subjectEndsWith", default="")
    found.flag("isSubjectCaseSensitive")
    found.flag("enableAdvancedFilteringOnArrays")
    if found.words("includedEventTypes") == [] and kind is not None:
        found.body["includedEventTypes"] = list(kind.default_events)
    if found.body.get("advancedFilters"):
        found.body["advancedFilters"] = filters.check_advanced(found.body["advancedFilters"])
    properties["filter"] = found.body


def _check_dead_letter(put: Put) -> None:
    properties = put.properties
    if properties.get("deadLetterDestination") and properties.get("deadLetterWithResourceIdentity"):
        raise _invalid("deadLetterDestination and deadLetterWithResourceIdentity exclude each other.")
    found = settings.dead_letter_of(properties)
    if not found:
        return
    _check_identity(put, "deadLetterWithResourceIdentity")
    fields = Fields(found, "properties.deadLetterDestination")
    fields.choice("endpointType", ("StorageBlob",), required=True)
    details = fields.inner("properties", required=True)
    account = details.link(put.emulator, "resourceId", "Microsoft.Storage/storageAccounts", required=True)
    container = details.text("blobContainerName", required=True)
    place = settings.DeadLetterPlace(account.id if account else "", container)
    if not dead_letters.is_there(put.emulator, place):
        raise _invalid(
            f"The dead-letter container '{container}' does not exist in {place.account_id}. Create it first."
        )


def _check_identity(put: Put, member: str) -> None:
    """Delivery with an identity needs a topic that has it."""
    asked = (put.properties.get(member) or {}).get("identity")
    if not asked:
        return
    topic = put.emulator.resources.get(put.parent)
    kind = str(asked.get("type") or "")
    own = str(((topic.body.get("identity") or {}) if topic else {}).get("type") or "None")
    if kind.lower() not in own.replace(" ", "").lower().split(","):
        raise _invalid(
            f"The {member} asks for an identity of type '{kind}', but {put.parent} has '{own}'. Give the system topic that identity."
        )


def _check_destination(put: Put, before: Body) -> None:
    properties = put.properties
    if properties.get("destination") and properties.get("deliveryWithResourceIdentity"):
        raise _invalid("destination and deliveryWithResourceIdentity exclude each other.")
    found = settings.destination_of(properties)
    if not found:
        raise _invalid("An event subscription needs a destination.")
    kind = str(found.get("endpointType") or "")
    if kind.lower() not in (settings.AZURE_FUNCTION.lower(), settings.WEB_HOOK.lower()):
        raise not_emulated(f"destinations of the type '{kind}'; AzureFunction and WebHook are delivered to")
    if properties.get("deliveryWithResourceIdentity"):
        raise not_emulated(f"delivery to {kind} with a managed identity; use 'destination'")
    fields = Fields(found, "properties.destination")
    fields.choice("endpointType", (settings.AZURE_FUNCTION, settings.WEB_HOOK), required=True)
    details = fields.inner("properties", required=True)
    details.number("maxEventsPerBatch", 1, 5000, default=settings.DEFAULT_BATCH)
    details.number("preferredBatchSizeInKilobytes", 1, 1024, default=settings.DEFAULT_KILOBYTES)
    secrets: Body = {}
    if attributes := _secret_attributes(details, before.get("attributes") or {}):
        secrets["attributes"] = attributes
    if found["endpointType"] == settings.WEB_HOOK:
        secrets["endpointUrl"] = _check_webhook(put, details, before)
    else:
        validation.check_function(put.emulator, details.text("resourceId", required=True), put.actor)
    if secrets:
        properties[settings.SECRETS] = secrets


def _check_webhook(put: Put, details: Fields, before: Body) -> str:
    """The endpoint's address, which leaves the destination; what is left of it there is shown."""
    for name in ("azureActiveDirectoryTenantId", "azureActiveDirectoryApplicationIdOrUri"):
        if details.text(name):
            raise not_emulated(f"webhooks that are protected by Entra ({name})")
    url = details.text("endpointUrl")
    base = details.text("endpointBaseUrl")
    details.body.pop("endpointUrl", None)
    if not url and base and base == _base_of(str(before.get("endpointUrl") or "")):
        url = str(before["endpointUrl"])  # an update that leaves the destination as it was shown
    if not url:
        raise _invalid("A WebHook destination needs an endpointUrl.")
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise _invalid("The endpointUrl of a WebHook destination must be an https address.")
    details.body["endpointBaseUrl"] = _base_of(url)
    schema = str(put.properties["eventDeliverySchema"])
    unchanged = put.old is not None and before.get("endpointUrl") == url
    validated = unchanged and put.old is not None and put.old.properties.get("eventDeliverySchema") == schema
    if not (validated and put.old is not None and put.old.properties.get("provisioningState") == "Succeeded"):
        put.properties["provisioningState"] = validation.handshake(
            put.emulator, put.resource_id, put.parent, url, schema
        )
    return url


def _base_of(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _secret_attributes(details: Fields, before: Body) -> Body:
    """Check the delivery attributes; the values of the secret ones, which leave the destination."""
    mappings, found = details.items("deliveryAttributeMappings"), {}
    if len(mappings) > _MOST_ATTRIBUTES:
        raise _invalid(f"A destination has at most {_MOST_ATTRIBUTES} delivery attributes, not {len(mappings)}.")
    for mapping in mappings:
        name = mapping.text("name", required=True, pattern=_HEADER)
        if _REFUSED_HEADERS.fullmatch(name):
            raise _invalid(f"The delivery attribute '{name}' is a header that Event Grid sets by itself.")
        own = mapping.inner("properties", required=True)
        if mapping.choice("type", ("Static", "Dynamic"), required=True) == "Dynamic":
            own.text("sourceField", required=True)
            continue
        value = own.text("value", required=True)
        if len(value.encode()) > _MOST_ATTRIBUTE_BYTES or not (value.isascii() and value.isprintable()):
            raise _invalid(
                f"The value of the delivery attribute '{name}' must be printable ASCII of at most {_MOST_ATTRIBUTE_BYTES} bytes."
            )
        if own.flag("isSecret", default=False):
            found[name] = before[name] if value == _HIDDEN and name in before else value
            own.body["value"] = _HIDDEN
    return found


def _invalid(message: str) -> ServiceError:
    return ServiceError(400, "InvalidRequest", message)
