"""References to environments, models and code, however they are spelled."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SHORT = re.compile(r"azureml:(?!/)([^:/@]+)(?:[:@](.+))?")
_HASH = re.compile(r"[0-9a-f]{32,}", re.IGNORECASE)


@dataclass(frozen=True)
class Asset:
    """A versioned asset: `iris-svc` in version `3`. The version is "" where the reference has none."""

    name: str
    version: str

    @property
    def label(self) -> str:
        """`name:version`; a long hash is cut to its beginning."""
        version = self.version[:8] if _HASH.fullmatch(self.version) else self.version
        return f"{self.name}:{version}" if version else self.name


def parse(reference: object) -> Asset | None:
    """An asset from an ARM id, `azureml:name:version` or `azureml://.../name/versions/1`; None for anything else."""
    if not isinstance(reference, str) or not reference:
        return None
    if short := _SHORT.fullmatch(reference):
        return Asset(short[1], short[2] or "")
    parts = reference.rstrip("/").split("/")
    lowered = [part.lower() for part in parts]
    if "versions" in lowered[2:-1]:
        position = len(lowered) - 1 - lowered[::-1].index("versions")
        return Asset(parts[position - 1], parts[position + 1])
    return Asset(reference, "") if len(parts) == 1 else None


def name(reference: object) -> str:
    """The last segment of an id, for example of a compute's; "" for nothing."""
    return reference.rstrip("/").rsplit("/", 1)[-1] if isinstance(reference, str) else ""
