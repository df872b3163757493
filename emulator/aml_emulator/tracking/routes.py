"""Where MLflow's clients find the tracking API.

- `/mlflow/v2.0{workspace}` and `/mlflow/v1.0{workspace}`: Azure's plugin, whose artifacts go through run history;
- `/mlflow{workspace}`: a plain client with the tracking URI `https://.../mlflow/subscriptions/.../workspaces/<name>`;
- the root: a plain client that only knows the emulator's address. The workspace is that of the run or experiment it names, or the only one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from aml_emulator import ids
from aml_emulator.http import Call, Reply, Router
from aml_emulator.ml.scope import WORKSPACE, find_workspace
from aml_emulator.tracking import artifacts, messages
from aml_emulator.tracking.artifacts import Artifacts
from aml_emulator.tracking.messages import MlflowError, invalid
from aml_emulator.tracking.rest import Tracking

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

_WORKSPACE_TYPE = f"{ids.PROVIDER}/workspaces"

_TRACKING: dict[tuple[str, str], Callable[[Tracking, Call], Reply]] = {
    ("POST", "experiments/create"): Tracking.create_experiment,
    ("GET", "experiments/get"): Tracking.get_experiment,
    ("GET", "experiments/get-by-name"): Tracking.get_experiment_by_name,
    ("POST", "experiments/search"): Tracking.search_experiments,
    ("GET", "experiments/search"): Tracking.search_experiments,
    ("POST", "experiments/update"): Tracking.update_experiment,
    ("POST", "experiments/delete"): Tracking.delete_experiment,
    ("POST", "experiments/restore"): Tracking.restore_experiment,
    ("POST", "experiments/set-experiment-tag"): Tracking.set_experiment_tag,
    ("POST", "experiments/delete-experiment-tag"): Tracking.delete_experiment_tag,
    ("POST", "runs/create"): Tracking.create_run,
    ("GET", "runs/get"): Tracking.get_run,
    ("POST", "runs/update"): Tracking.update_run,
    ("POST", "runs/delete"): Tracking.delete_run,
    ("POST", "runs/restore"): Tracking.restore_run,
    ("POST", "runs/search"): Tracking.search_runs,
    ("POST", "runs/log-metric"): Tracking.log_metric,
    ("POST", "runs/log-parameter"): Tracking.log_parameter,
    ("POST", "runs/set-tag"): Tracking.set_tag,
    ("POST", "runs/delete-tag"): Tracking.delete_tag,
    ("POST", "runs/log-batch"): Tracking.log_batch,
    ("POST", "runs/log-batch-async"): Tracking.log_batch_async,
    ("POST", "runs/log-inputs"): Tracking.log_inputs,
    ("POST", "runs/log-model"): Tracking.log_model,
    ("GET", "metrics/get-history"): Tracking.metric_history,
    ("GET", "metrics/get-history-bulk-interval"): Tracking.metric_history_of_runs,
}


def register(router: Router, emulator: Emulator) -> None:
    """Routes of MLflow."""
    for prefix, plugin in (
        (f"/mlflow/v2.0{WORKSPACE}", True),
        (f"/mlflow/v1.0{WORKSPACE}", True),
        (f"/mlflow{WORKSPACE}", False),
        ("", False),
    ):
        api = _Api(emulator, plugin=plugin)
        for service in (f"{prefix}/api/2.0/mlflow", f"{prefix}/api/2.0/preview/mlflow"):
            for (method, path), handler in _TRACKING.items():
                router.add(method, f"{service}/{path}", api.tracking(handler))
            router.add("GET", f"{service}/artifacts/list", api.artifacts(Artifacts.list_of_run))
            # Nothing makes logged models (MLflow 3) here, so there are none to find.
            router.add("POST", f"{service}/logged-models/search", lambda call: Reply(body={"models": []}))
            for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
                router.add(method, f"{service}/{{rest:path}}", _unknown)
        files = f"{prefix}/api/2.0/mlflow-artifacts/artifacts"
        router.add("GET", files, api.artifacts(Artifacts.list_folder))
        router.add("GET", f"{files}/{{path:path}}", api.artifacts(Artifacts.get))
        router.add("PUT", f"{files}/{{path:path}}", api.artifacts(Artifacts.put))
        router.add("DELETE", f"{files}/{{path:path}}", api.artifacts(Artifacts.delete))


class _Api:
    """Binds handlers to the workspace of each request."""

    def __init__(self, emulator: Emulator, *, plugin: bool) -> None:
        self._emulator = emulator
        self._artifact_uri = (lambda run: run.artifact_uri) if plugin else artifacts.address

    def tracking(self, handler: Callable[[Tracking, Call], Reply]) -> Callable[[Call], Reply]:
        """A handler of the tracking API as the router takes it."""

        def handle(call: Call) -> Reply:
            user = call.principal.object_id if call.principal else ""
            return handler(Tracking(self._emulator, self._workspace(call), self._artifact_uri, user), call)

        return handle

    def artifacts(self, handler: Callable[[Artifacts, Call], Reply]) -> Callable[[Call], Reply]:
        """A handler of the artifact service as the router takes it."""

        def handle(call: Call) -> Reply:
            return handler(Artifacts(self._emulator, self._workspace(call)), call)

        return handle

    def _workspace(self, call: Call) -> str:
        if "workspace" in call.params:
            return find_workspace(self._emulator, call).id
        return self._named(call) or self._only()

    def _named(self, call: Call) -> str | None:
        """The workspace of the run or experiment that a request names, if it names one that is known."""
        if "/mlflow-artifacts/" in call.path:
            fields = {"run_id": artifacts.run_of(call.params.get("path") or call.query.get("path", ""))}
        else:
            fields = messages.arguments(call)
        if run_id := fields.get("run_id") or fields.get("run_uuid"):
            run = self._emulator.tracking.run(str(run_id))
            return run.workspace_id if run else None
        experiment_ids = fields.get("experiment_ids") or [fields.get("experiment_id")]
        experiment = self._emulator.tracking.experiment_by_id(str(experiment_ids[0]))
        return experiment.workspace_id if experiment else None

    def _only(self) -> str:
        found = self._emulator.resources.all_of(_WORKSPACE_TYPE)
        if len(found) == 1:
            return found[0].id
        uris = ", ".join(f"{self._emulator.base_url}/mlflow{workspace.id}" for workspace in found)
        raise invalid(
            "There is no workspace to track in."
            if not found
            else f"There are several workspaces. Set the tracking URI to one of: {uris}"
        )


def _unknown(call: Call) -> Reply:
    what = call.params["rest"]
    hint = " Save models as artifacts, or use mlflow < 3." if what.startswith("logged-models") else ""
    raise MlflowError(
        "ENDPOINT_NOT_FOUND", f"The emulator does not do this part of MLflow's API: {call.method} {what}.{hint}"
    )
