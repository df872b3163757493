"""Functions of dates, with the .NET formats that templates use."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from aml_emulator.arm.template.errors import TemplateError
from aml_emulator.arm.template.functions.registry import Arguments, function

DEFAULT_FORMAT = "yyyyMMddTHHmmssZ"
"""What `utcNow()` gives without a format."""
_ISO_FORMAT = "yyyy-MM-ddTHH:mm:ssZ"

_STANDARD = {
    "d": "MM/dd/yyyy",
    "D": "dddd, dd MMMM yyyy",
    "t": "HH:mm",
    "T": "HH:mm:ss",
    "g": "MM/dd/yyyy HH:mm",
    "G": "MM/dd/yyyy HH:mm:ss",
    "s": "yyyy-MM-ddTHH:mm:ss",
    "u": "yyyy-MM-dd HH:mm:ssZ",
    "o": "yyyy-MM-ddTHH:mm:ss.fffffffZ",
    "O": "yyyy-MM-ddTHH:mm:ss.fffffffZ",
    "r": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
    "R": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
    "Y": "yyyy MMMM",
    "y": "yyyy MMMM",
    "M": "MMMM dd",
    "m": "MMMM dd",
}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_SPECIFIER = re.compile(r"'[^']*'|\"[^\"]*\"|\\.|y+|M+|d+|H+|h+|m+|s+|f+|F+|t+|z+|K")
_DURATION = re.compile(
    r"(?P<sign>-?)P(?=.)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
    re.ASCII,
)


def formatted(moment: datetime, format_: str) -> str:
    """A moment (UTC) in a .NET format, standard or custom."""
    pattern = _STANDARD.get(format_, format_) if len(format_) == 1 else format_
    return _SPECIFIER.sub(lambda match: _part(moment, match.group()), pattern)


def _part(moment: datetime, token: str) -> str:
    letter, count = token[0], len(token)
    if letter in "'\"":
        return token[1:-1]
    if letter == "\\":
        return token[1:]
    if letter == "y":
        return str(moment.year % 100).rjust(count, "0") if count < 3 else str(moment.year).rjust(count, "0")
    if letter == "M" and count > 2:
        name = _MONTHS[moment.month - 1]
        return name[:3] if count == 3 else name
    if letter == "d" and count > 2:
        name = _DAYS[moment.weekday()]
        return name[:3] if count == 3 else name
    if letter == "f":
        return f"{moment.microsecond:06d}0"[:count].ljust(count, "0")
    if letter == "F":
        return f"{moment.microsecond:06d}0"[:count].rstrip("0")
    if letter == "t":
        return ("AM" if moment.hour < 12 else "PM")[:count]
    if letter == "z":
        return {1: "+0", 2: "+00"}.get(count, "+00:00")
    if letter == "K":
        return "Z"
    number = {
        "M": moment.month,
        "d": moment.day,
        "H": moment.hour,
        "h": moment.hour % 12 or 12,
        "m": moment.minute,
        "s": moment.second,
    }[letter]
    return str(number).rjust(min(count, 2), "0")


@function("dateTimeAdd", 2, 3)
def date_time_add(arguments: Arguments) -> str:
    """A date to which a duration is added."""
    moment, duration = _moment(arguments, arguments.string(0)), arguments.string(1)
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise TemplateError(
            f"The template function 'dateTimeAdd' has an invalid parameter. The second parameter '{duration}' is not a valid "
            "ISO8601 Duration string. Please see https://aka.ms/arm-syntax-functions ."
        )
    try:
        amount = _length(match)
        moved = moment - amount if match["sign"] else moment + amount
    except (OverflowError, ValueError):
        raise arguments.refused("the result is no date of the years 1 to 9999") from None
    return formatted(moved, arguments.string(2) if len(arguments) == 3 else _ISO_FORMAT)


@function("dateTimeFromEpoch", 1)
def date_time_from_epoch(arguments: Arguments) -> str:
    """The date of a number of seconds since 1970."""
    try:
        moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=arguments.integer(0))
    except OverflowError:
        raise arguments.refused("the result is no date of the years 1 to 9999") from None
    return formatted(moment, _ISO_FORMAT)


@function("dateTimeToEpoch", 1)
def date_time_to_epoch(arguments: Arguments) -> int:
    """The seconds since 1970 of a date."""
    moment = _moment(arguments, arguments.string(0))
    return (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(seconds=1)


def _moment(arguments: Arguments, text: str) -> datetime:
    plain = re.sub(r"(\.\d{6})\d+", r"\1", text.strip()).replace("Z", "+00:00").replace("z", "+00:00")
    plain = re.sub(r"^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)", r"\1-\2-\3T\4:\5:\6", plain, flags=re.ASCII)
    try:
        found = datetime.fromisoformat(plain)
        return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise TemplateError(
            f"The template function '{arguments.name}' has an invalid parameter. The first parameter '{text}' is not a valid "
            "ISO8601 datetime string. Please see https://aka.ms/arm-syntax-functions ."
        ) from None


def _length(match: re.Match[str]) -> timedelta:
    """A duration; a year has 365 days and a month 30, as in .NET."""
    number = {name: float(text) for name, text in match.groupdict().items() if text and name != "sign"}
    days = (
        number.get("years", 0) * 365 + number.get("months", 0) * 30 + number.get("weeks", 0) * 7 + number.get("days", 0)
    )
    return timedelta(
        days=days,
        hours=number.get("hours", 0),
        minutes=number.get("minutes", 0),
        seconds=number.get("seconds", 0),
    )
