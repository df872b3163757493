"""Which cloud the credentials lead to. A cloud of one's own is covered by the steps in tests/actions, which run against one."""

import dataclasses

import pytest

from aml_actions.cloud import AZURE, CHINA, US_GOVERNMENT, find
from aml_actions.credentials import Credentials, token_credential
from aml_actions.errors import ActionError

PRINCIPAL = Credentials("client", "secret-of-client", "0a0a0a0a-0000-0000-0000-000000000000", "subscription")


@pytest.mark.parametrize(
    ("endpoint", "cloud"),
    [
        ("", AZURE),
        ("https://management.azure.com/", AZURE),
        ("https://management.usgovcloudapi.net", US_GOVERNMENT),
        ("https://management.usgovcloudapi.net/", US_GOVERNMENT),
        ("https://Management.ChinaCloudApi.cn/", CHINA),
    ],
)
def test_the_endpoint_chooses_the_cloud(endpoint, cloud):
    assert find(dataclasses.replace(PRINCIPAL, resource_manager_endpoint=endpoint)) == cloud


def test_a_host_that_only_begins_like_azure_is_another_cloud():
    with pytest.raises(ActionError, match="does not describe a cloud"):
        find(dataclasses.replace(PRINCIPAL, resource_manager_endpoint="https://management.azure.com.invalid/"))


@pytest.mark.parametrize("cloud", [AZURE, US_GOVERNMENT, CHINA])
def test_a_known_cloud_is_the_sdks_own(cloud):
    """Our constants must not drift from the SDK's: tokens and tokens' audiences come from both."""
    from azure.ai.ml import _azure_environments as sdk

    known = {key: value.rstrip("/") for key, value in sdk._environments[cloud.name].items()}
    assert known == {
        "azure_portal": cloud.portal,
        "resource_manager": cloud.resource_manager,
        "active_directory": cloud.active_directory,
        "aml_resource_id": cloud.aml_resource_id,
        "storage_endpoint": cloud.storage_suffix,
        "registry_discovery_endpoint": cloud.registry_discovery,
    }
    assert cloud.client_settings() == {"cloud": cloud.name}


def test_a_sovereign_cloud_signs_in_at_its_own_authority():
    signed_in = token_credential(PRINCIPAL, US_GOVERNMENT)
    assert signed_in._authority == "https://login.microsoftonline.us"


def test_the_client_is_of_that_cloud_and_says_who_it_is():
    from aml_actions.client import ml_client
    from aml_actions.workspace import WorkspaceRef

    made = ml_client(
        token_credential(PRINCIPAL, CHINA),
        CHINA,
        WorkspaceRef("s", "rg", "ws"),
        "aml-run/1.0.0 (github-actions; run 7.1)",
    )
    assert made._base_url == "https://management.chinacloudapi.cn"
    assert made._kwargs["user_agent"].startswith("aml-run/1.0.0 (github-actions; run 7.1) ")
