"""The server: builds an emulator on a state directory and serves it on two TLS ports until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import uvicorn

from aml_emulator import asgi, pki
from aml_emulator.locks import held
from aml_emulator.state import ServerRecord, StateDirectory

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.http import Router

log = logging.getLogger("aml_emulator")

_LOG_BYTES = 10 << 20
_STOP_SECONDS = 2
_LOCK_SECONDS = 1.0
_KEEP_ALIVE_SECONDS = 75


def build(state: StateDirectory, port: int, blob_port: int) -> tuple[Emulator, Router]:
    """Every part of an emulator, wired; nothing runs yet."""
    from aml_emulator.blobs import BlobStore
    from aml_emulator.blocks import BlockStore
    from aml_emulator.context import Emulator
    from aml_emulator.database import Database
    from aml_emulator.eventgrid.hooks import BlobEvents
    from aml_emulator.eventgrid.options import EventOptions
    from aml_emulator.eventgrid.publishing import Events
    from aml_emulator.faults.switchboard import Switchboard
    from aml_emulator.functions.apps import FunctionApps
    from aml_emulator.github.service import GitHub
    from aml_emulator.http import Router
    from aml_emulator.identity import Identity
    from aml_emulator.jobs.service import JobService
    from aml_emulator.operations import Operations
    from aml_emulator.relocation import relocate
    from aml_emulator.resources import Resources
    from aml_emulator.routes import register_all
    from aml_emulator.serving.service import ServingService
    from aml_emulator.storage_accounts import StorageAccounts
    from aml_emulator.tokens import TokenAuthority
    from aml_emulator.tracking.store import TrackingStore

    record = ServerRecord(os.getpid(), port, blob_port, time.time())
    database = Database(state.database)
    faults, resources = Switchboard(state.faults), Resources(database)
    emulator = Emulator(
        base_url=record.base_url,
        blob_url=record.blob_url,
        state=state,
        database=database,
        resources=resources,
        blobs=BlobStore(state.blobs, database),
        blocks=BlockStore(state.blobs / "blocks", database),
        accounts=StorageAccounts(database),
        tokens=TokenAuthority(record.base_url, Identity.ensure(state.identity), state.pki / "token-signing.pem"),
        operations=Operations(database, faults, resources),
        tracking=TrackingStore(database, record.base_url),
        faults=faults,
    )
    emulator.jobs, emulator.serving = JobService(emulator), ServingService(emulator)
    emulator.functions = FunctionApps(emulator)
    emulator.events = Events(emulator, EventOptions.from_environment(os.environ))
    emulator.github = GitHub(emulator)
    emulator.blobs.watch(BlobEvents(emulator).changed)
    relocate(database, record.base_url, record.blob_url)
    router = emulator.router = Router()
    register_all(router, emulator)
    return emulator, router


def run(state: StateDirectory, sockets: tuple[socket.socket, socket.socket], system_authorities: str) -> NoReturn:
    """Serve until SIGTERM or SIGINT, then end the process.

    Args:
        state: where everything is kept; made when it is not there.
        sockets: bound sockets of the main port and of the blob port.
        system_authorities: PEM text of the certificate authorities that clients trust besides ours.

    Raises:
        LockHeld: another server works on this state.

    """
    state.create()
    with held(state.lock, patience=_LOCK_SECONDS):
        state.forget_record()  # one that a crashed server left would lead clients to its old ports
        _log_to(state)
        port, blob_port = (item.getsockname()[1] for item in sockets)
        certificates = pki.ensure_certificates(state.pki)
        pki.write_bundle(certificates, state.bundle, system_authorities)
        emulator, router = build(state, port, blob_port)
        asyncio.run(_serve(emulator, router, certificates, sockets))
        emulator.database.close()
        logging.shutdown()
        # Nothing may outlive this: a thread that still waits for an answer would keep the process. The lock ends with it.
        os._exit(0)


async def _serve(
    emulator: Emulator, router: Router, certificates: pki.Certificates, sockets: tuple[socket.socket, socket.socket]
) -> None:
    from aml_emulator.blob_service import BlobService
    from aml_emulator.request_log import RequestLog

    executor = asgi.executor()
    requests = RequestLog(emulator.state.requests)
    applications = (
        asgi.Application(
            asgi.route(router, emulator.tokens), executor, requests, emulator.faults, port="main", plus_is_space=True
        ),
        asgi.Application(
            BlobService(emulator).handle, executor, requests, emulator.faults, port="blob", plus_is_space=False
        ),
    )
    servers = [_Server(_configuration(application, certificates)) for application in applications]
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    tasks = [asyncio.create_task(server.serve([item])) for server, item in zip(servers, sockets, strict=True)]
    while not all(server.started for server in servers) and not any(task.done() for task in tasks):
        await asyncio.sleep(0.005)
    emulator.operations.resume()
    await loop.run_in_executor(executor, emulator.jobs.start)
    await loop.run_in_executor(executor, emulator.serving.start)
    await loop.run_in_executor(executor, emulator.functions.start)
    await loop.run_in_executor(executor, emulator.events.start)
    await loop.run_in_executor(executor, emulator.github.start)
    port, blob_port = (item.getsockname()[1] for item in sockets)
    emulator.state.write_record(ServerRecord(os.getpid(), port, blob_port, time.time()))
    log.info("serving %s and %s", emulator.base_url, emulator.blob_url)
    try:
        await asyncio.gather(*tasks)
    finally:
        emulator.state.forget_record()
        emulator.faults.stopped.set()
        emulator.operations.stop()
        await asyncio.to_thread(emulator.github.stop)
        await asyncio.to_thread(emulator.events.stop)
        await asyncio.to_thread(emulator.functions.stop)
        await asyncio.to_thread(emulator.jobs.stop)
        await asyncio.to_thread(emulator.serving.stop)
        executor.shutdown(wait=False, cancel_futures=True)
        log.info("stopped")


class _Server(uvicorn.Server):
    """Two of these run in one process, so neither may take the signals for itself."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _configuration(application: asgi.Application, certificates: pki.Certificates) -> uvicorn.Config:
    from aml_emulator.faults.wire import DroppableProtocol

    return uvicorn.Config(
        application,
        http=DroppableProtocol,
        ssl_certfile=certificates.server,
        ssl_keyfile=str(certificates.server_key),
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


def _log_to(state: StateDirectory) -> None:
    """Write to the server's log; the terminal gets a copy when the server runs in the foreground."""
    if state.log.exists() and state.log.stat().st_size > _LOG_BYTES:
        state.log.replace(state.log.with_suffix(".log.1"))
    handlers: list[logging.Handler] = [logging.FileHandler(state.log)]
    if sys.stderr is not None and sys.stderr.isatty():
        handlers.append(logging.StreamHandler())
    formatter = logging.Formatter("%(asctime)s.%(msecs)03d %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    root = logging.getLogger("aml_emulator")
    root.setLevel(logging.INFO)
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    for handler in handlers:
        logging.getLogger("uvicorn.error").addHandler(handler)
