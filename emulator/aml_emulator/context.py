"""What the handlers share: one object with every part of a running emulator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aml_emulator.blobs import BlobStore
    from aml_emulator.blocks import BlockStore
    from aml_emulator.database import Database
    from aml_emulator.eventgrid.publishing import Events
    from aml_emulator.faults.switchboard import Switchboard
    from aml_emulator.functions.apps import FunctionApps
    from aml_emulator.github.service import GitHub
    from aml_emulator.http import Router
    from aml_emulator.jobs.service import JobService
    from aml_emulator.operations import Operations
    from aml_emulator.resources import Resources
    from aml_emulator.serving.service import ServingService
    from aml_emulator.state import StateDirectory
    from aml_emulator.storage_accounts import StorageAccounts
    from aml_emulator.tokens import TokenAuthority
    from aml_emulator.tracking.store import TrackingStore


@dataclass
class Emulator:
    """Every part of a running emulator. Built once by `server.build`; handlers close over it.

    `jobs` and `serving` need the other parts, so `build` makes them last and puts them in; so does `router`, through which a part
    calls the emulator's own routes as a client would.
    """

    base_url: str
    blob_url: str
    state: StateDirectory
    database: Database
    resources: Resources
    blobs: BlobStore
    blocks: BlockStore
    accounts: StorageAccounts
    tokens: TokenAuthority
    operations: Operations
    tracking: TrackingStore
    faults: Switchboard
    jobs: JobService = field(init=False)
    serving: ServingService = field(init=False)
    events: Events = field(init=False)
    functions: FunctionApps = field(init=False)
    github: GitHub = field(init=False)
    router: Router = field(init=False)
