"""What the handlers share: one object with every part of a running emulator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aml_emulator.blobs import BlobStore
    from aml_emulator.database import Database
    from aml_emulator.entra import TokenAuthority
    from aml_emulator.jobs.service import JobService
    from aml_emulator.operations import Operations
    from aml_emulator.resources import Resources
    from aml_emulator.serving.service import ServingService
    from aml_emulator.state import StateDirectory
    from aml_emulator.tracking.store import TrackingStore


@dataclass
class Emulator:
    """Every part of a running emulator. Built once by `server.build`; handlers close over it."""

    base_url: str
    blob_url: str
    state: StateDirectory
    database: Database
    resources: Resources
    blobs: BlobStore
    tokens: TokenAuthority
    operations: Operations
    tracking: TrackingStore
    jobs: JobService
    serving: ServingService
