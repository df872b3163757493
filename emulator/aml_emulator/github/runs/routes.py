"""What `aml-emulator github` asks of runs, from `push` to `rerun`: `/emulator/github/...`, with a token for ARM."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from aml_emulator.github.errors import InvalidWorkflow, WorkflowError
from aml_emulator.http import Call, Reply, Router, ServiceError

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.github.runs.records import RunRecord

PATH = "/emulator/github"
_LISTED = 100


def register(router: Router, emulator: Emulator) -> None:
    """Routes."""
    runs = emulator.github.runs

    def happen(call: Call) -> Reply:
        body = call.json()
        name = f"{call.params['owner']}/{call.params['name']}"
        payload = body.get("payload")
        try:
            made = runs.trigger(
                name,
                str(body.get("event", "")),
                payload if isinstance(payload, dict) else {},
                ref=str(body.get("ref") or ""),
                actor=str(body.get("actor") or ""),
            )
        except LookupError as error:
            raise ServiceError(404, "RepositoryNotFound", f"{error.args[0]} Host it: aml-emulator github add") from None
        except InvalidWorkflow as error:
            raise ServiceError(400, "InvalidWorkflow", "; ".join(map(str, error.problems))) from None
        except WorkflowError as error:
            raise ServiceError(400, "NotStarted", str(error)) from None
        return Reply(201, {"runs": made})

    def listing(call: Call) -> Reply:
        asked = call.query.get("last") or str(_LISTED)
        if not asked.isdigit():
            raise ServiceError(400, "InvalidRequest", f"last must be a number, not '{asked}'.")
        found = runs.list(call.query.get("repository", ""), last=int(asked))
        return Reply(body={"value": [asdict(one) for one in found]})

    def get(call: Call) -> Reply:
        return Reply(body=asdict(_run(call)))

    def log(call: Call) -> Reply:
        record = _run(call)
        since = call.query.get("from") or "0"
        lines = runs.log(record.id).splitlines()
        start = int(since) if since.isdigit() else 0
        return Reply(body={"status": record.status, "conclusion": record.conclusion, "lines": lines[start:]})

    def cancel(call: Call) -> Reply:
        record = _run(call)
        if not runs.cancel(record.id):
            raise ServiceError(409, "RunCompleted", f"The run {record.id} has ended already: {record.conclusion}.")
        return Reply(202)

    def rerun(call: Call) -> Reply:
        record = _run(call)
        if not runs.rerun(record.id):
            raise ServiceError(409, "RunInProgress", f"The run {record.id} has not ended yet: it is {record.status}.")
        return Reply(201)

    def _run(call: Call) -> RunRecord:
        asked = call.params["run"]
        found = runs.get(int(asked)) if asked.isdigit() else None
        if found is None:
            raise ServiceError(404, "RunNotFound", f"There is no run {asked}.")
        return found

    router.add("POST", f"{PATH}/repositories/{{owner}}/{{name}}/events", happen)
    router.add("GET", f"{PATH}/runs", listing)
    router.add("GET", f"{PATH}/runs/{{run}}", get)
    router.add("GET", f"{PATH}/runs/{{run}}/log", log)
    router.add("POST", f"{PATH}/runs/{{run}}/cancel", cancel)
    router.add("POST", f"{PATH}/runs/{{run}}/rerun", rerun)
