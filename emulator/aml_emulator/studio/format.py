"""How the pages write durations, times, numbers and sizes."""

from __future__ import annotations

import math
from datetime import datetime, timezone

_THIN = "\u202f"  # narrow no-break space: groups digits and joins a number to its unit


def duration(seconds: float | None) -> str:
    """A length of time for a person: `420 ms`, `4.2 s`, `1 m 12 s`, `2 h 5 m`, `3 d 4 h`; "–" when unknown."""
    if seconds is None:
        return "–"
    seconds = max(0.0, seconds)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} m"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def timestamp(moment: datetime) -> str:
    """A moment in UTC: `2026-11-23 18:12:03 UTC`."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def relative(moment: datetime, now: datetime) -> str:
    """How long ago: `just now`, `3 min ago`, `2 h ago`, `5 d ago`; a moment to come is `in 3 min`."""
    seconds = (now - moment).total_seconds()
    distance = abs(seconds)
    if distance < 10:
        return "just now"
    if distance < 60:
        text = f"{distance:.0f} s"
    elif distance < 3600:
        text = f"{distance // 60:.0f} min"
    elif distance < 86400:
        text = f"{distance // 3600:.0f} h"
    else:
        text = f"{distance // 86400:.0f} d"
    return f"{text} ago" if seconds > 0 else f"in {text}"


def number(value: float) -> str:
    """A metric's value: whole numbers exactly, others to 4 significant digits; a whole part of 5 to 7 digits in full."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if (value == int(value) and abs(value) < 1e15) or 9999.5 <= abs(value) < 1e7:
        whole = round(value)
        text = f"{whole:,}".replace(",", _THIN) if abs(whole) >= 10_000 else str(whole)
    else:
        text = f"{value:.4g}"
    return text.replace("-", "−", 1) if text.startswith("-") else text


def size(count: int) -> str:
    """A number of bytes in decimal units: `940 B`, `12.3 kB`, `1.2 GB`."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.95 or unit == "TB":
            break
    return f"{value:.1f} {unit}"


def parse_time(text: object) -> datetime | None:
    """The moment that ARM wrote (ISO 8601, `Z`, up to seven decimals); None for anything else."""
    if not isinstance(text, str):
        return None
    head, _, tail = text.strip().removesuffix("Z").partition(".")
    digits = "".join(character for character in tail if character.isdigit())[:6] if "+" not in tail else ""
    try:
        moment = datetime.fromisoformat(f"{head}.{digits.ljust(6, '0')}" if digits else head)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
