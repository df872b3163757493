"""Which repository an event goes to, and what a routing document may say."""

from __future__ import annotations

from typing import Any

import pytest
from bridge import routing
from bridge.events import Event
from bridge.routing import Ignored, Route, Routing
from infra.function.conftest import event

RUN = "Microsoft.MachineLearningServices.RunCompleted"
CHILD = {"azureml.pipelinerunid": "other"}


def parsed(document: dict[str, Any] | None, *allowed: str) -> Routing:
    found, problems = routing.parse(document, allowed)
    assert not problems, problems
    assert found is not None
    return found


def blob(path: str) -> Event:
    return event(
        eventType="Microsoft.Storage.BlobCreated", subject=f"/blobServices/default/containers/{path}", data={"url": "u"}
    )


def test_one_allowed_repository_gets_everything_without_a_document() -> None:
    found = parsed(None, "contoso/churn")
    assert found.route(event()) == Route("contoso/churn")
    assert found.route(blob("c/blobs/b")) == Route("contoso/churn")


def test_several_allowed_repositories_need_rules() -> None:
    assert parsed(None, "contoso/churn", "contoso/fraud").route(event()) == Ignored("no_rule")
    assert parsed(None, "contoso/*").route(event()) == Ignored("no_rule")


def test_the_first_rule_that_names_a_repository_decides() -> None:
    found = parsed(
        {
            "allowed_repositories": ["contoso/*"],
            "rules": [
                {
                    "event_type": "microsoft.storage.*",
                    "subject": "*/containers/training/*",
                    "repository": "contoso/data",
                },
                {"event_type": RUN, "experiment": "Fraud-*", "repository": "contoso/fraud"},
                {"tags": {"team": {"vision": "contoso/vision", "text": "contoso/nlp"}}},
                {"event_type": "*.RunCompleted", "repository": "contoso/runs"},
            ],
        }
    )
    assert found.route(blob("training/blobs/a.csv")) == Route("contoso/data")
    assert found.route(blob("other/blobs/a.csv")) == Ignored("no_rule")
    assert found.route(event(experimentName="fraud-daily")) == Route("contoso/fraud")
    assert found.route(event(runTags={"team": "text"})) == Route("contoso/nlp")
    assert found.route(event(runTags={"team": "audio"})) == Route("contoso/runs")
    assert found.route(event(eventType="Microsoft.MachineLearningServices.RunStatusChanged")) == Ignored("no_rule")


def test_a_rule_for_an_experiment_is_not_for_events_without_one() -> None:
    found = parsed({"rules": [{"experiment": "*", "repository": "contoso/churn"}]}, "contoso/churn")
    assert found.route(event()) == Route("contoso/churn")
    assert found.route(blob("c/blobs/b")) == Ignored("no_rule")


def test_the_default_repository_takes_what_no_rule_took_and_a_rule_can_keep_it_from_that() -> None:
    document = {
        "default_repository": "contoso/churn",
        "rules": [{"event_type": "*.ModelDeployed", "ignore": True}],
    }
    found = parsed(document, "contoso/churn")
    assert found.route(event()) == Route("contoso/churn")
    deployed = event(eventType="Microsoft.MachineLearningServices.ModelDeployed", data={"ServiceName": "s"})
    assert found.route(deployed) == Ignored("rule", "A rule says that such events are ignored.")


def test_a_runs_own_tag_names_its_repository_if_that_is_allowed() -> None:
    found = parsed({"rules": [{"repository_from_tag": True}], "default_repository": "contoso/churn"}, "contoso/*")
    assert found.route(event(runTags={"GITHUB_REPOSITORY": "Contoso/Fraud"})) == Route("Contoso/Fraud")
    assert found.route(event(runTags={})) == Route("contoso/churn")
    stranger = event(runTags={"GITHUB_REPOSITORY": "evil/repo"})
    assert found.route(stranger) == Ignored("repository_not_allowed", "evil/repo")


@pytest.mark.parametrize(
    "name",
    [
        "contoso/../../evil",
        "contoso/..",
        "contoso/a/b",
        "contoso/a?x=1",
        "contoso/",
        "/a",
        "contoso/a\n",
        "contoso/%2e",
    ],
)
def test_a_tag_never_becomes_a_path(name: str) -> None:
    found = parsed({"rules": [{"repository_from_tag": True}]}, "contoso/*")
    assert found.route(event(runTags={"GITHUB_REPOSITORY": name})) == Ignored("repository_not_allowed", name)


def test_child_runs_are_ignored_unless_they_are_wanted() -> None:
    plain = {"rules": [{"event_type": "*.RunCompleted", "repository": "contoso/churn"}]}
    child, run = event(runProperties=CHILD), event()
    assert parsed(plain, "contoso/churn").route(child).__class__ is Ignored
    assert parsed(plain, "contoso/churn").route(run) == Route("contoso/churn")
    assert parsed({**plain, "child_runs": True}, "contoso/churn").route(child) == Route("contoso/churn")
    own = {"rules": [{"experiment": "sweeps", "child_runs": True, "repository": "contoso/churn"}, *plain["rules"]]}
    assert parsed(own, "contoso/churn").route(event(runProperties=CHILD, experimentName="sweeps")) == Route(
        "contoso/churn"
    )
    ignored = parsed(own, "contoso/churn").route(child)
    assert ignored == Ignored("child_run", "azureml.pipelinerunid names another run")
    assert parsed({"default_repository": "contoso/churn"}, "contoso/churn").route(child) == ignored


def test_the_subscriptions_own_repository_goes_before_rules_if_it_is_allowed() -> None:
    found = parsed({"rules": [{"repository": "contoso/churn"}]}, "contoso/churn", "contoso/fraud")
    assert found.route(event(), "contoso/fraud") == Route("contoso/fraud")
    assert found.route(event(), "evil/repo") == Ignored("repository_not_allowed", "evil/repo")
    assert found.route(event(runProperties=CHILD), "contoso/fraud") == Ignored(
        "child_run", "azureml.pipelinerunid names another run"
    )


def test_a_repository_has_to_be_in_both_lists() -> None:
    found = parsed({"allowed_repositories": ["contoso/*"], "default_repository": "contoso/churn"}, "contoso/churn")
    assert found.allows("CONTOSO/churn")
    assert not found.allows("contoso/other")
    assert not parsed(None, "contoso/*").allows("contoso-evil/x")


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ([], "ROUTING has to be a JSON object."),
        ({}, "No repository is allowed. Name them in ALLOWED_REPOSITORIES"),
        ({"allowed_repositories": "contoso/churn"}, "ROUTING allowed_repositories has to be a list of texts"),
        ({"allowed_repositories": ["churn"]}, "'churn' is neither 'owner/name' nor 'owner/*'"),
        ({"allowed_repositories": ["*/*"]}, "'*/*' is neither"),
        ({"rule": []}, "ROUTING has no key 'rule'; its keys are allowed_repositories, rules"),
        ({"rules": {}}, "ROUTING rules has to be a list."),
        ({"rules": ["x"]}, "ROUTING rules[0] has to be an object."),
        ({"rules": [{"event": "x", "ignore": True}]}, "ROUTING rules[0] has no key 'event'"),
        (
            {"rules": [{"event_type": "*"}]},
            "needs exactly one of repository, tags, repository_from_tag: true and ignore: true",
        ),
        ({"rules": [{"repository": "o/r", "ignore": True}]}, "it has repository, ignore."),
        (
            {"rules": [{"tags": {"team": "o/r"}}]},
            "ROUTING rules[0] tags has to be an object of tag -> value -> repository",
        ),
        ({"rules": [{"repository": 5}]}, "ROUTING rules[0] repository has to be a text."),
        ({"child_runs": "yes"}, "ROUTING child_runs has to be true or false."),
        (
            {"allowed_repositories": ["o/r"], "default_repository": "o/x"},
            "ROUTING default_repository: 'o/x' is not among the allowed repositories.",
        ),
        (
            {"allowed_repositories": ["o/r"], "rules": [{"tags": {"t": {"v": "o/x"}}}]},
            "ROUTING rules[0] tags t: 'o/x' is not among the allowed repositories.",
        ),
    ],
)
def test_a_document_that_is_wrong_says_where(document: object, problem: str) -> None:
    found, problems = routing.parse(document)
    assert found is None
    assert any(problem in each for each in problems), problems
