"""Which events a subscription gets: event types, the subject's ends, and advanced filters of every operator.

Between filters stands AND, between the values of one filter OR; strings are compared without regard to case. A key that the event
does not have (or whose value is of another type) matches the operators that say "not", and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from aml_emulator.eventgrid.events import Event, topic_type_of
from aml_emulator.http import ServiceError

MOST_FILTERS = 25
MOST_VALUES = 25
MOST_CHARACTERS = 512

_ABSENT = object()
_TOP_KEYS = ("id", "topic", "source", "subject", "eventtype", "type", "dataversion")

Test = Callable[[Any, Any], bool]
"""Whether a value of the event fits one value of the filter."""


def _number_in_range(value: float, pair: Any) -> bool:  # noqa: ANN401 - JSON of a filter
    low, high = pair
    return bool(low <= value <= high)


_NUMBERS: dict[str, Test] = {
    "NumberIn": lambda value, wanted: value == wanted,
    "NumberLessThan": lambda value, limit: value < limit,
    "NumberGreaterThan": lambda value, limit: value > limit,
    "NumberLessThanOrEquals": lambda value, limit: value <= limit,
    "NumberGreaterThanOrEquals": lambda value, limit: value >= limit,
    "NumberInRange": _number_in_range,
}
_STRINGS: dict[str, Test] = {
    "StringIn": lambda value, wanted: value.lower() == wanted.lower(),
    "StringBeginsWith": lambda value, wanted: value.lower().startswith(wanted.lower()),
    "StringEndsWith": lambda value, wanted: value.lower().endswith(wanted.lower()),
    "StringContains": lambda value, wanted: wanted.lower() in value.lower(),
}
_NEGATIONS = {
    "NumberNotIn": "NumberIn",
    "NumberNotInRange": "NumberInRange",
    "StringNotIn": "StringIn",
    "StringNotBeginsWith": "StringBeginsWith",
    "StringNotEndsWith": "StringEndsWith",
    "StringNotContains": "StringContains",
}
_SINGLE = (
    "BoolEquals",
    "NumberLessThan",
    "NumberGreaterThan",
    "NumberLessThanOrEquals",
    "NumberGreaterThanOrEquals",
)
_UNARY = ("IsNullOrUndefined", "IsNotNull")

OPERATORS = (*_NUMBERS, *_STRINGS, *_NEGATIONS, "BoolEquals", *_UNARY)


def matches(settings: dict[str, Any], event: Event) -> bool:
    """Whether a subscription with this filter gets the event."""
    return (
        _type_matches(settings.get("includedEventTypes"), event)
        and _subject_matches(settings, event.subject)
        and all(
            _holds(one, event, bool(settings.get("enableAdvancedFilteringOnArrays")))
            for one in settings.get("advancedFilters") or []
        )
    )


def _type_matches(included: list[str] | None, event: Event) -> bool:
    if included is None:
        kind = topic_type_of(event.source)
        return kind is not None and event.type in kind.default_events
    wanted = {name.lower() for name in included}
    return "all" in wanted or event.type.lower() in wanted


def _subject_matches(settings: dict[str, Any], subject: str) -> bool:
    begins, ends = str(settings.get("subjectBeginsWith") or ""), str(settings.get("subjectEndsWith") or "")
    if not settings.get("isSubjectCaseSensitive"):
        begins, ends, subject = begins.lower(), ends.lower(), subject.lower()
    return subject.startswith(begins) and subject.endswith(ends)


def _holds(one: dict[str, Any], event: Event, on_arrays: bool) -> bool:
    operator, found = str(one["operatorType"]), value_of(event, str(one["key"]))
    if operator in _UNARY:
        return (found is _ABSENT or found is None) == (operator == "IsNullOrUndefined")
    positive = _NEGATIONS.get(operator, operator)
    wanted = [one["value"]] if operator in _SINGLE else one.get("values") or []
    values: Iterable[Any] = found if isinstance(found, list) and on_arrays else [found]
    fits = any(_fits(positive, value, item) for value in values for item in wanted)
    return not fits if operator in _NEGATIONS else fits


def _fits(operator: str, value: Any, wanted: Any) -> bool:  # noqa: ANN401 - JSON of an event and of a filter
    if operator == "BoolEquals":
        return isinstance(value, bool) and value == wanted
    if operator in _NUMBERS:
        return _is_number(value) and _NUMBERS[operator](value, wanted)
    return isinstance(value, str) and _STRINGS[operator](value, wanted)


def value_of(event: Event, key: str) -> Any:  # noqa: ANN401 - any JSON
    """What a filter's key names in an event; an object of no other use when it has none."""
    first, *rest = key.split(".")
    if first.lower() != "data":
        top = {
            "id": event.id,
            "topic": event.source,
            "source": event.source,
            "subject": event.subject,
            "eventtype": event.type,
            "type": event.type,
            "dataversion": event.data_version,
        }
        return top.get(key.lower(), _ABSENT)
    found: Any = event.data
    for name in rest:
        found = _member(found, name)
    return found


def text_of(event: Event, key: str) -> str | None:
    """What a key names, as the value of a header; None when the event has none."""
    found = value_of(event, key)
    if found is _ABSENT or found is None or isinstance(found, (dict, list)):
        return None
    return str(found).lower() if isinstance(found, bool) else str(found)


def _member(holder: Any, name: str) -> Any:  # noqa: ANN401 - any JSON
    if not isinstance(holder, dict):
        return _ABSENT
    if name in holder:
        return holder[name]
    return next((value for key, value in holder.items() if key.lower() == name.lower()), _ABSENT)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def check_advanced(filters: object) -> list[dict[str, Any]]:
    """The advanced filters of a request, their operators spelled as the service spells them.

    Raises:
        ServiceError: 400 for one that means nothing.

    """
    if not isinstance(filters, list):
        raise _invalid("advancedFilters must be an array.")
    if len(filters) > MOST_FILTERS:
        raise _invalid(f"a subscription has at most {MOST_FILTERS} advanced filters, not {len(filters)}.")
    checked = [_checked(one) for one in filters]
    count = sum(len(one.get("values", [None])) for one in checked)
    if count > MOST_VALUES:
        raise _invalid(
            f"the advanced filters of a subscription hold at most {MOST_VALUES} values together, not {count}."
        )
    return checked


def _checked(one: object) -> dict[str, Any]:
    if not isinstance(one, dict):
        raise _invalid(f"an advanced filter must be an object, not {one!r}.")
    operators = {name.lower(): name for name in OPERATORS}
    operator = operators.get(str(one.get("operatorType", "")).lower())
    if operator is None:
        raise _invalid(f"operatorType {one.get('operatorType')!r} is unknown. Allowed: {', '.join(OPERATORS)}.")
    key = one.get("key")
    if not isinstance(key, str) or not _is_key(key):
        raise _invalid(
            f"the key {key!r} of {operator} names nothing. Allowed: id, topic or source, subject, eventType or type, dataVersion, "
            "and data.<path>."
        )
    checked: dict[str, Any] = {"operatorType": operator, "key": key}
    if operator in _UNARY:
        return checked
    positive = _NEGATIONS.get(operator, operator)
    if operator in _SINGLE:
        checked["value"] = _value(operator, positive, one.get("value"))
        return checked
    values = one.get("values")
    if not isinstance(values, list) or not values:
        raise _invalid(f"{operator} of '{key}' needs an array 'values' that is not empty.")
    checked["values"] = [_value(operator, positive, value) for value in values]
    return checked


def _is_key(key: str) -> bool:
    first, *rest = key.split(".")
    return all(rest) and bool(rest) if first.lower() == "data" else key.lower() in _TOP_KEYS


def _value(operator: str, positive: str, value: Any) -> Any:  # noqa: ANN401 - any JSON
    if positive == "BoolEquals":
        fits, kind = isinstance(value, bool), "true or false"
    elif positive == "NumberInRange":
        fits = isinstance(value, list) and len(value) == 2 and all(_is_number(end) for end in value)
        kind = "pairs of numbers, [from, to]"
    elif positive in _NUMBERS:
        fits, kind = _is_number(value), "numbers"
    else:
        fits = isinstance(value, str) and len(value) <= MOST_CHARACTERS
        kind = f"strings of at most {MOST_CHARACTERS} characters"
    if not fits:
        raise _invalid(f"{operator} takes {kind}, not {value!r}.")
    return value


def _invalid(message: str) -> ServiceError:
    return ServiceError(400, "InvalidRequest", f"The filter of the event subscription is invalid: {message}")
