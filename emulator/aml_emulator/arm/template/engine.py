"""Runs deployments: in the background, what depends on nothing at once, the rest as soon as what it needs is there."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from aml_emulator.arm.template import calls, complete_mode
from aml_emulator.arm.template.errors import (
    TemplateError,
    deployment_failed,
    detail,
    ended_badly,
    outputs_failed,
)
from aml_emulator.arm.template.outputs import evaluated_outputs
from aml_emulator.arm.template.preparation import Prepared, nested, of_resource
from aml_emulator.arm.template.resources import Planned
from aml_emulator.arm.template.runtime import RunningResources
from aml_emulator.arm.template.scope import Scope
from aml_emulator.arm.template.secrets import without_defaults
from aml_emulator.arm.template.store import DeploymentStore, Operation, duration
from aml_emulator.arm.template.values import get
from aml_emulator.http import Reply, ServiceError
from aml_emulator.operations import failed, held

if TYPE_CHECKING:
    pass

Body = dict[str, Any]
log = logging.getLogger("aml_emulator.arm")

_THREADS = 8
_POLL_SECONDS = 0.05
_WORKSPACE = "microsoft.machinelearningservices/workspaces"
_ENDED = ("succeeded", "failed", "canceled")
_STATUS_NAMES = {200: "OK", 201: "Created", 202: "Accepted", 400: "BadRequest", 401: "Unauthorized", 403: "Forbidden"}
_STATUS_NAMES |= {404: "NotFound", 409: "Conflict", 500: "InternalServerError", 501: "NotImplemented"}


class FailedError(Exception):
    """A resource, or a deployment, failed; `error` is what Resource Manager says of it."""

    def __init__(self, error: Body, status: str = "Conflict") -> None:
        super().__init__(str(error.get("message")))
        self.error, self.status = error, status


class CanceledError(FailedError):
    """A deployment was canceled; `error` is what Resource Manager says of it."""


class Deployment:
    """A deployment that runs."""

    def __init__(self, prepared: Prepared, store: DeploymentStore) -> None:
        self.prepared = prepared
        self._store = store
        self._emulator = prepared.emulator
        self._cancelled = threading.Event()
        self.over = threading.Event()
        self._started = time.monotonic()
        self.made: list[str] = []
        """Ids of what it made, those of deployments in it among them."""
        parents: RunningResources | None = prepared.parent.resources if prepared.parent is not None else None
        self.resources: RunningResources = RunningResources(self._emulator, prepared.plan, prepared.principal, parents)

    def begin(self) -> None:
        """Note the deployment."""
        prepared = self.prepared
        template = without_defaults(prepared.submission.template)
        self._store.begin(prepared.id, prepared.record(), template, prepared.actor)

    def run_in_background(self) -> None:
        """Run it in a thread of its own."""
        threading.Thread(target=self._run_safely, name=f"deployment-{self.prepared.name}", daemon=True).start()

    def cancel(self) -> None:
        """Begin no further resource."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether it, or one around it, was cancelled."""
        parent = self.prepared.parent
        return self._cancelled.is_set() or (parent is not None and parent.cancelled)

    def _run_safely(self) -> None:
        try:
            self.run()
        except FailedError:
            return
        except Exception:
            reference = uuid.uuid4().hex[:12]
            log.exception("the deployment %s failed (%s)", self.prepared.id, reference)
            message = f"The emulator failed. This is a defect; its log has the details under {reference}."
            self._end("Failed", error={"code": "InternalServerError", "message": message})
        finally:
            self.over.set()

    def run(self) -> None:
        """Make everything; the record tells how it ended.

        Raises:
            FailedError: something failed, or it was canceled.

        """
        self._store.move(self.prepared.id, "Running", unless="Canceling")
        failures = self._make_all()
        if not failures and not self.cancelled and self.prepared.submission.mode == "Complete":
            failures = self._delete_others()
        if failures:
            error = self.prepared.secrets.masked(deployment_failed(self.prepared.id, failures))
            self._end("Failed", error=error)
            raise FailedError(error)
        if self.cancelled:
            error = {"code": "DeploymentCanceled", "message": f"The deployment '{self.prepared.name}' was canceled."}
            self._end("Canceled", error=error)
            raise CanceledError(error)
        self._end("Succeeded", outputs=self._outputs())

    def _end(self, state: str, **properties: Any) -> None:  # noqa: ANN401 - any JSON
        if properties.get("outputs") is None:
            properties.pop("outputs", None)
        if self.made or state == "Succeeded":
            properties["outputResources"] = [{"id": one} for one in self.made]
        spent = duration(time.monotonic() - self._started)
        self._store.change(self.prepared.id, provisioningState=state, duration=spent, **properties)

    def _make_all(self) -> list[Body]:
        """Make the resources, each when all that it needs are there; what went wrong."""
        left = {one.key: one for one in self.prepared.plan.resources if one.deploys}
        running: dict[Future[None], Planned] = {}
        unfinished = set(left)
        lost: set[str] = set()
        failures: list[Body] = []
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="deploying") as pool:
            while left or running:
                for key, one in list(left.items()):
                    if one.needs & lost or self.cancelled:
                        lost.add(key)
                        unfinished.discard(key)
                        del left[key]
                    elif not one.needs & unfinished:
                        del left[key]
                        running[pool.submit(self._make, one)] = one
                if not running:
                    continue
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    one = running.pop(future)
                    unfinished.discard(one.key)
                    try:
                        future.result()
                    except CanceledError:
                        lost.add(one.key)  # with the whole; nothing has failed
                    except FailedError as failed:
                        failures.append(failed.error)
                        lost.add(one.key)
        return failures

    def _make(self, one: Planned) -> None:
        operation = Operation("Create", one.id)
        self._store.note(self.prepared.id, operation)
        scope = one.scope.with_runtime(self.resources)
        try:
            operation.status = self._nested(one, scope) if one.is_deployment else self._put(one, scope)
        except ServiceError as error:
            failed = FailedError(detail(error, one.id), _STATUS_NAMES.get(error.status, str(error.status)))
        except TemplateError as error:
            message = of_resource(one, error, self.prepared.submission).message
            failed = FailedError({"code": "InvalidTemplate", "message": message, "target": one.id}, "BadRequest")
        except FailedError as error:
            failed = error
        else:
            operation.state = "Succeeded"
            self._store.note(self.prepared.id, operation)
            return
        failed.error = self.prepared.secrets.masked(failed.error)
        operation.state, operation.status, operation.error = "Failed", failed.status, failed.error
        self._store.note(self.prepared.id, operation)
        raise failed

    def _put(self, one: Planned, scope: Scope) -> str:
        body = one.body(scope)
        if one.type.lower() == _WORKSPACE:
            self._meet_fault(one)
        reply = calls.put(self._emulator, one.id, one.api_version, body, self.prepared.principal)
        self._wait(one, reply)
        self.made.append(one.id)
        return _STATUS_NAMES.get(reply.status, "OK")

    def _meet_fault(self, one: Planned) -> None:
        """Have a workspace take longer, or fail: it is there at once, so no operation of its own could.

        Raises:
            FailedError: a fault has it fail.

        """
        if fault := self._emulator.faults.long_running(one.id):
            held(self._emulator.faults, fault)
            if fault.fails:
                error = failed(fault)
                raise FailedError(ended_badly(one.id, [{"code": error.code, "message": error.message}]))

    def _wait(self, one: Planned, reply: Reply) -> None:
        """Look at a resource until it is ready.

        Raises:
            FailedError: it ended in another state.

        """
        body = reply.body
        while (state := _state(body)).lower() not in _ENDED:
            if self.cancelled:
                return
            time.sleep(_POLL_SECONDS)
            body = calls.get(self._emulator, one.id, one.api_version, self.prepared.principal)
        if state.lower() != "succeeded":
            raise FailedError(ended_badly(one.id, self._reasons(body, reply)))

    def _reasons(self, body: Any, reply: Reply) -> list[Body]:  # noqa: ANN401 - any JSON
        properties = body.get("properties") if isinstance(body, dict) else None
        found: list[Any] = [get(properties, "error")] if isinstance(properties, dict) else []
        found += (get(properties, "provisioningErrors") or []) if isinstance(properties, dict) else []
        address = reply.headers.get("Azure-AsyncOperation")
        if address:
            try:
                found.insert(0, calls.follow(self._emulator, address, self.prepared.principal).get("error"))
            except ServiceError:
                log.info("the operation %s of a deployment is gone", address)
        inner = [item.get("error", item) for item in found if isinstance(item, dict)]
        return [{"code": str(get(item, "code")), "message": str(get(item, "message"))} for item in inner][:1]

    def _nested(self, one: Planned, scope: Scope) -> str:
        inner = nested(self.prepared, one, scope)
        inner.parent = self
        deployment = Deployment(inner, self._store)
        deployment.begin()
        try:
            deployment.run()
        except FailedError as failed:
            raise type(failed)(ended_badly(one.id, [failed.error])) from None
        finally:
            self.made += deployment.made
        return "OK"

    def _outputs(self) -> Body | None:
        prepared = self.prepared
        declared = get(prepared.submission.template, "outputs") or {}
        if not declared:
            return None
        operation = Operation("EvaluateDeploymentOutput", None)
        scope = prepared.scope.with_runtime(self.resources)
        found, errors = evaluated_outputs(declared, scope, (*prepared.path, "outputs"))
        if errors:
            details = [
                {"code": "DeploymentOutputEvaluationFailed", "target": name, "message": message}
                for name, message in errors.items()
            ]
            error = prepared.secrets.masked(outputs_failed(list(errors), details))
            operation.state, operation.status, operation.error = "Failed", "BadRequest", error
            self._store.note(prepared.id, operation)
            self._end("Failed", error=error)
            raise FailedError(error)
        operation.state, operation.status = "Succeeded", "OK"
        self._store.note(prepared.id, operation)
        shown: Body = prepared.secrets.masked(found)
        return shown

    def _delete_others(self) -> list[Body]:
        """Complete mode: delete what the template does not name."""
        failures: list[Body] = []
        for resource_id in complete_mode.others(self._emulator, self.prepared.target, self.made):
            operation = Operation("Delete", resource_id)
            self._store.note(self.prepared.id, operation)
            try:
                calls.delete(self._emulator, resource_id, "2024-10-01", self.prepared.principal)
            except ServiceError as error:
                operation.state, operation.error = "Failed", detail(error, resource_id)
                operation.status = _STATUS_NAMES.get(error.status, str(error.status))
                failures.append(operation.error)
            else:
                operation.state, operation.status = "Succeeded", "OK"
            self._store.note(self.prepared.id, operation)
        return failures


def _state(body: Any) -> str:  # noqa: ANN401 - any JSON
    properties = body.get("properties") if isinstance(body, dict) else None
    state = get(properties, "provisioningState") if isinstance(properties, dict) else None
    return state if isinstance(state, str) else "Succeeded"
