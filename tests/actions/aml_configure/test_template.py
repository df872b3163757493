"""A template and its parameters are judged before Azure is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aml_actions.errors import ActionError
from aml_configure.template import read

TEMPLATE = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "parameters": {
        "workspaceName": {"type": "string"},
        "nodes": {"type": "int", "defaultValue": 0},
        "private": {"type": "bool", "defaultValue": False},
        "sku": {"type": "string", "defaultValue": "Basic", "allowedValues": ["Basic", "Standard"]},
        "tags": {"type": "object", "defaultValue": {}},
        "patToken": {"type": "secureString", "defaultValue": ""},
    },
    "resources": [
        {"type": "Microsoft.MachineLearningServices/workspaces", "resources": [{"type": "Microsoft.Insights/x"}]},
        {
            "type": "Microsoft.Resources/deployments",
            "properties": {"template": {"resources": [{"type": "Microsoft.Web/sites"}]}},
        },
    ],
}


@pytest.fixture
def template(tmp_path: Path):
    """Read a template with parameters, from files and as mapped_params."""

    def call(mapped: str = "", parameters: object = None, text: str = ""):
        (tmp_path / "t.json").write_text(text or json.dumps(TEMPLATE))
        if parameters is not None:
            wrapped = {"parameters": {name: {"value": value} for name, value in parameters.items()}}
            (tmp_path / "p.json").write_text(json.dumps(wrapped))
        return read(tmp_path, "t.json", "p.json" if parameters is not None else "", mapped)

    return call


def errors(call) -> list[ActionError]:
    with pytest.raises(ActionError) as caught:
        call()
    return list(getattr(caught.value, "problems", (caught.value,)))


def test_values_of_the_file_and_above_them_those_of_the_step(template):
    found = template("nodes=3, private=True\nworkspaceName=ws-b", {"workspaceName": "ws-a", "sku": "standard"})
    assert {name: one["value"] for name, one in found.values.items()} == {
        "workspaceName": "ws-b",
        "nodes": 3,
        "private": True,
        "sku": "standard",
    }


def test_a_value_with_commas_and_equal_signs_stays_whole(template):
    found = template('workspaceName=a, b c, nodes=2\ntags={"a": 1, "b": 2}\npatToken=x==,y')
    assert (found.values["workspaceName"]["value"], found.values["nodes"]["value"]) == ("a, b c", 2)
    assert found.values["tags"]["value"] == {"a": 1, "b": 2}
    assert found.values["patToken"]["value"] == "x==,y"


def test_names_in_another_case_are_those_of_the_template(template):
    assert "workspaceName" in template("WORKSPACENAME=x").values


def test_all_that_is_wrong_is_told_at_once(template):
    found = errors(lambda: template("nodes=many\nsku=Premium\nworkspacename2=x"))
    told = "\n".join(map(str, found))
    assert len(found) == 4
    assert "The template needs a value for the parameter workspaceName." in told
    assert "did you mean workspaceName?" in told
    assert "Basic, Standard" in told
    assert '"many"' in told


def test_secrets_are_found_and_never_shown(template):
    assert template("workspaceName=x\npatToken=ghp_secret").secrets() == ["ghp_secret"]
    bad = {**TEMPLATE, "parameters": {"patToken": {"type": "securestring", "allowedValues": ["a"]}}}
    (problem,) = errors(lambda: template("patToken=ghp_secret", text=json.dumps(bad)))
    assert "ghp_secret" not in str(problem)
    (problem,) = errors(lambda: template("workspaceName=x\n", text="{}"))
    assert "no ARM template" in problem.what


def test_a_line_that_is_no_parameter_is_not_repeated(template):
    (problem,) = errors(lambda: template("ghp_secret\nworkspaceName=x"))
    assert "ghp_secret" not in str(problem)


def test_a_template_with_comments(template):
    text = json.dumps(TEMPLATE).replace("{", "{ // the template https://x\n", 1)
    assert template("workspaceName=x", text=text).has("sku")


def test_providers_are_those_of_all_resources(template):
    assert template("workspaceName=x").namespaces == [
        "Microsoft.Insights",
        "Microsoft.MachineLearningServices",
        "Microsoft.Resources",
        "Microsoft.Web",
    ]


@pytest.mark.parametrize("file", ["missing.json", "../outside.json", "/etc/passwd"])
def test_a_file_that_is_not_in_the_repository(tmp_path, file):
    with pytest.raises(ActionError, match="is not in the repository"):
        read(tmp_path, file, "", "")
