"""Whether a run is part of a larger one: a step of a pipeline, a trial of a sweep, an iteration of AutoML, a nested run.

Run events do not say so in one place. What they say is collected here, from the official samples (`runTemplate`) and
from the properties and tags that runs have.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.events import Event, field, text

_PARENTS = ("parentRunId", "rootRunId")
_PARENT_PROPERTIES = (
    *_PARENTS,
    "azureml.parentRunId",
    "azureml.rootRunId",
    "azureml.pipelinerunid",
    "azureml.rootpipelinerunid",
    "parent_run_id",
    "root_run_id",
)
_PARENT_TAGS = ("mlflow.parentRunId", "mlflow.rootRunId")
_STEP = "azureml.steprun"


def why_child(event: Event) -> str | None:
    """What says that the event's run belongs to another one; None for a run that stands for itself and for other events."""
    run = text(field(event.data, "runId"))
    if not run:
        return None
    properties = field(event.data, "runProperties")
    tags = field(event.data, "runTags")
    return (
        _names_another(event.data, _PARENTS, run)
        or _names_another(properties, _PARENT_PROPERTIES, run)
        or _names_another(tags, _PARENT_TAGS, run)
        or _template(properties)
        or _step(event.data, properties)
        or _trial(properties, tags)
    )


def _names_another(holder: object, names: tuple[str, ...], run: str) -> str | None:
    if not isinstance(holder, Mapping):
        return None
    return next((f"{name} names another run" for name in names if text(field(holder, name)) not in ("", run)), None)


def _template(properties: object) -> str | None:
    for name in ("runTemplate", "run_template"):
        template = text(field(properties, name))
        if template.lower().endswith("_child"):
            return f"{name} is {template}"
    return None


def _step(data: object, properties: object) -> str | None:
    if _STEP in (text(field(data, "runType")).lower(), text(field(properties, "azureml.runsource")).lower()):
        return "it is a step of a pipeline"
    return None


def _trial(properties: object, tags: object) -> str | None:
    """A sweep and its trials have the same source; only a trial has the hyperparameters that it was given."""
    if text(field(properties, "azureml.runsource")).lower() == "hyperdrive" and field(tags, "hyperparameters"):
        return "it is a trial of a sweep"
    return None
