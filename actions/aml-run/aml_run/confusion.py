"""Confusion matrices that a job left: a JSON file of MLflow, or what SDK v1's ``Run.log_confusion_matrix`` wrote."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

MOST_BYTES = 256 * 1024
"""Of a file that may be a matrix."""
MOST_CLASSES = 20
"""Rows of a table that people can read."""
_V1_LINK = re.compile(r"aml://artifactId/ExperimentRun/dcid\.(?P<job>[^/]+)/(?P<path>.+)")
"""Value of a metric of SDK v1 that is a file."""
_PICTURE = frozenset({".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".bmp"})


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix.

    Attributes:
        name: of the metric or the file.
        job: that left it.
        labels: of the classes.
        rows: one a true class, one number a predicted class.
    """

    name: str
    job: str
    labels: Sequence[str]
    rows: Sequence[Sequence[float]]


def is_picture(path: str) -> bool:
    """Tell whether a file is one that Studio shows as a picture."""
    return PurePosixPath(path).suffix.lower() in _PICTURE


def candidates(job: str, artifacts: Iterable[str], metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return name and path of the files of a job that may hold a matrix; those that its metrics name come first.

    Args:
        job: name.
        artifacts: paths of its files.
        metrics: what it logged.
    """
    found: dict[str, str] = {}
    for name, value in metrics.items():
        link = _V1_LINK.fullmatch(value) if isinstance(value, str) else None
        if link and link["job"] == job and not PurePosixPath(link["path"]).suffix:
            found.setdefault(link["path"], name)
    for path in artifacts:
        file = PurePosixPath(path)
        if "confusion" in file.name.lower() and file.suffix.lower() == ".json":
            found.setdefault(path, file.stem)
    return [(name, path) for path, name in found.items()]


def parse(name: str, job: str, content: bytes) -> Matrix | None:
    """Return the matrix of a file; None for a file that is none, whatever it holds.

    The form is that of SDK v1, which Studio draws: ``{"schema_type": "confusion_matrix", "data": {"class_labels": [...],
    "matrix": [[...]]}}``.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, dict) or document.get("schema_type") != "confusion_matrix":
        return None
    labels, rows = data.get("class_labels"), data.get("matrix")
    if not isinstance(labels, list) or not isinstance(rows, list) or not labels or len(rows) != len(labels):
        return None
    if not all(isinstance(row, list) and len(row) == len(labels) and all(map(_is_number, row)) for row in rows):
        return None
    return Matrix(name, job, [str(label) for label in labels], rows)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
