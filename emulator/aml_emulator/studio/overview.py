"""The overview, the list of all jobs, and an experiment's runs side by side."""

from __future__ import annotations

from collections.abc import Mapping

from aml_emulator import ids
from aml_emulator.context import Emulator
from aml_emulator.http import Call, Reply, Router
from aml_emulator.ml.scope import WORKSPACE
from aml_emulator.studio import endpoint_pages, model_pages
from aml_emulator.studio import runs as run_rows
from aml_emulator.studio.pages import NotHere, page, render
from aml_emulator.tracking.store import Experiment

_RECENT = 10
_LISTED = 500
_COMPARED = 100
_COLUMNS = 24  # of parameters and of metrics: beyond it a table is a wall


def register(router: Router, emulator: Emulator) -> None:
    """Add the pages."""

    def overview(call: Call) -> Reply:
        recent = run_rows.all_runs(emulator)
        endpoints = endpoint_pages.endpoint_rows(emulator)
        return render(
            "overview.html",
            section="overview",
            live=any(not row.finished for row in recent[:_RECENT]) or any(row.tone == "busy" for row in endpoints),
            workspaces=[
                {
                    "name": workspace.name,
                    "group": ids.segment(workspace.id, "resourceGroups") or "",
                    "location": workspace.body.get("location", ""),
                    "jobs": sum(row.run.workspace_id.lower() == workspace.id.lower() for row in recent),
                    "experiments": [
                        one for one in emulator.tracking.experiments(workspace.id) if one.lifecycle == "active"
                    ],
                }
                for workspace in emulator.resources.all_of(run_rows.WORKSPACES)
            ],
            recent=recent[:_RECENT],
            total=len(recent),
            models=model_pages.newest(emulator),
            endpoints=endpoints,
        )

    def runs(call: Call) -> Reply:
        found = run_rows.all_runs(emulator)
        live = any(not row.finished for row in found)
        return render("runs.html", section="runs", live=live, rows=found[:_LISTED], total=len(found))

    def experiment(call: Call) -> Reply:
        one = _find(emulator, call.params["name"], call.query.get("workspace"))
        found = run_rows.rows(emulator.tracking.runs(one.workspace_id, one.id))
        rows = found[:_COMPARED]
        params = {row.run.id: emulator.tracking.params(row.run.id) for row in rows}
        metrics = {row.run.id: emulator.tracking.metrics(row.run.id) for row in rows}
        return render(
            "experiment.html",
            section="runs",
            live=any(not row.finished for row in rows),
            experiment=one,
            workspace=ids.name_of(one.workspace_id),
            rows=rows,
            total=len(found),
            params=params,
            metrics=metrics,
            param_names=_union(params)[:_COLUMNS],
            metric_names=_union(metrics)[:_COLUMNS],
            hidden=max(0, len(_union(params)) - _COLUMNS) + max(0, len(_union(metrics)) - _COLUMNS),
        )

    def from_mlflow(call: Call) -> Reply:
        return Reply(302, "", {"Location": "/"}, "text/plain")  # the part after the #, which names the run, stays

    router.add("GET", "/", page(overview), "none")
    for version in ("", "/v1.0", "/v2.0"):
        router.add("GET", f"/mlflow{version}{WORKSPACE}", from_mlflow, "none")
    router.add("GET", "/runs", page(runs), "none")
    router.add("GET", "/experiments/{name}", page(experiment), "none")


def _find(emulator: Emulator, name: str, workspace: str | None) -> Experiment:
    """The experiment of that name, in the workspace asked for or in the first that has it; else the one of that id."""
    for resource in emulator.resources.all_of(run_rows.WORKSPACES):
        if workspace and resource.name.lower() != workspace.lower():
            continue
        if found := emulator.tracking.experiment(resource.id, name, create=False):
            return found
    if found := emulator.tracking.experiment_by_id(name):
        return found
    raise NotHere(f"There is no experiment named “{name}”" + (f" in the workspace “{workspace}”" if workspace else ""))


def _union(logged: Mapping[str, Mapping[str, object]]) -> list[str]:
    """Every name that any run logged, sorted."""
    return sorted({name for values in logged.values() for name in values}, key=str.casefold)
