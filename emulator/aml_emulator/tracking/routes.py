"""Where MLflow's clients find the tracking API.

- `/mlflow/v2.0{workspace}` and `/mlflow/v1.0{workspace}`: Azure's plugin, whose artifacts go through run history;
- `/mlflow{workspace}`: a plain client with the tracking URI `https://.../mlflow/subscriptions/.../workspaces/<name>`;
- the root: a plain client that only knows the emulator's address. The workspace is that of the run or experiment it names, or the only one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from aml_emulator import ids
from aml_emulator.http import Call, Reply, Router
from aml_emulator.ml.scope import WORKSPACE, find_workspace
from aml_emulator.tracking import artifacts, messages
from aml_emulator.tracking.artifacts import Artifacts
from aml_emulator.tracking.experiments import Experiments
from aml_emulator.tracking.handlers import Handlers
from aml_emulator.tracking.logged import Logged
from aml_emulator.tracking.messages import MlflowError, invalid
from aml_emulator.tracking.runs import Runs

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

H = TypeVar("H", bound=Handlers)

_WORKSPACE_TYPE = f"{ids.PROVIDER}/workspaces"

_EXPERIMENTS: dict[tuple[str, str], Callable[[Experiments, Call], Reply]] = {
    ("POST", "experiments/create"): Experiments.create_experiment,
    ("GET", "experiments/get"): Experiments.get_experiment,
    ("GET", "experiments/get-by-name"): Experiments.get_experiment_by_name,
    ("POST", "experiments/search"): Experiments.search_experiments,
    ("GET", "experiments/search"): Experiments.search_experiments,
    ("POST", "experiments/update"): Experiments.update_experiment,
    ("POST", "experiments/delete"): Experiments.delete_experiment,
    ("POST", "experiments/restore"): Experiments.restore_experiment,
    ("POST", "experiments/set-experiment-tag"): Experiments.set_experiment_tag,
    ("POST", "experiments/delete-experiment-tag"): Experiments.delete_experiment_tag,
}
_RUNS: dict[tuple[str, str], Callable[[Runs, Call], Reply]] = {
    ("POST", "runs/create"): Runs.create_run,
    ("GET", "runs/get"): Runs.get_run,
    ("POST", "runs/update"): Runs.update_run,
    ("POST", "runs/delete"): Runs.delete_run,
    ("POST", "runs/restore"): Runs.restore_run,
    ("POST", "runs/search"): Runs.search_runs,
}
_LOGGED: dict[tuple[str, str], Callable[[Logged, Call], Reply]] = {
    ("POST", "runs/log-metric"): Logged.log_metric,
    ("POST", "runs/log-parameter"): Logged.log_parameter,
    ("POST", "runs/set-tag"): Logged.set_tag,
    ("POST", "runs/delete-tag"): Logged.delete_tag,
    ("POST", "runs/log-batch"): Logged.log_batch,
    ("POST", "runs/log-batch-async"): Logged.log_batch_async,
    ("POST", "runs/log-inputs"): Logged.log_inputs,
    ("POST", "runs/log-model"): Logged.log_model,
    ("GET", "metrics/get-history"): Logged.metric_history,
    ("GET", "metrics/get-history-bulk-interval"): Logged.metric_history_of_runs,
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
            _add(router, service, api, Experiments, _EXPERIMENTS)
            _add(router, service, api, Runs, _RUNS)
            _add(router, service, api, Logged, _LOGGED)
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


def _add(
    router: Router,
    service: str,
    api: _Api,
    kind: type[H],
    handlers: Mapping[tuple[str, str], Callable[[H, Call], Reply]],
) -> None:
    for (method, path), handler in handlers.items():
        router.add(method, f"{service}/{path}", api.tracking(kind, handler))


class _Api:
    """Binds handlers to the workspace of each request."""

    def __init__(self, emulator: Emulator, *, plugin: bool) -> None:
        self._emulator = emulator
        self._artifact_uri = (lambda run: run.artifact_uri) if plugin else artifacts.address

    def tracking(self, kind: type[H], handler: Callable[[H, Call], Reply]) -> Callable[[Call], Reply]:
        """A handler of the tracking API as the router takes it."""

        def handle(call: Call) -> Reply:
            user = call.principal.object_id if call.principal else ""
            return handler(kind(self._emulator, self._workspace(call), self._artifact_uri, user), call)

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
