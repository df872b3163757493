"""Events look like Azure's own samples, member for member, in both schemas."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aml_emulator.eventgrid.envelopes import envelope
from aml_emulator.eventgrid.events import Event, time_text
from aml_emulator.eventgrid.settings import CLOUD_SCHEMA, GRID_SCHEMA

if TYPE_CHECKING:
    from .conftest import Grid, Receiver

SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "eventgrid"
ML = "Microsoft.MachineLearningServices/stable/2018-01-01/examples"
STORAGE = "Microsoft.Storage/stable/2018-01-01/examples"

needs_samples = pytest.mark.skipif(not SAMPLES.exists(), reason=f"the official samples are not in {SAMPLES}")


def sample(folder: str, schema: str, name: str) -> dict[str, Any]:
    kind = "cloud-events-schema" if schema == CLOUD_SCHEMA else "event-grid-schema"
    found: dict[str, Any] = json.loads((SAMPLES / folder / kind / f"{name}.json").read_text())
    return found


def event_of(found: dict[str, Any]) -> Event:
    return Event(
        found["id"],
        found.get("topic", found.get("source")),
        found.get("eventType", found.get("type")),
        found["subject"],
        found["data"],
        found.get("eventTime", found.get("time")),
        found.get("dataVersion", ""),
    )


@needs_samples
@pytest.mark.parametrize("schema", [GRID_SCHEMA, CLOUD_SCHEMA])
@pytest.mark.parametrize(
    ("folder", "name"),
    [
        (ML, "run_completed"),
        (ML, "run_status_changed"),
        (ML, "model_registered"),
        (ML, "model_deployed"),
        (ML, "dataset_drift_detected"),
        (STORAGE, "blob_created"),
        (STORAGE, "blob_deleted"),
    ],
)
def test_the_envelope_of_a_sample_is_the_sample(folder: str, name: str, schema: str) -> None:
    found = sample(folder, schema, name)
    assert envelope(event_of(found), schema) == found


@needs_samples
@pytest.mark.parametrize("schema", [GRID_SCHEMA, CLOUD_SCHEMA])
def test_what_is_delivered_has_the_shape_of_the_sample(grid: Grid, receiver: Receiver, schema: str) -> None:
    grid.subscribe(grid.topic(), eventDeliverySchema=schema)
    grid.publish(runId="r")
    grid.deliver()
    (event,) = receiver.received[0].events
    expected = sample(ML, schema, "run_completed")
    assert event.keys() == expected.keys()
    assert {name: type(value) for name, value in event.items()} == {
        name: type(value) for name, value in expected.items()
    }
    assert event["specversion" if schema == CLOUD_SCHEMA else "metadataVersion"] in ("1.0", "1")


def test_times_have_seven_decimals() -> None:
    assert time_text(0.5) == "1970-01-01T00:00:00.5000000Z"
    assert re.fullmatch(r"2027-01-15T08:00:00\.\d{7}Z", time_text(1_800_000_000.123456))
