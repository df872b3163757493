"""The publishing service of function apps (on Azure: `<app>.scm.azurewebsites.net`): packages are posted here, deployments looked at.

On Flex Consumption code comes by "one deploy": a zip archive to `/api/publish`, answered with a deployment's id.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from aml_emulator.functions.logs import Line
from aml_emulator.functions.records import SUCCESS, Deployment
from aml_emulator.http import Call, Reply, Router, ServiceError
from aml_emulator.tokens import bearer_token

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

_CONTENT_TYPES = ("application/zip", "application/octet-stream", "application/x-zip-compressed")
_LOG_LINES = 2000


def register(router: Router, emulator: Emulator) -> None:
    """Routes of publishing. They check tokens by themselves: the caller is a client of App Service, not of ARM."""

    def publish(call: Call) -> Reply:
        site = _site(emulator, call)
        content_type = call.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type not in _CONTENT_TYPES:
            allowed = ", ".join(_CONTENT_TYPES)
            message = f"The content type '{content_type}' is not supported. A package is sent as one of: {allowed}."
            raise ServiceError(415, "UnsupportedMediaType", message)
        if not call.body:
            raise ServiceError(
                400, "BadRequest", "The request has no body. A zip archive with the app's code is expected."
            )
        deployment_id = emulator.functions.publisher.publish(
            site,
            call.body,
            build=call.query.get("remotebuild", "").lower() == "true",
            deployer=call.query.get("deployer") or "N/A",
        )
        where = f"{emulator.base_url}/scm/{site.name}/api/deployments/{deployment_id}"
        return Reply(202, deployment_id, {"Location": where})

    def deployments(call: Call) -> Reply:
        site = _site(emulator, call)
        return Reply(body=[_shown(emulator, site, one) for one in emulator.functions.records.deployments(site.id)])

    def deployment(call: Call) -> Reply:
        site = _site(emulator, call)
        found = _find(emulator, site, call.params["deployment"])
        return Reply(200 if found.complete else 202, _shown(emulator, site, found))

    def log(call: Call) -> Reply:
        site = _site(emulator, call)
        found = _find(emulator, site, call.params["deployment"])
        lines = emulator.functions.publisher.log(site, found.id).last(_LOG_LINES)
        return Reply(body=[_entry(found, number, line) for number, line in enumerate(lines)])

    base = "/scm/{site}/api"
    router.add("POST", f"{base}/publish", publish, "own")
    router.add("GET", f"{base}/deployments", deployments, "own")
    router.add("GET", f"{base}/deployments/{{deployment}}", deployment, "own")
    router.add("GET", f"{base}/deployments/{{deployment}}/log", log, "own")


def _site(emulator: Emulator, call: Call) -> Resource:
    """The app of a request that shows a token for ARM.

    Raises:
        ServiceError: 401 without such a token, 404 for an app that is not there.

    """
    emulator.tokens.verify(bearer_token(call), (emulator.tokens.arm_audience,))
    site = emulator.functions.named(call.params["site"])
    if site is None:
        raise ServiceError(404, "NotFound", f"There is no function app '{call.params['site']}'.")
    return site


def _find(emulator: Emulator, site: Resource, name: str) -> Deployment:
    found = emulator.functions.records.deployments(site.id)
    for one in found:
        if name.lower() in (one.id, "latest"):
            return one
    raise ServiceError(404, "NotFound", f"Deployment '{name}' not found.")


def _shown(emulator: Emulator, site: Resource, deployment: Deployment) -> Body:
    url = f"{emulator.base_url}/scm/{site.name}/api/deployments/{deployment.id}"
    newest = emulator.functions.records.deployments(site.id)[0]
    succeeded = deployment.status == SUCCESS
    return {
        "id": deployment.id,
        "status": deployment.status,
        "status_text": deployment.text,
        "author_email": "N/A",
        "author": "N/A",
        "deployer": deployment.deployer,
        "remoteBuild": deployment.build,
        "message": "Created via a push deployment",
        "progress": "",
        "received_time": deployment.received,
        "start_time": deployment.received,
        "end_time": deployment.ended,
        "last_success_end_time": deployment.ended if succeeded else None,
        "complete": deployment.complete,
        "active": succeeded and deployment.id == newest.id,
        "is_temp": False,
        "is_readonly": True,
        "url": url,
        "log_url": f"{url}/log",
        "site_name": site.name,
    }


def _entry(deployment: Deployment, number: int, line: Line) -> Body:
    return {
        "log_time": line.time or deployment.received,
        "id": str(uuid.uuid5(uuid.UUID(deployment.id), str(number))),
        "message": line.message,
        "type": 2 if line.level == "Error" else 0,
        "details_url": None,
    }
