"""What a request says, checked as it is read: required members, enums without regard to case, ranges, ids of other resources.

The resource providers of Azure each have codes of their own for a member that is missing or wrong. Here they share ARM's
`InvalidRequestContent`; where a code is known (names, locations, links), it is that one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.arm.subscriptions import LOCATIONS
from aml_emulator.http import ServiceError, not_found

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)

_ID = re.compile(r"/subscriptions/[^/]+(/resourceGroups/[^/]+)?/providers/[^/]+(/[^/]+/[^/]+)+", re.IGNORECASE)


def invalid(path: str, message: str, code: str = "InvalidRequestContent") -> ServiceError:
    """A member of the request that the provider refuses; `path` is where it stands, for example `properties.sku.name`."""
    return ServiceError(400, code, f"The request content is invalid at '{path}': {message}", target=path)


def region(location: object, resource_type: str, *, worldwide: bool = False, regional: bool = True) -> str:
    """The short name of a resource's location.

    Args:
        location: what the request says: `West Europe` and `westeurope` are the same.
        resource_type: ARM type, for the message.
        worldwide: `global` is allowed.
        regional: regions are allowed.

    Raises:
        ServiceError: 400 LocationRequired, or LocationNotAvailableForResourceType.

    """
    if not location:
        raise ServiceError(400, "LocationRequired", "The location property is required for this definition.")
    name = str(location).replace(" ", "").lower()
    allowed = [*(["global"] if worldwide else []), *(dict(LOCATIONS) if regional else [])]
    if name not in allowed:
        raise ServiceError(
            400,
            "LocationNotAvailableForResourceType",
            f"The provided location '{location}' is not available for resource type '{resource_type}'. List of available regions "
            f"for the resource type is '{','.join(allowed)}'.",
        )
    return name


def linked(emulator: Emulator, resource_id: object, path: str, resource_type: str | None = None) -> Resource:
    """The resource that an id in a request names.

    Raises:
        ServiceError: 400 LinkedInvalidPropertyId for text that is no id, or an id of another type; 404 when it is not there.

    """
    text = str(resource_id).rstrip("/")
    if not isinstance(resource_id, str) or not _ID.fullmatch(text):
        raise ServiceError(
            400,
            "LinkedInvalidPropertyId",
            f"Property id '{resource_id}' at path '{path}' is invalid. Expect fully qualified resource Id that start with "
            "'/subscriptions/{subscriptionId}' or '/providers/{resourceProviderNamespace}/'.",
            target=path,
        )
    if resource_type and ids.type_of(text).lower() != resource_type.lower():
        raise ServiceError(
            400,
            "LinkedInvalidPropertyId",
            f"Property id '{resource_id}' at path '{path}' is invalid: its type is {ids.type_of(text)}, expected {resource_type}.",
            target=path,
        )
    found = emulator.resources.get(text)
    if found is None:
        raise not_found(text)
    return found


class Fields:
    """An object of a request, read member by member. Reading writes the canonical spelling back, and the default where one is given."""

    def __init__(self, body: Body, path: str = "properties") -> None:
        self.body = body
        self.path = path

    def at(self, name: str) -> str:
        """Where a member stands."""
        return f"{self.path}.{name}"

    def _get(self, name: str, kind: type, *, required: bool) -> Any:  # noqa: ANN401 - any JSON
        value = self.body.get(name)
        if value is None or (value == "" and required):
            if required:
                raise invalid(self.at(name), "it is required.")
            return None
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            words = {str: "a string", bool: "true or false", int: "a whole number", dict: "an object", list: "an array"}
            raise invalid(self.at(name), f"it must be {words[kind]}, not {value!r}.")
        return value

    def text(
        self, name: str, *, required: bool = False, pattern: re.Pattern[str] | None = None, default: str | None = None
    ) -> str:
        """A string; "" when it is absent and has no default."""
        value = self._get(name, str, required=required)
        if value is None:
            if default is None:
                return ""
            value = self.body[name] = default
        if pattern is not None and value and not pattern.fullmatch(value):
            raise invalid(self.at(name), f"'{value}' does not match {pattern.pattern}.")
        return str(value)

    def choice(
        self, name: str, allowed: Iterable[str], *, required: bool = False, default: str | None = None
    ) -> str | None:
        """One of some words, whatever their case; None when it is absent and has no default."""
        value = self._get(name, str, required=required)
        if value is None:
            if default is not None:
                self.body[name] = default
            return default
        words = {word.lower(): word for word in allowed}
        if value.lower() not in words:
            raise invalid(self.at(name), f"'{value}' is not allowed. Allowed: {', '.join(words.values())}.")
        self.body[name] = words[value.lower()]
        return words[value.lower()]

    def number(
        self, name: str, least: int, most: int, *, required: bool = False, default: int | None = None
    ) -> int | None:
        """A whole number of a range; None when it is absent and has no default."""
        value = self._get(name, int, required=required)
        if value is None:
            if default is not None:
                self.body[name] = default
            return default
        if not least <= value <= most:
            raise invalid(self.at(name), f"{value} is out of range: {least} to {most}.")
        return int(value)

    def flag(self, name: str, *, required: bool = False, default: bool | None = None) -> bool | None:
        """True or false; None when it is absent and has no default."""
        value = self._get(name, bool, required=required)
        if value is None and default is not None:
            value = self.body[name] = default
        return None if value is None else bool(value)

    def inner(self, name: str, *, required: bool = False) -> Fields:
        """An object; one without members when it is absent."""
        found = self._get(name, dict, required=required)
        return Fields({} if found is None else found, self.at(name))

    def items(self, name: str, *, required: bool = False) -> list[Fields]:
        """The objects of an array.

        Raises:
            ServiceError: it is required and empty, or one of them is no object.

        """
        found = self._get(name, list, required=required) or []
        if required and not found:
            raise invalid(self.at(name), "it must not be empty.")
        for number, item in enumerate(found):
            if not isinstance(item, dict):
                raise invalid(f"{self.at(name)}[{number}]", f"it must be an object, not {item!r}.")
        return [Fields(item, f"{self.at(name)}[{number}]") for number, item in enumerate(found)]

    def words(self, name: str, *, required: bool = False) -> list[str]:
        """The strings of an array."""
        found = self._get(name, list, required=required) or []
        if (required and not found) or any(not isinstance(item, str) for item in found):
            raise invalid(self.at(name), f"it must be an array of strings{', not empty' if required else ''}.")
        return list(found)

    def link(
        self, emulator: Emulator, name: str, resource_type: str | None = None, *, required: bool = False
    ) -> Resource | None:
        """The resource that an id names; None when there is no id."""
        value = self._get(name, str, required=required)
        return linked(emulator, value, self.at(name), resource_type) if value else None
