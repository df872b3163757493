"""aml-configure as a step of a job: the template of this project, its function, and an event that reaches GitHub."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.infrastructure import TOKEN, Setup
from support.steps import RUN, Outcome


def resources(arm: Callable[..., dict[str, Any]], setup: Setup) -> dict[str, str]:
    """Type and name of everything in the group, with the text of its properties."""
    listed = arm(f"/resourceGroups/{setup.group}/resources", "2021-04-01")["value"]
    return {f"{one['type']}/{one['name']}": json.dumps(one, sort_keys=True) for one in listed}


def test_the_first_run_makes_everything_and_says_so(
    deployed: tuple[Setup, Outcome], arm: Callable[..., dict[str, Any]], leaves_no_secret: Callable[[Outcome], None]
) -> None:
    setup, outcome = deployed
    assert outcome.code == 0, outcome.log
    kinds = {name.rpartition("/")[0] for name in resources(arm, setup)}
    assert {
        "Microsoft.MachineLearningServices/workspaces",
        "Microsoft.Web/sites",
        "Microsoft.EventGrid/systemTopics",
        "Microsoft.KeyVault/vaults",
    } <= kinds
    assert outcome.result["functions"] == ["aml_event_to_github", "aml_events"]
    assert outcome.result["resource_group"] == setup.group
    assert json.loads(outcome.outputs["deployment_outputs"])["workspaceName"] == "mlops-workspace"
    assert "with the event subscriptions" in outcome.log
    assert "mlops-workspace" in outcome.summary
    leaves_no_secret(outcome)
    assert TOKEN in "".join(line for line in outcome.log.splitlines() if line.startswith("::add-mask::"))
    assert TOKEN not in "".join(line for line in outcome.log.splitlines() if not line.startswith("::add-mask::"))
    assert TOKEN not in outcome.summary + repr(outcome.outputs)


def test_the_second_run_changes_nothing(deployed: tuple[Setup, Outcome], arm: Callable[..., dict[str, Any]]) -> None:
    setup, _ = deployed
    before = resources(arm, setup)
    outcome = setup.configure()
    assert outcome.code == 0, outcome.log
    assert resources(arm, setup) == before
    asked = setup.configure(what_if="true")
    assert asked.code == 0, asked.log
    assert {change["kind"] for change in asked.result["changes"]} <= {"NoChange", "Ignore"}, asked.log
    assert any("eventSubscriptions" in change["resource"] for change in asked.result["changes"])
    assert "Nothing would change" in asked.summary
    assert resources(arm, setup) == before


def test_what_a_changed_parameter_would_change_is_shown_and_not_done(
    deployed: tuple[Setup, Outcome], arm: Callable[..., dict[str, Any]]
) -> None:
    setup, _ = deployed
    before = resources(arm, setup)
    asked = setup.configure(what_if="true", mapped="computeMaxNodes=3")
    assert asked.code == 0, asked.log
    [changed] = [change for change in asked.result["changes"] if change["kind"] != "NoChange"]
    assert changed["kind"] == "Modify"
    assert changed["resource"].endswith("/computes/githubcluster")
    assert "maxNodeCount" in asked.log
    assert "githubcluster" in asked.summary
    assert resources(arm, setup) == before


def test_an_unclear_what_if_deploys_nothing(setup: Setup, arm: Callable[..., dict[str, Any]]) -> None:
    outcome = setup.configure(what_if="yes")
    assert outcome.code == 1
    assert "what_if" in outcome.annotations[0]
    with pytest.raises(Exception, match="ResourceGroupNotFound"):
        arm(f"/resourceGroups/{setup.group}", "2021-04-01")


def test_what_would_change_in_a_group_that_is_not_there_cannot_be_told(setup: Setup) -> None:
    outcome = setup.configure(what_if="true")
    assert outcome.code == 1
    assert setup.group in outcome.annotations[0]


def test_a_parameter_that_is_missing_or_wrong_is_told_before_anything_is_made(
    setup: Setup, arm: Callable[..., dict[str, Any]]
) -> None:
    outcome = setup.configure(mapped="computeMaxNodes=many\nworkspaceNane=x")
    assert outcome.code == 1
    [told] = outcome.annotations
    assert "computeMaxNodes" in told
    assert "workspaceNane" in told
    assert "workspaceName" in told
    assert "Traceback" not in outcome.log
    with pytest.raises(Exception, match="ResourceGroupNotFound"):
        arm(f"/resourceGroups/{setup.group}", "2021-04-01")


def test_a_parameter_that_has_no_value_is_told_with_the_way_to_give_one(setup: Setup) -> None:
    setup.change("deploy.core-infra.json", lambda template: template["parameters"]["repo_name"].pop("defaultValue"))
    outcome = setup.configure(mapped_params=f"patToken={TOKEN}")
    assert outcome.code == 1
    [told] = outcome.annotations
    assert "needs a value for the parameter repo_name" in told
    assert "repo_name=..." in told
    assert TOKEN not in told


def test_a_template_that_is_no_json_is_told_with_its_line(setup: Setup) -> None:
    file = setup.root / "infra" / "deploy.core-infra.json"
    file.write_text(file.read_text().replace('"resources"', '"resources', 1))
    outcome = setup.configure()
    assert outcome.code == 1
    assert "infra/deploy.core-infra.json" in outcome.annotations[0]
    assert "line=" in outcome.log


def test_what_azure_says_of_a_resource_is_told_with_the_resource(setup: Setup) -> None:
    def break_it(template: dict[str, Any]) -> None:
        cluster = next(one for one in template["resources"] if one["type"].endswith("workspaces/computes"))
        cluster["properties"]["properties"]["vmSize"] = "STANDARD_NOT_THERE"

    setup.change("deploy.core-infra.json", break_it)
    outcome = setup.configure(function_folder="")
    assert outcome.code == 1
    [told] = outcome.annotations
    assert "STANDARD_NOT_THERE" in told
    assert "githubcluster" in told
    assert "Traceback" not in outcome.log


def test_subscriptions_to_a_function_without_code_are_told_with_the_input_that_publishes_it(setup: Setup) -> None:
    outcome = setup.configure(function_folder="", mapped="deployEventSubscriptions=true")
    assert outcome.code == 1
    [told] = outcome.annotations
    assert "workspace-events-to-github" in told
    assert "its code was not published" in told
    assert "function_folder" in told


def test_code_that_cannot_be_loaded_fails_the_step_and_leaves_no_subscription(
    setup: Setup, arm: Callable[..., dict[str, Any]]
) -> None:
    (setup.root / "infra/function/requirements.txt").write_text("no-such-package-anywhere==1.0\n")
    outcome = setup.configure()
    assert outcome.code == 1
    [told] = outcome.annotations
    assert "no-such-package-anywhere" in told
    assert "with the event subscriptions" not in outcome.log
    topics = f"/resourceGroups/{setup.group}/providers/Microsoft.EventGrid/systemTopics"
    [topic] = arm(topics, "2025-02-15")["value"]
    assert arm(f"{topics}/{topic['name']}/eventSubscriptions", "2025-02-15")["value"] == []


def test_a_template_without_a_function_needs_no_code(setup: Setup) -> None:
    (setup.root / "infra/small.json").write_text(
        json.dumps(
            {
                "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                "contentVersion": "1.0.0.0",
                "resources": [
                    {
                        "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
                        "apiVersion": "2023-01-31",
                        "name": "somebody",
                        "location": "westeurope",
                    }
                ],
                "outputs": {"name": {"type": "string", "value": "somebody"}},
            }
        )
    )
    small = {"armtemplate_file": "infra/small.json", "function_folder": ""}
    outcome = setup.configure(**small, mapped_params="")
    assert outcome.code == 0, outcome.log
    assert json.loads(outcome.outputs["deployment_outputs"]) == {"name": "somebody"}
    with_code = setup.configure(**{**small, "function_folder": "infra/function"}, mapped_params="")
    assert with_code.code == 1
    assert "functionAppResourceId" in with_code.annotations[0]


def test_the_step_of_a_real_job(setup: Setup, actions_home: Path) -> None:
    """Through run.sh, in the environment of the locked packages, as action.yml starts it."""
    outcome = setup.configure(command=[str(RUN)], env={"AML_ACTIONS_HOME": str(actions_home)})
    assert outcome.code == 0, outcome.log
    assert outcome.result["functions"] == ["aml_event_to_github", "aml_events"]
