"""Resource ids in parameters files, whole or in the short form."""

import pytest

from aml_actions.resource_ids import checked, expanded
from aml_actions.workspace import WorkspaceRef

STORAGE = "Microsoft.Storage/storageAccounts"
WHOLE = f"/subscriptions/s/resourceGroups/g/providers/{STORAGE}/mlteam"
TEAM = WorkspaceRef("sub-1", "rg-1", "ws-1")


@pytest.mark.parametrize(
    "written",
    [
        f"{STORAGE}/mlteam",
        f"/{STORAGE}/mlteam",
        WHOLE,
        WHOLE.replace("resourceGroups", "resourcegroups").replace("Microsoft", "microsoft"),
    ],
)
def test_both_forms_are_taken(written):
    assert checked(written, STORAGE) == written
    assert checked(f"  {written}/ ", STORAGE) == written


@pytest.mark.parametrize(
    "written",
    [
        "mlteam",
        "",
        f"{STORAGE}/",
        f"{STORAGE}/ml team",
        f"{STORAGE}/mlteam/more",
        "Microsoft.KeyVault/vaults/mlteam",
        f"/resourceGroups/g/providers/{STORAGE}/mlteam",
        f"https://portal.azure.com/#resource{WHOLE}",
        WHOLE.replace("/s/", "/ /"),
    ],
)
def test_what_names_no_resource_of_the_type_is_refused_with_both_forms(written):
    with pytest.raises(ValueError, match="whole resource id") as caught:
        checked(written, STORAGE)
    assert f"{STORAGE}/<name>" in str(caught.value)


def test_one_of_several_types_is_enough():
    types = ("Microsoft.ContainerService/managedClusters", "Microsoft.Kubernetes/connectedClusters")
    assert checked("Microsoft.Kubernetes/connectedClusters/k", *types) == "Microsoft.Kubernetes/connectedClusters/k"


def test_the_short_form_means_the_workspace_and_a_whole_id_itself():
    assert expanded(f"{STORAGE}/a", TEAM) == f"/subscriptions/sub-1/resourceGroups/rg-1/providers/{STORAGE}/a"
    assert expanded(f"/{STORAGE}/a", TEAM, "rg-2") == f"/subscriptions/sub-1/resourceGroups/rg-2/providers/{STORAGE}/a"
    assert expanded(WHOLE, TEAM, "rg-2") == WHOLE
