"""Runs that are part of others are told from runs that stand for themselves."""

from __future__ import annotations

import json

import pytest
from bridge import events
from bridge.child_runs import why_child
from infra.function.conftest import SAMPLES, completed, event


@pytest.mark.parametrize(
    ("properties", "tags", "why"),
    [
        ({"runTemplate": "automl_child"}, {}, "runTemplate is automl_child"),
        ({"run_template": "automl_child"}, {}, "run_template is automl_child"),
        ({"azureml.pipelinerunid": "other"}, {}, "azureml.pipelinerunid names another run"),
        ({"azureml.rootpipelinerunid": "other"}, {}, "azureml.rootpipelinerunid names another run"),
        ({"azureml.parentRunId": "other"}, {}, "azureml.parentRunId names another run"),
        ({"rootRunId": "other"}, {}, "rootRunId names another run"),
        ({"AzureML.RunSource": "azureml.StepRun"}, {}, "it is a step of a pipeline"),
        ({}, {"mlflow.parentRunId": "other"}, "mlflow.parentRunId names another run"),
        ({"azureml.runsource": "hyperdrive"}, {"hyperparameters": '{"c": 1}'}, "it is a trial of a sweep"),
        ({"azureml.runsource": "hyperdrive", "runTemplate": "HyperDrive"}, {}, None),
        ({"azureml.pipelinerunid": "run"}, {}, None),
        ({"rootRunId": "run", "parentRunId": ""}, {}, None),
        ({"azureml.runsource": "azureml.PipelineRun"}, {}, None),
        ({}, {"hyperparameters": "my own tag"}, None),
        (None, None, None),
    ],
)
def test_a_child_is_known_by_its_properties_and_tags(properties: object, tags: object, why: str | None) -> None:
    assert why_child(event("run", runProperties=properties, runTags=tags)) == why


def test_a_child_is_known_by_the_events_own_words() -> None:
    assert why_child(event("run", runType="azureml.StepRun")) == "it is a step of a pipeline"
    document = completed("run")
    document["data"]["parentRunId"] = "other"
    assert why_child(events.from_document(document)) == "parentRunId names another run"


def test_events_that_are_not_about_runs_have_no_parent() -> None:
    kind = "Microsoft.MachineLearningServices.ModelRegistered"
    assert why_child(event(eventType=kind, data={"ModelName": "m", "parentRunId": "x"})) is None


def test_the_official_sample_is_an_iteration_of_automl() -> None:
    path = next(SAMPLES.rglob("event-grid-schema/run_completed.json"), None)
    if path is None:
        pytest.skip(f"there are no event samples at {SAMPLES}")
    assert why_child(events.from_document(json.loads(path.read_text()))) == "runTemplate is automl_child"
