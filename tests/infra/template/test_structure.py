"""The template as it stands in the file: what can be known of it before anybody deploys it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from infra.template import shapes, walk
from infra.template.walk import PARAMETERS_FILE, TEMPLATE_FILE, Template

TEMPLATE = walk.load()
EVERYWHERE = [(template, resource) for template in walk.templates(TEMPLATE) for resource in template.resources()]
PARAMETERS: dict[str, dict[str, Any]] = TEMPLATE.body["parameters"]

PARAMETERS_OF_2021 = [
    "workspaceName",
    "sku",
    "storageAccountNewOrExisting",
    "dataLakeNewOrExisting",
    "wsStorageAccountName",
    "storageAccountType",
    "wsStorageAccountResourceGroupName",
    "keyVaultNewOrExisting",
    "keyVaultName",
    "keyVaultResourceGroupName",
    "applicationInsightsNewOrExisting",
    "applicationInsightsName",
    "applicationInsightsResourceGroupName",
    "containerRegistryNewOrExisting",
    "containerRegistryName",
    "containerRegistrySku",
    "containerRegistryResourceGroupName",
    "confidential_data",
    "encryption_status",
    "cmk_keyvault",
    "resource_cmk_uri",
    "functionAppName",
    "functionGitHubURL",
    "functionGitHubBranch",
    "functionName",
    "functionFolder",
    "ExpireOn",
    "ownerName",
    "eventGridSubscriptionName",
    "location",
    "functionAppResourceGroup",
    "patToken",
    "computeName",
    "repo_name",
    "DataLakestorageName",
    "storageEventSubName",
]
NAMES_OF_THE_OLD_README = (
    "baseName",
    "GitHubURL",
    "pat_token",
    "funcProjectFolder",
    "eventGridTopicPrefix",
    "subscriptionID",
)
SECRETS = {"patToken", "gitHubAppPrivateKey"}

UNIQUE = "abcdefghijklm"
"""As long as what uniqueString gives."""
MADE_NAMES = {
    "wsStorageAccountName": r"[a-z0-9]{3,24}",
    "keyVaultName": r"[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]",
    "containerRegistryName": r"[a-zA-Z0-9]{5,50}",
    "workspaceName": r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}",
    "computeName": r"[a-zA-Z](?![a-zA-Z0-9-]*-\d+$)[a-zA-Z0-9-]{2,23}",
    "functionStorage": r"[a-z0-9]{3,24}",
    "functionApp": r"[a-z0-9][a-z0-9-]{0,58}[a-z0-9]",
}
"""Rules for the names that the template makes when it is given none."""


def name_of(case: tuple[Template, dict[str, Any]]) -> str:
    return f"{case[1]['type'].partition('/')[2]}: {case[1]['name']}"


def test_any_client_can_read_the_files() -> None:
    schemas = {
        TEMPLATE_FILE: "2019-04-01/deploymentTemplate.json#",
        PARAMETERS_FILE: "2019-04-01/deploymentParameters.json#",
    }
    for file, schema in schemas.items():
        body = json.loads(file.read_text(encoding="utf-8"))  # no comments: not every client takes them
        assert body["$schema"] == f"https://schema.management.azure.com/schemas/{schema}"
    assert len(TEMPLATE.body["parameters"]) <= 256
    assert len(TEMPLATE.body["variables"]) <= 256
    assert max(map(len, walk.expressions(TEMPLATE.body))) <= 24_576


def test_the_parameters_file_sets_only_what_the_template_knows() -> None:
    given = json.loads(PARAMETERS_FILE.read_text(encoding="utf-8"))["parameters"]
    assert set(given) <= set(PARAMETERS)
    assert not set(given) & SECRETS
    for name, value in given.items():
        kind = {"string": str, "int": int, "bool": bool, "object": dict}[PARAMETERS[name]["type"]]
        assert type(value["value"]) is kind, name


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_says_what_it_is_and_has_a_default(name: str) -> None:
    declaration = PARAMETERS[name]
    metadata = declaration["metadata"]
    assert metadata["description"].endswith(".")
    assert metadata["group"]
    assert ("default" in metadata) == walk.is_expression(declaration["defaultValue"])


def test_a_parameter_is_used_unless_it_is_documented_as_without_effect() -> None:
    for template in walk.templates(TEMPLATE):
        declared = template.body["parameters"]
        idle = {name for name, each in declared.items() if each.get("metadata", {}).get("withoutEffect")}
        assert template.used("parameters") == set(declared) - idle


def test_a_variable_is_used_and_every_used_one_is_there() -> None:
    for template in walk.templates(TEMPLATE):
        assert template.used("variables") == set(template.body.get("variables", {}))


def test_names_of_parameters_differ_by_more_than_case() -> None:
    assert len({name.lower() for name in PARAMETERS}) == len(PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS_OF_2021)
def test_a_parameters_file_of_2021_is_accepted(name: str) -> None:
    assert name in PARAMETERS


@pytest.mark.parametrize("name", NAMES_OF_THE_OLD_README)
def test_a_name_of_the_old_readme_is_explained(name: str) -> None:
    page = (walk.ROOT / "docs" / "infrastructure.md").read_text(encoding="utf-8")
    assert f"`{name}`" in page.partition("## From the parameters of 2021")[2]


@pytest.mark.parametrize("case", EVERYWHERE, ids=name_of)
def test_a_resource_has_the_shape_of_its_kind(case: tuple[Template, dict[str, Any]]) -> None:
    _, resource = case
    kind = shapes.KINDS[resource["type"]]
    assert resource["apiVersion"] == kind.version
    properties = dict(resource.get("properties", {}))
    for loop in properties.pop("copy", []):
        properties[loop["name"]] = [loop["input"]]
    beside = {key: value for key, value in resource.items() if key not in shapes.LANGUAGE}
    optional_tags = {key: value for key, value in kind.beside.items() if key != "tags!"} | {"tags": shapes.FREE}
    found = shapes.problems(beside, kind.beside if kind.tagged else optional_tags)
    if properties or kind.properties is not None:
        found += shapes.problems(properties, kind.properties, "properties")
    assert found == []


@pytest.mark.parametrize("case", EVERYWHERE, ids=name_of)
def test_a_tag_given_once_is_on_everything_that_can_bear_one(case: tuple[Template, dict[str, Any]]) -> None:
    _, resource = case
    if shapes.KINDS[resource["type"]].tagged:
        assert resource["tags"] == "[variables('tags')]"


def test_no_two_resources_are_the_same_one() -> None:
    for template in walk.templates(TEMPLATE):
        ids = [template.id_of(resource).lower() for resource in template.resources()]
        assert sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize("case", EVERYWHERE, ids=name_of)
def test_a_resource_waits_only_for_what_the_template_makes(case: tuple[Template, dict[str, Any]]) -> None:
    template, resource = case
    waits = template.waits_for(resource)
    assert template.id_of(resource) not in waits


@pytest.mark.parametrize("case", EVERYWHERE, ids=name_of)
def test_a_resource_waits_for_what_it_reads(case: tuple[Template, dict[str, Any]]) -> None:
    template, resource = case
    by_id = {template.id_of(each): each for each in template.resources()}
    waits, todo = set(), [resource]
    while todo:
        new = template.waits_for(todo.pop()) - waits
        waits |= new
        todo += [by_id[each] for each in new]
    for text in walk.expressions(resource.get("properties", {})):
        for target, *_ in walk.calls(template.expanded(text), "reference"):
            if target in by_id:
                assert target in waits, f"{template.id_of(resource)} reads {target} without waiting for it"


def test_what_is_read_is_read_with_the_version_of_its_kind() -> None:
    read = 0
    for template in walk.templates(TEMPLATE):
        for text in walk.expressions(template.body):
            for target, version, *_ in walk.calls(template.expanded(text), "reference"):
                kinds = re.findall(r"resourceId\((?:if\(.*?\), )?'(Microsoft\.[\w./]+)'", target)
                kind = kinds[0] if kinds else re.findall(r"'(Microsoft\.[\w./]+)'", target)[0]
                assert version == f"'{shapes.KINDS[kind].version}'"
                read += 1
    assert read > 10


def test_nothing_depends_on_the_day_or_on_chance() -> None:
    text = TEMPLATE_FILE.read_text(encoding="utf-8").lower()
    assert "utcnow(" not in text
    assert "newguid(" not in text


def test_a_secret_goes_to_the_key_vault_and_nowhere_else() -> None:
    assert {name for name, each in PARAMETERS.items() if each["type"].lower().startswith("secure")} == SECRETS
    suspicious = {name for name in PARAMETERS if re.search(r"token|password|secret|privatekey", name, re.IGNORECASE)}
    assert suspicious == SECRETS
    secret = "[if(variables('gitHubApp'), parameters('gitHubAppPrivateKey'), parameters('patToken'))]"
    holders = []
    for resource in TEMPLATE.resources():
        for text in walk.expressions(resource):
            # Asking whether there is one gives nothing away.
            rest = re.sub(r"not\(empty\(parameters\('\w+'\)\)\)", "", TEMPLATE.expanded(text))
            if any(f"parameters('{name}')" in rest for name in SECRETS):
                assert text == secret
                holders.append(resource)
    vault, nested = holders
    assert (vault["type"], vault["properties"]["value"]) == ("Microsoft.KeyVault/vaults/secrets", secret)
    assert nested["properties"]["parameters"]["secretValue"] == {"value": secret}
    inner = Template(nested["properties"]["template"])
    assert inner.body["parameters"]["secretValue"] == {"type": "securestring"}
    assert [each["type"] for each in inner.resources() if "secretValue" in json.dumps(each)] == [vault["type"]]


def test_no_output_gives_a_secret_away() -> None:
    for name, output in TEMPLATE.body["outputs"].items():
        value = TEMPLATE.expanded(output["value"])
        assert not re.search(r"\blist\w*\(", value), name
        assert not any(secret in value for secret in SECRETS), name


def test_the_outputs_that_the_workflows_read_are_there() -> None:
    assert set(TEMPLATE.body["outputs"]) >= {
        "workspaceName",
        "workspaceId",
        "functionAppName",
        "functionAppResourceId",
        "eventFunctionResourceId",
        "scmHost",
        "systemTopicName",
        "storageAccountName",
        "keyVaultName",
        "computeName",
    }


@pytest.mark.parametrize("name", MADE_NAMES)
def test_a_name_that_the_template_makes_is_one_that_azure_takes(name: str) -> None:
    source = PARAMETERS[name]["defaultValue"] if name in PARAMETERS else TEMPLATE.body["variables"][name]
    texts = re.sub(r"uniqueString\(resourceGroup\(\)\.id\)", f"'{UNIQUE}'", TEMPLATE.expanded(source))
    texts = re.sub(r"parameters\('functionAppName'\)", f"'{'f' * PARAMETERS['functionAppName']['maxLength']}'", texts)
    made = "".join(re.findall(r"'([^']*)'", texts))
    assert re.fullmatch(MADE_NAMES[name], made), made


def test_names_made_from_the_longest_allowed_ones_are_not_too_long() -> None:
    longest = {"eventGridTopicPrefix": PARAMETERS["eventGridTopicPrefix"]["maxLength"]}
    for variable in ("workspaceTopic", "dataLakeTopic"):
        suffix = re.findall(r"'(-\w+)'", TEMPLATE.body["variables"][variable])[0]
        assert longest["eventGridTopicPrefix"] + len(suffix) <= 50
    assert PARAMETERS["workspaceName"]["maxLength"] + len("-logs") <= 63
