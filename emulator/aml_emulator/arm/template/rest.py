"""The REST interface of deployments, in resource groups and in the subscription (azure-infra, 2.5)."""

from __future__ import annotations

import re
import secrets
import threading
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aml_emulator.arm.subscriptions import GROUP, GROUPS, normal_location
from aml_emulator.arm.template.engine import Deployment
from aml_emulator.arm.template.preparation import Prepared, prepare
from aml_emulator.arm.template.scope import Target
from aml_emulator.arm.template.store import ACTIVE, DeploymentStore
from aml_emulator.arm.template.submission import Submission
from aml_emulator.arm.template.values import get
from aml_emulator.arm.template.what_if import what_if
from aml_emulator.http import Call, Reply, Router, ServiceError
from aml_emulator.ml.scope import find_group, page

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource

Body = dict[str, Any]

POLL_MILLISECONDS = 100
_SUBSCRIPTION = GROUPS.rpartition("/")[0]
_DEPLOYMENTS = "providers/Microsoft.Resources/deployments"
_NAME = re.compile(r"[\w.()-]{1,64}")
_MOST_RESULTS = 200
_SDK_SECONDS = 2.0
"""How long a request of azure-ai-ml waits for its deployment to be over: that client looks again only after 5 s, whatever it is told."""


@dataclass
class _Interface:
    """The handlers of deployments; `results` are the answers of what-ifs that were not fetched yet."""

    emulator: Emulator
    store: DeploymentStore
    running: dict[str, Deployment]
    results: dict[str, Body]
    beginning: threading.Lock

    def put(self, call: Call) -> Reply:
        prepared = self._prepared(call)
        with self.beginning:
            old, shown, deployment = self._begin(call, prepared)
        deployment.run_in_background()
        if prepared.of_the_sdk and deployment.over.wait(_SDK_SECONDS):
            ended = self.find(call)
            if ended.properties["provisioningState"] == "Succeeded":
                return Reply(200 if old else 201, _shown(ended))
        return Reply(200 if old else 201, shown, self._status_headers(call, prepared.id))

    def _begin(self, call: Call, prepared: Prepared) -> tuple[Resource | None, Body, Deployment]:
        old = self.store.find(prepared.id)
        if old is not None and old.properties.get("provisioningState") in ACTIVE:
            raise ServiceError(
                409,
                "DeploymentActive",
                f"Unable to edit or replace deployment '{prepared.name}': previous deployment from "
                f"'{old.properties.get('timestamp')}' is still active. Please see https://aka.ms/arm-deploy for usage details.",
            )
        deployment = Deployment(prepared, self.store)
        deployment.begin()
        for key in [key for key, other in self.running.items() if other.over.is_set()]:
            self.running.pop(key, None)
        self.running[prepared.id.lower()] = deployment
        return old, _shown(self.find(call)), deployment

    def validate(self, call: Call) -> Reply:
        prepared = self._prepared(call)
        record = prepared.record("Succeeded")
        record["properties"]["validatedResources"] = [{"id": one.id} for one in prepared.plan.resources if one.deploys]
        shown = {"id": prepared.id, "name": prepared.name, "type": "Microsoft.Resources/deployments", **record}
        return Reply(body=shown)

    def what_if(self, call: Call) -> Reply:
        prepared = self._prepared(call)
        settings = get(prepared.submission.properties, "whatIfSettings")
        wanted = get(settings, "resultFormat") if isinstance(settings, dict) else None
        only_ids = isinstance(wanted, str) and wanted.lower() == "resourceidonly"
        try:
            result = what_if(prepared, only_ids=only_ids)
        except ServiceError as error:
            result = {"status": "Failed", "error": error.body()["error"]}
        name = uuid.uuid4().hex
        self.results[name] = result
        while len(self.results) > _MOST_RESULTS:
            self.results.pop(next(iter(self.results)))
        address = (
            f"{self.emulator.base_url}/subscriptions/{prepared.target.subscription}/providers/Microsoft.Resources"
            f"/whatIfResults/{name}?api-version={call.query['api-version']}"
        )
        return Reply(202, headers={"Location": address, "retry-after-ms": str(POLL_MILLISECONDS)}, media_type="")

    def what_if_result(self, call: Call) -> Reply:
        found = self.results.get(call.params["result"])
        if found is None:
            message = f"The result '{call.params['result']}' of a what-if was not found. Ask for a new one."
            raise ServiceError(404, "WhatIfResultNotFound", message)
        return Reply(body=found)

    def get(self, call: Call) -> Reply:
        return Reply(body=_shown(self.find(call)))

    def head(self, call: Call) -> Reply:
        return Reply(404 if self.store.find(self._id(call)) is None else 204, media_type="")

    def listing(self, call: Call) -> Reply:
        found = [_shown(item) for item in self.store.all_in(self._target(call).id)]
        match = re.fullmatch(r"\s*provisioningState\s+eq\s+'(\w+)'\s*", call.query.get("$filter", ""), re.IGNORECASE)
        if match:
            found = [item for item in found if item["properties"]["provisioningState"].lower() == match[1].lower()]
        return page(self.emulator, call, found)

    def delete(self, call: Call) -> Reply:
        found = self.store.find(self._id(call))
        if found is None:
            return Reply(204, media_type="")
        if found.properties.get("provisioningState") in ACTIVE:
            raise ServiceError(
                409,
                "DeploymentActive",
                f"The deployment '{found.name}' is still active. Cancel it, or wait for its end.",
            )
        self.store.delete(found.id)
        return Reply(204, media_type="")

    def cancel(self, call: Call) -> Reply:
        found = self.find(call)
        running = self.running.get(found.id.lower())
        if running is None or not self.store.move(found.id, "Canceling"):
            state = found.properties.get("provisioningState")
            raise ServiceError(
                409,
                "DeploymentCannotBeCancelled",
                f"The deployment '{found.name}' cannot be cancelled: its provisioning state is '{state}'.",
            )
        running.cancel()
        return Reply(204, media_type="")

    def operation_status(self, call: Call) -> Reply:
        found = self.find(call)
        state = str(found.properties["provisioningState"])
        if state in ACTIVE:
            return Reply(body={"status": state}, headers={"retry-after-ms": str(POLL_MILLISECONDS)})
        body: Body = {"status": state}
        if found.properties.get("error"):
            body["error"] = found.properties["error"]
        return Reply(body=body)

    def operations(self, call: Call) -> Reply:
        return page(self.emulator, call, self.store.operations(self.find(call).id))

    def operation(self, call: Call) -> Reply:
        found, wanted = self.find(call), call.params["operation"].lower()
        for item in self.store.operations(found.id):
            if item["operationId"].lower() == wanted:
                return Reply(body=item)
        raise ServiceError(
            404,
            "DeploymentOperationNotFound",
            f"The operation '{call.params['operation']}' of '{found.name}' was not found.",
        )

    def export(self, call: Call) -> Reply:
        return Reply(body={"template": self.store.template(self.find(call).id)})

    def find(self, call: Call) -> Resource:
        found = self.store.find(self._id(call))
        if found is None:
            name = call.params["deployment"]
            raise ServiceError(404, "DeploymentNotFound", f"Deployment '{name}' could not be found.")
        return found

    def _id(self, call: Call) -> str:
        return f"{self._target(call).id}/{_DEPLOYMENTS}/{call.params['deployment']}"

    def _target(self, call: Call) -> Target:
        if "group" not in call.params:
            return Target(call.params["subscription"], None)
        group = find_group(self.emulator, call)
        return Target(call.params["subscription"], group.name)

    def _prepared(self, call: Call) -> Prepared:
        name, target = call.params["deployment"], self._target(call)
        if not _NAME.fullmatch(name):
            raise ServiceError(
                400,
                "InvalidDeployment",
                f"The deployment name '{name}' is invalid: at most 64 letters, digits or '-._()'.",
            )
        submission = Submission.read(call)
        if target.group is None:
            if not submission.location:
                message = "The 'location' property must be specified for a deployment at the scope of a subscription."
                raise ServiceError(400, "LocationRequired", message)
            submission.location = normal_location(submission.location)
            if submission.mode == "Complete":
                message = "The mode 'Complete' is not supported at the scope of a subscription. Use 'Incremental'."
                raise ServiceError(400, "InvalidDeploymentMode", message)
        elif submission.location:
            message = "The 'location' property is not allowed for a deployment at the scope of a resource group."
            raise ServiceError(400, "InvalidDeployment", message)
        return prepare(self.emulator, target, name, submission, call.principal)

    def _status_headers(self, call: Call, deployment_id: str) -> dict[str, str]:
        number = 8_585_000_000_000_000_000 + secrets.randbelow(10**17)
        address = f"{self.emulator.base_url}{deployment_id}/operationStatuses/{number}?api-version={call.query['api-version']}"
        return {"Azure-AsyncOperation": address, "retry-after-ms": str(POLL_MILLISECONDS)}


def _shown(record: Resource) -> Body:
    return {key: value for key, value in record.body.items() if key != "systemData"}


def register(router: Router, emulator: Emulator) -> None:
    """Routes of deployments. The listing of operations has no `providers` segment."""
    store = DeploymentStore(emulator)
    store.end_interrupted()
    interface = _Interface(emulator, store, {}, {}, threading.Lock())
    for scope in (GROUP, _SUBSCRIPTION):
        base = f"{scope}/{_DEPLOYMENTS}"
        one = f"{base}/{{deployment}}"
        router.add("GET", base, interface.listing)
        router.add("GET", one, interface.get)
        router.add("HEAD", one, interface.head)
        router.add("PUT", one, interface.put)
        router.add("DELETE", one, interface.delete)
        router.add("POST", f"{one}/cancel", interface.cancel)
        router.add("POST", f"{one}/validate", interface.validate)
        router.add("POST", f"{one}/whatIf", interface.what_if)
        router.add("POST", f"{one}/exportTemplate", interface.export)
        router.add("GET", f"{one}/operationStatuses/{{status}}", interface.operation_status)
        for root in (one, f"{scope}/deployments/{{deployment}}"):
            router.add("GET", f"{root}/operations", interface.operations)
            router.add("GET", f"{root}/operations/{{operation}}", interface.operation)
        router.add("GET", f"{scope}/deployments/{{deployment}}", interface.get)
    router.add(
        "GET", f"{_SUBSCRIPTION}/providers/Microsoft.Resources/whatIfResults/{{result}}", interface.what_if_result
    )
