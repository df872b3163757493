"""Services that only SDK v1 (`azureml-core`) calls and that the emulator does not have: each refused with what to do instead.

What `Run` itself needs is served: `history`, `run_changes`, `artifact_service`, `metric_service`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aml_emulator.history import RunHistoryError
from aml_emulator.http import Call, Reply, Router
from aml_emulator.ml.scope import WORKSPACE

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

_SERVICES = {
    "content": "snapshots of SDK v1. The code of a job is the `code` of its job",
    "credential": "secrets of the workspace (Run.get_secret). Give a job what it needs as an input or variable",
    "datacache": "data caches of SDK v1",
    "dataset": "data sets of SDK v1 (azureml.core.Dataset). Give the job the data as an input",
    "datastore": "data stores of SDK v1 (azureml.core.Datastore). Give the job the data as an input",
    "environment": "environments of SDK v1 (azureml.core.Environment). Use those of azure-ai-ml",
    "execution": "submitting with SDK v1 (Experiment.submit). Submit jobs with azure-ai-ml",
    "jasmine": "automated machine learning",
    "modelmanagement": "models and services of SDK v1 (Run.register_model, Model, Webservice). Register the model after the"
    " job, with aml-registermodel or azure-ai-ml",
    "pipelines": "pipelines of SDK v1. Submit pipeline jobs with azure-ai-ml",
}
_METRICS = "metrics in the form of old versions of azureml-core (AZUREML_METRICS_V2 is off). Use a newer version"


class SdkV1Error(RunHistoryError):
    """A refusal: 400, since SDK v1 asks three more times, seconds apart, for everything that is 500 or more."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The emulator does not do this: {what}.", 400, "NotEmulated")

    def body(self) -> dict[str, Any]:
        """The error as the data plane writes it, with the members of the model service beside: its clients read those."""
        return super().body() | {
            "code": "NotEmulated",
            "statusCode": self.status,
            "message": self.message,
            "details": [],
        }


def register(router: Router, emulator: Emulator) -> None:
    """Routes that refuse; those of other modules come first."""
    for service, what in _SERVICES.items():
        _refuse(router, f"/{service}/{{version}}{WORKSPACE}/{{rest:path}}", what)
    for rest in ("runs/{run}/metrics", "runs/{run}/batch/metrics", "metrics:query"):
        _refuse(router, f"/history/v1.0{WORKSPACE}/experiments/{{experiment}}/{rest}", _METRICS)


def _refuse(router: Router, pattern: str, what: str) -> None:
    def refuse(call: Call) -> Reply:
        raise SdkV1Error(what)

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        router.add(method, pattern, refuse)
