"""Virtual machine sizes that Azure Machine Learning offers for clusters and managed endpoints: the usual families, not all.

Names as in Microsoft's pages on compute targets ("Supported VM series and sizes") and on the sizes of managed online endpoints.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VmSize:
    """One size. Memory in GB, whole numbers; `gpus` is 0 for machines without."""

    name: str
    family: str
    cores: int
    memory: int
    gpus: int = 0


_FAMILIES: dict[str, list[tuple[str, int, int, int]]] = {
    "standardDSv2Family": [
        ("Standard_DS1_v2", 1, 3, 0),
        ("Standard_DS2_v2", 2, 7, 0),
        ("Standard_DS3_v2", 4, 14, 0),
        ("Standard_DS4_v2", 8, 28, 0),
        ("Standard_DS5_v2", 16, 56, 0),
        ("Standard_DS11_v2", 2, 14, 0),
        ("Standard_DS12_v2", 4, 28, 0),
        ("Standard_DS13_v2", 8, 56, 0),
        ("Standard_DS14_v2", 16, 112, 0),
        ("Standard_DS15_v2", 20, 140, 0),
    ],
    "standardDv2Family": [
        ("Standard_D1_v2", 1, 3, 0),
        ("Standard_D2_v2", 2, 7, 0),
        ("Standard_D3_v2", 4, 14, 0),
        ("Standard_D4_v2", 8, 28, 0),
        ("Standard_D11_v2", 2, 14, 0),
        ("Standard_D12_v2", 4, 28, 0),
        ("Standard_D13_v2", 8, 56, 0),
        ("Standard_D14_v2", 16, 112, 0),
    ],
    "standardAv2Family": [("Standard_A2_v2", 2, 4, 0), ("Standard_A4_v2", 4, 8, 0), ("Standard_A8_v2", 8, 16, 0)],
    **{
        f"standard{series}Family": [(f"Standard_{prefix}{cores}{suffix}", cores, cores * ratio, 0) for cores in counts]
        for series, prefix, suffix, ratio, counts in (
            ("DSv3", "D", "s_v3", 4, (2, 4, 8, 16, 32, 48, 64)),
            ("Dv3", "D", "_v3", 4, (2, 4, 8, 16, 32, 48, 64)),
            ("DSv4", "D", "s_v4", 4, (2, 4, 8, 16, 32, 48, 64)),
            ("DSv5", "D", "s_v5", 4, (2, 4, 8, 16, 32, 48, 64, 96)),
            ("DASv4", "D", "as_v4", 4, (2, 4, 8, 16, 32, 48, 64, 96)),
            ("DADSv5", "D", "ads_v5", 4, (2, 4, 8, 16, 32, 48, 64, 96)),
            ("ESv3", "E", "s_v3", 8, (2, 4, 8, 16, 20, 32, 48, 64)),
            ("Ev3", "E", "_v3", 8, (2, 4, 8, 16, 20, 32, 48, 64)),
            ("ESv4", "E", "s_v4", 8, (2, 4, 8, 16, 20, 32, 48, 64)),
            ("ESv5", "E", "s_v5", 8, (2, 4, 8, 16, 20, 32, 48, 64, 96)),
            ("EASv4", "E", "as_v4", 8, (2, 4, 8, 16, 20, 32, 48, 64, 96)),
            ("FSv2", "F", "s_v2", 2, (2, 4, 8, 16, 32, 48, 64, 72)),
            ("LSv2", "L", "s_v2", 8, (8, 16, 32, 48, 64, 80)),
        )
    },
    "standardNCASv3T4Family": [
        ("Standard_NC4as_T4_v3", 4, 28, 1),
        ("Standard_NC8as_T4_v3", 8, 56, 1),
        ("Standard_NC16as_T4_v3", 16, 110, 1),
        ("Standard_NC64as_T4_v3", 64, 440, 4),
    ],
    "standardNCSv3Family": [
        ("Standard_NC6s_v3", 6, 112, 1),
        ("Standard_NC12s_v3", 12, 224, 2),
        ("Standard_NC24s_v3", 24, 448, 4),
    ],
    "StandardNCADSA100v4Family": [
        ("Standard_NC24ads_A100_v4", 24, 220, 1),
        ("Standard_NC48ads_A100_v4", 48, 440, 2),
        ("Standard_NC96ads_A100_v4", 96, 880, 4),
    ],
    "standardNDSv2Family": [("Standard_ND40rs_v2", 40, 672, 8)],
    "StandardNDASv4_A100Family": [("Standard_ND96asr_v4", 96, 900, 8)],
}

_BY_NAME = {
    row[0].lower(): VmSize(row[0], family, row[1], row[2], row[3]) for family, rows in _FAMILIES.items() for row in rows
}


def find(name: str) -> VmSize | None:
    """The size of that name, without regard to case; None when Azure has no such size."""
    return _BY_NAME.get(name.lower())


def all_sizes() -> list[VmSize]:
    """Every size."""
    return list(_BY_NAME.values())
