"""An event, and what a delivery attempt came to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from aml_emulator import ids

ML_PREFIX = "Microsoft.MachineLearningServices."
STORAGE_PREFIX = "Microsoft.Storage."


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Attributes:
        id: guid; the same in every delivery of it.
        source: ARM id of the resource that it happened to.
        type: for example `Microsoft.MachineLearningServices.RunCompleted`.
        subject: what of the source it is about, for example `models/iris:3`.
        data: the payload, as its type has it.
        time: when it happened, as Event Grid writes it.
        data_version: version of the payload's schema; empty for Machine Learning and Storage.
    """

    id: str
    source: str
    type: str
    subject: str
    data: dict[str, Any]
    time: str
    data_version: str = ""


@dataclass(frozen=True)
class TopicType:
    """A kind of resource that raises events.

    Attributes:
        name: as a system topic names it.
        source_type: ARM type of the resource.
        default_events: event types that a subscription gets which names none.
    """

    name: str
    source_type: str
    default_events: tuple[str, ...]


TOPIC_TYPES = (
    TopicType(
        "Microsoft.MachineLearningServices.Workspaces",
        f"{ids.PROVIDER}/workspaces",
        tuple(
            f"{ML_PREFIX}{name}"
            for name in ("ModelRegistered", "ModelDeployed", "RunCompleted", "DatasetDriftDetected", "RunStatusChanged")
        ),
    ),
    TopicType(
        "Microsoft.Storage.StorageAccounts",
        "Microsoft.Storage/storageAccounts",
        tuple(
            f"{STORAGE_PREFIX}{name}"
            for name in (
                "BlobCreated",
                "BlobDeleted",
                "DirectoryCreated",
                "DirectoryDeleted",
                "BlobRenamed",
                "DirectoryRenamed",
            )
        ),
    ),
)
"""The sources whose events this emulator raises."""


def topic_type_of(source_id: str) -> TopicType | None:
    """The kind of a source; None for one that raises no events here."""
    wanted = ids.type_of(source_id).lower()
    return next((kind for kind in TOPIC_TYPES if kind.source_type.lower() == wanted), None)


def time_text(seconds: float) -> str:
    """A moment as Event Grid writes it: `2021-08-16T02:51:26.4248221Z`, seven decimals.

    Args:
        seconds: since 1970.

    """
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}0Z"
