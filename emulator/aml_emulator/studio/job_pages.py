"""The page of a job, its live log and its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from aml_emulator import ids
from aml_emulator.blobs import Blob
from aml_emulator.context import Emulator
from aml_emulator.http import Call, Reply, Router, ServiceError
from aml_emulator.metric_service.store import MetricStore
from aml_emulator.ml.datastores import containers, resolve_uri
from aml_emulator.resources import Resource
from aml_emulator.studio import assets, files, git, logs, model_pages
from aml_emulator.studio import runs as run_rows
from aml_emulator.studio.logged_values import values_of
from aml_emulator.studio.metrics import metrics_of
from aml_emulator.studio.pages import HEADERS, NotHere, page, render
from aml_emulator.tracking.store import Run, artifact_prefix

_FILES_SHOWN = 300
_IMAGES_SHOWN = 24
_ERROR_LINES = 15
_CHILDREN = {"Pipeline": "Steps", "Sweep": "Trials"}


def register(router: Router, emulator: Emulator) -> None:
    """Add the page and what it loads."""
    metric_store = MetricStore(emulator.database, emulator.tracking)

    def job(call: Call) -> Reply:
        run = _run(emulator, call)
        return render("job.html", **_context(emulator, run), logged=values_of(metric_store, run.id))

    def log(call: Call) -> Reply:
        return _log(emulator, _run(emulator, call), call.query)

    def artifact(call: Call) -> Reply:
        run, path = _run(emulator, call), call.params["path"]
        container, prefix = _artifacts(emulator, run)
        blob = emulator.blobs.get(container, f"{prefix}/{path}")
        if blob is None:
            raise NotHere(f"The job “{run.id}” has no artifact “{path}”")
        return files.serve(blob, path)

    def output(call: Call) -> Reply:
        run, name, path = _run(emulator, call), call.params["output"], call.params["path"]
        blob = _outputs(emulator, run, _resource(emulator, run)).get(name, {}).get(path)
        if blob is None:
            raise NotHere(f"The output “{name}” of the job “{run.id}” has no file “{path}”")
        return files.serve(blob, path)

    router.add("GET", "/runs/{name}", page(job), "none")
    router.add("GET", "/runs/{name}/log", page(log), "none")
    router.add("GET", "/runs/{name}/artifacts/{path:path}", page(artifact), "none")
    router.add("GET", "/runs/{name}/outputs/{output}/{path:path}", page(output), "none")


def _run(emulator: Emulator, call: Call) -> Run:
    run = emulator.tracking.run(call.params["name"])
    if run is None or run.lifecycle != "active":
        raise NotHere(f"There is no job named “{call.params['name']}”")
    return run


def _resource(emulator: Emulator, run: Run) -> Resource | None:
    """The job's ARM resource; a run that a client logged by itself has none."""
    return emulator.resources.get(ids.child_id(run.workspace_id, "jobs", run.id))


def _context(emulator: Emulator, run: Run) -> dict[str, Any]:
    """Everything that `job.html` shows."""
    row = run_rows.rows([run])[0]
    resource = _resource(emulator, run)
    properties = resource.properties if resource else {}
    told = properties.get("properties") or {}
    settings = properties.get("settings") or {}
    tags = {**(properties.get("tags") or {}), **emulator.tracking.tags(run.id)}
    container, prefix = _artifacts(emulator, run)
    found = files.below(emulator.blobs, container, prefix)
    address = f"/runs/{quote(run.id, safe='')}"
    listed = files.rows(found, f"{address}/artifacts")
    images = [file for file in listed if file.is_image]
    job_logs = logs.logs_of(emulator.blobs, container, prefix)
    main = next(iter(job_logs), None)
    tail = logs.tail(job_logs[main]) if main else None
    log_end = logs.last_lines(tail.text + tail.partial, _ERROR_LINES) if tail else ""
    return {
        "section": "runs",
        "live": not row.finished,
        "row": row,
        "run": run,
        "stages": run_rows.stages(row, emulator.tracking.states(run.id)),
        "parent": emulator.tracking.run(run.parent_id) if run.parent_id else None,
        "children_title": _CHILDREN.get(str(properties.get("jobType")), "Child runs"),
        "best": told.get("best_child_run_id"),
        "reused": told.get("azureml.reusedrunid"),
        "children": run_rows.rows(emulator.tracking.children(run.id)),
        "properties": properties,
        "compute": assets.name(properties.get("computeId") or settings.get("default_compute")),
        "environment": _environment(emulator, properties.get("environmentId")),
        "inputs": _inputs(properties),
        "origin": git.origin(tags),
        "tags": sorted((key, value) for key, value in tags.items() if not key.startswith(("GITHUB_", "mlflow."))),
        "params": sorted(emulator.tracking.params(run.id).items(), key=lambda item: item[0].casefold()),
        "metrics": metrics_of(emulator.tracking, run.id),
        "error": _error(run, log_end),
        "log_end": log_end,
        "log_name": main,
        "log": tail,
        "other_logs": [file for file in listed if file.path in job_logs and file.path != main],
        "images": images[:_IMAGES_SHOWN],
        "files": listed[:_FILES_SHOWN],
        "files_total": len(listed),
        "outputs": {
            name: files.rows(blobs, f"{address}/outputs/{quote(name, safe='')}")
            for name, blobs in _outputs(emulator, run, resource).items()
        },
        "models": model_pages.registered_from(emulator, run.id, run.workspace_id),
    }


def _log(emulator: Emulator, run: Run, query: Mapping[str, str]) -> Reply:
    """What was added to the log since `offset`, as JSON. `current` names the log to follow, which may have changed."""
    container, prefix = _artifacts(emulator, run)
    found = logs.logs_of(emulator.blobs, container, prefix)
    current = next(iter(found), None)
    name = query.get("file") or current
    if name is not None and name not in found:
        raise NotHere(f"The job “{run.id}” has no log “{name}”")
    raw = query.get("offset", "0")
    if not (raw.isascii() and raw.isdigit()):
        raise ServiceError(400, "InvalidOffset", f"The offset must be a number of bytes, 0 or more, not {raw[:40]!r}.")
    row = run_rows.rows([run])[0]
    chunk = logs.read(found[name], int(raw)) if name else None
    body = {
        "file": name,
        "current": current,
        "status": run.status,
        "finished": row.finished,
        "start": chunk.start if chunk else 0,
        "offset": chunk.end if chunk else 0,
        "size": chunk.size if chunk else 0,
        "text": chunk.text if chunk else "",
        "partial": chunk.partial if chunk else "",
        "more": chunk.more if chunk else False,
    }
    return Reply(200, body, dict(HEADERS))


def _artifacts(emulator: Emulator, run: Run) -> tuple[str, str]:
    """Container and prefix of a run's artifacts."""
    try:
        return containers(emulator, run.workspace_id).artifacts, artifact_prefix(run.id)
    except LookupError:
        raise NotHere(f"The workspace of the job “{run.id}” does not exist any more") from None


def _outputs(emulator: Emulator, run: Run, resource: Resource | None) -> dict[str, dict[str, Blob]]:
    """Files of the declared outputs, by output. The default output is the run's artifacts."""
    declared = (resource.properties.get("outputs") or {}) if resource else {}
    found = {}
    for name in sorted(declared):
        if name != "default":
            place = resolve_uri(emulator, run.workspace_id, f"azureml://jobs/{run.id}/outputs/{name}")
            found[name] = files.below(emulator.blobs, *place)
    return found


def _environment(emulator: Emulator, reference: object) -> dict[str, str] | None:
    """An environment's name, image and conda file."""
    asset = assets.parse(reference)
    if asset is None:
        return None
    resource = emulator.resources.get(str(reference)) if str(reference).startswith("/") else None
    properties = resource.properties if resource else {}
    return {
        "label": asset.label,
        "image": str(properties.get("image") or ""),
        "conda": str(properties.get("condaFile") or ""),
    }


def _inputs(properties: dict[str, Any]) -> list[tuple[str, str]]:
    """The job's inputs: a literal's value, or where the data lies."""
    inputs = properties.get("inputs") or {}
    return [(name, str((one or {}).get("value", (one or {}).get("uri", "")))) for name, one in sorted(inputs.items())]


def _error(run: Run, log_end: str) -> dict[str, str] | None:
    """Code and message of a failed run: its first line, and the rest unless that only repeats the log's end."""
    if run.status != "Failed":
        return None
    error = (run.error or {}).get("error") or {}
    inner, code = error.get("innerError") or {}, str(error.get("code") or "")
    while inner.get("code"):
        code, inner = str(inner["code"]), inner.get("innerError") or {}
    message = str(error.get("message") or "The job failed without saying why.")
    exit_code = f"exit code {run.exit_code}" if run.exit_code is not None else ""
    headline, _, rest = message.partition("\n")
    return {"code": code, "message": headline, "rest": "" if rest.strip() in log_end else rest, "exit": exit_code}
