"""Every key of workspace.json: what a new workspace is made of, or what is said of the key."""

import pytest

from aml_actions.runner import Runner
from aml_actions.spec import CheckContext
from aml_actions.workspace import WorkspaceRef
from aml_workspace.creation import entity
from aml_workspace.parameters import WorkspaceParameters
from aml_workspace.spec import ACTION

TEAM = WorkspaceRef("sub-1", "rg-1", "ws-1")
HERE = "/subscriptions/sub-1/resourceGroups/rg-1/providers"
ELSEWHERE = "/subscriptions/sub-1/resourceGroups/rg-2/providers"


class Step:
    """What `entity` needs of a step."""

    spec = ACTION

    def __init__(self, parameters):
        self.parameters = WorkspaceParameters(**parameters)
        self.runner = Runner.from_environment({"GITHUB_WORKSPACE": "/w", "GITHUB_REPOSITORY": "octo/iris"})


@pytest.mark.parametrize(
    ("key", "value", "attribute", "made"),
    [
        ("location", "eastus", "location", "eastus"),
        ("location", "", "location", "westeurope"),
        ("friendly_name", "ML team", "display_name", "ML team"),
        ("friendly_name", "", "display_name", "ws-1"),
        ("hbi_workspace", True, "hbi_workspace", True),
        ("hbi_workspace", False, "hbi_workspace", False),
        *(
            (key, value, attribute, made)
            for key, attribute, resource in (
                ("storage_account", "storage_account", "Microsoft.Storage/storageAccounts/x"),
                ("key_vault", "key_vault", "Microsoft.KeyVault/vaults/x"),
                ("app_insights", "application_insights", "Microsoft.Insights/components/x"),
                ("container_registry", "container_registry", "Microsoft.ContainerRegistry/registries/x"),
            )
            for value, made in (
                (resource, f"{HERE}/{resource}"),
                (f"{ELSEWHERE}/{resource}", f"{ELSEWHERE}/{resource}"),
            )
        ),
    ],
)
def test_a_key_becomes_a_property_of_the_new_workspace(key, value, attribute, made):
    assert getattr(entity(Step({key: value}), TEAM, "westeurope"), attribute) == made


@pytest.mark.parametrize("vault", ["Microsoft.KeyVault/vaults/x", f"{ELSEWHERE}/Microsoft.KeyVault/vaults/x"])
def test_the_customer_managed_key_has_a_vault_and_an_address(vault):
    address = "https://x.vault.azure.net/keys/ml/0123"
    key = entity(Step({"cmk_key_vault": vault, "resource_cmk_uri": address}), TEAM, "westeurope").customer_managed_key
    assert key.key_vault == (vault if vault.startswith("/") else f"{HERE}/{vault}")
    assert key.key_uri == address


def test_what_is_left_out_is_left_to_azure():
    made = entity(Step({}), TEAM, "westeurope")
    for attribute in (
        "storage_account",
        "key_vault",
        "application_insights",
        "container_registry",
        "customer_managed_key",
    ):
        assert getattr(made, attribute) is None


@pytest.mark.parametrize(
    ("parameters", "key", "said"),
    [
        ({"sku": "enterprise"}, "sku", "The parameter sku (enterprise) is ignored"),
        ({"cmk_key_vault": "Microsoft.KeyVault/vaults/x"}, "cmk_key_vault", "needs resource_cmk_uri too"),
        ({"resource_cmk_uri": "https://x"}, "resource_cmk_uri", "needs cmk_key_vault too"),
    ],
)
def test_a_key_that_cannot_take_effect_is_warned_of(tmp_path, parameters, key, said):
    """A warning, not an error: with a workspace that exists the legacy action did not look at the key."""
    findings = ACTION.run_check(WorkspaceParameters(**parameters), CheckContext(tmp_path, "workspace.json"))
    assert findings.errors == []
    [warning] = findings.warnings
    assert said in warning.what
    assert (warning.file, warning.key) == ("workspace.json", key)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"name": "ws-1", "resource_group": "rg", "create_workspace": True, "create_resource_group": False},
        {"cmk_key_vault": "Microsoft.KeyVault/vaults/x", "resource_cmk_uri": "https://x", "location": "westeurope"},
    ],
)
def test_a_good_file_is_not_warned_of(tmp_path, parameters):
    findings = ACTION.run_check(WorkspaceParameters(**parameters), CheckContext(tmp_path, "workspace.json"))
    assert (findings.errors, findings.warnings) == ([], [])
