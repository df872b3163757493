"""Every key of compute.json: what the request to Azure holds, or what is said of the key."""

import io
import json
from types import SimpleNamespace

import pytest
from azure.core.exceptions import HttpResponseError
from support.steps import CREDENTIALS, step_environment, write_parameters

from aml_actions.errors import ActionError
from aml_actions.spec import CheckContext
from aml_actions.step import prepare
from aml_actions.workflow import Workflow
from aml_actions.workspace import WorkspaceRef, write
from aml_compute import attachment, creation
from aml_compute.parameters import AKS_KEYS, AML_KEYS, KUBERNETES_KEYS, ComputeParameters
from aml_compute.spec import ACTION

SUBSCRIPTION = CREDENTIALS["subscriptionId"]
TEAM = WorkspaceRef(SUBSCRIPTION, "rg-1", "ws-1")
IDENTITY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/train"
AKS = "Microsoft.ContainerService/managedClusters/aks"
ARC = "Microsoft.Kubernetes/connectedClusters/arc"
HERE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-1/providers"
ELSEWHERE = "/subscriptions/s/resourceGroups/g/providers"


@pytest.fixture
def prepared(tmp_path):
    """The step in this process, up to where Azure is asked."""

    def make(parameters, **secrets):
        workspace = tmp_path / "repository"
        workspace.mkdir(exist_ok=True)
        write(TEAM, SimpleNamespace(workspace=workspace))
        write_parameters(workspace, "compute.json", parameters)
        environ = step_environment(
            tmp_path / "runner", workspace, {"azure_credentials": json.dumps(CREDENTIALS)}, secrets
        )
        outputs = {output.name for output in ACTION.outputs}
        return prepare(ACTION, environ, Workflow.from_environment(environ, io.StringIO(), outputs))

    return make


def wire(entity):
    """The body of the request that the SDK sends."""
    entity._set_full_subnet_name(TEAM.subscription_id, TEAM.resource_group)
    return entity._to_rest_object().as_dict()


def at(body, path):
    for part in path.split("."):
        body = body.get(part) if body else None
    return body


NETWORK = {"vnet_resource_group_name": "rg-net", "vnet_name": "ml-net", "subnet_name": "training"}
SUBNET = f"{HERE.replace('rg-1', 'rg-net')}/Microsoft.Network/virtualNetworks/ml-net/subnets/training"


@pytest.mark.parametrize(
    ("parameters", "path", "value"),
    [
        ({"vm_size": "Standard_NC6"}, "vmSize", "Standard_NC6"),
        ({"vm_size": ""}, "vmSize", "Standard_DS3_v2"),
        ({"vm_priority": "dedicated"}, "vmPriority", "Dedicated"),
        ({"vm_priority": "lowpriority"}, "vmPriority", "LowPriority"),
        ({"min_nodes": 2}, "scaleSettings.minNodeCount", 2),
        ({"max_nodes": 9}, "scaleSettings.maxNodeCount", 9),
        ({"idle_seconds_before_scaledown": 300}, "scaleSettings.nodeIdleTimeBeforeScaleDown", "PT5M"),
        (NETWORK, "subnet.id", SUBNET),
        ({"remote_login_port_public_access": "Enabled"}, "remoteLoginPortPublicAccess", "Enabled"),
        ({"remote_login_port_public_access": "Disabled"}, "remoteLoginPortPublicAccess", "Disabled"),
        ({"remote_login_port_public_access": "NotSpecified"}, "remoteLoginPortPublicAccess", "NotSpecified"),
    ],
)
def test_a_key_becomes_a_property_of_the_new_cluster(prepared, parameters, path, value):
    step = prepared({"compute_type": "amlcluster", **parameters})
    body = wire(creation.entity(step, "cpu"))
    assert body["properties"]["computeType"] == "AmlCompute"
    assert at(body["properties"]["properties"], path) == value


@pytest.mark.parametrize("kind", ["amlcluster", "akscluster"])
@pytest.mark.parametrize(
    ("parameters", "identity"),
    [
        ({}, None),
        ({"identity_type": "SystemAssigned"}, {"type": "SystemAssigned"}),
        (
            {"identity_type": "UserAssigned", "identity_id": [IDENTITY]},
            {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}},
        ),
    ],
)
def test_the_identity_is_that_of_the_cluster_of_either_kind(prepared, kind, parameters, identity):
    step = prepared({"compute_type": kind, **({"resource_id": AKS} if kind == "akscluster" else {}), **parameters})
    entity = creation.entity(step, "cpu") if kind == "amlcluster" else attachment.entity(step, "aks")
    assert wire(entity).get("identity") == identity


@pytest.mark.parametrize(
    ("secrets", "account"),
    [
        ({}, None),
        (
            {"ADMIN_USER_NAME": "azureuser", "ADMIN_USER_PASSWORD": "pass~Word-1"},
            {"adminUserName": "azureuser", "adminUserPassword": "pass~Word-1"},
        ),
        (
            {"ADMIN_USER_NAME": "azureuser", "ADMIN_USER_SSH_KEY": "ssh-rsa AAAA"},
            {"adminUserName": "azureuser", "adminUserSshPublicKey": "ssh-rsa AAAA"},
        ),
        (
            {
                "ADMIN_USER_NAME": "azureuser",
                "ADMIN_USER_PASSWORD": "pass~Word-1",
                "ADMIN_USER_SSH_KEY": "ssh-rsa AAAA",
            },
            {"adminUserName": "azureuser", "adminUserPassword": "pass~Word-1"},
        ),
        ({"ADMIN_USER_PASSWORD": "pass~Word-1"}, None),
    ],
)
def test_the_ssh_user_is_made_of_the_environment_secrets(prepared, secrets, account):
    body = wire(creation.entity(prepared({"compute_type": "amlcluster"}, **secrets), "cpu"))
    made = at(body, "properties.properties.userAccountCredentials")
    assert made == account
    assert body["properties"].get("disableLocalAuth") is (account is None)


@pytest.mark.parametrize(
    ("parameters", "path", "value"),
    [
        ({"resource_id": AKS}, "resourceId", f"{HERE}/{AKS}"),
        ({"resource_id": f"/{AKS}/"}, "resourceId", f"{HERE}/{AKS}"),
        ({"resource_id": ARC}, "resourceId", f"{HERE}/{ARC}"),
        ({"resource_id": f"{ELSEWHERE}/{AKS}"}, "resourceId", f"{ELSEWHERE}/{AKS}"),
        (
            {"resource_id": AKS, "cluster_resource_group": "rg-k8s"},
            "resourceId",
            f"{HERE.replace('rg-1', 'rg-k8s')}/{AKS}",
        ),
        ({"resource_id": AKS}, "properties.namespace", "default"),
        ({"resource_id": AKS, "namespace": "azureml"}, "properties.namespace", "azureml"),
        ({"resource_id": AKS, "compute_type": "akscluster"}, "computeType", "Kubernetes"),
    ],
)
def test_a_key_says_what_is_attached(prepared, parameters, path, value):
    assert at(wire(attachment.entity(prepared(parameters), "aks"))["properties"], path) == value


# --- what is said of a key


def findings(parameters, tmp_path, **secrets):
    return ACTION.run_check(ComputeParameters(**parameters), CheckContext(tmp_path, "compute.json", secrets))


def told(parameters, tmp_path, **secrets):
    """The one warning."""
    found = findings(parameters, tmp_path, **secrets)
    assert found.errors == []
    [warning] = found.warnings
    return warning


AKS_VALUES = {
    "agent_count": 3,
    "location": "westeurope",
    "service_cidr": "10.0.0.0/16",
    "dns_service_ip": "10.0.0.10",
    "docker_bridge_cidr": "172.17.0.1/16",
    "cluster_purpose": "DevTest",
    "ssl_cname": "ml.example.com",
    "ssl_cert_pem_file": "cert.pem",
    "ssl_key_pem_file": "key.pem",
    "load_balancer_type": "InternalLoadBalancer",
    "load_balancer_subnet": "serving",
}
AML_VALUES = {
    "vm_size": "Standard_DS3_v2",
    "vm_priority": "dedicated",
    "min_nodes": 0,
    "max_nodes": 4,
    "idle_seconds_before_scaledown": 120,
    **NETWORK,
    "remote_login_port_public_access": "Disabled",
}


def test_the_rows_of_this_file_name_every_key():
    named = {"name", "compute_type", "identity_type", "identity_id", *AML_VALUES, *AKS_VALUES, *KUBERNETES_KEYS}
    assert named == set(ComputeParameters.model_fields)
    assert (tuple(AKS_VALUES), tuple(AML_VALUES)) == (AKS_KEYS, AML_KEYS)


@pytest.mark.parametrize("key", AKS_KEYS)
@pytest.mark.parametrize("kind", [None, "amlcluster", "akscluster"])
def test_a_key_of_the_kubernetes_cluster_itself_is_warned_of(tmp_path, key, kind):
    warning = told({key: AKS_VALUES[key], **({"compute_type": kind} if kind else {})}, tmp_path)
    assert f"These parameters have no effect: {key}." in warning.what
    assert (warning.file, warning.key) == ("compute.json", key)


@pytest.mark.parametrize("kind", ["amlcluster", "akscluster"])
def test_the_keys_of_the_kubernetes_cluster_are_told_as_one_group(tmp_path, kind):
    warning = told({"compute_type": kind, **AKS_VALUES}, tmp_path)
    assert f": {', '.join(AKS_KEYS)}." in warning.what


@pytest.mark.parametrize("key", AML_KEYS)
def test_a_key_of_a_cluster_of_azure_ml_says_nothing_of_kubernetes(tmp_path, key):
    warning = told({"compute_type": "akscluster", key: AML_VALUES[key]}, tmp_path)
    assert f"These parameters have no effect: {key}." in warning.what
    assert warning.key == key


@pytest.mark.parametrize("key", KUBERNETES_KEYS[1:])
def test_a_key_of_the_attachment_says_nothing_of_a_cluster_of_azure_ml(tmp_path, key):
    assert f"no effect: {key}." in told({"compute_type": "amlcluster", key: "azureml"}, tmp_path).what


@pytest.mark.parametrize("resource", [f"{ELSEWHERE}/{AKS}", None])
def test_a_resource_group_beside_a_whole_id_has_no_effect(tmp_path, resource):
    given = {"compute_type": "akscluster", "cluster_resource_group": "rg-k8s"}
    warning = told({**given, **({"resource_id": resource} if resource else {})}, tmp_path)
    assert "cluster_resource_group has no effect" in warning.what


@pytest.mark.parametrize("missing", NETWORK)
def test_a_part_of_a_virtual_network_is_warned_of_with_what_is_missing(tmp_path, missing):
    rest = {key: value for key, value in NETWORK.items() if key != missing}
    warning = told({"compute_type": "amlcluster", **rest}, tmp_path)
    assert f"without {missing}" in warning.value


@pytest.mark.parametrize("parameters", [{}, {"identity_type": "SystemAssigned"}])
def test_an_identity_without_its_type_is_warned_of(tmp_path, parameters):
    assert "identity_id has no effect" in told({**parameters, "identity_id": [IDENTITY]}, tmp_path).what


@pytest.mark.parametrize(
    "secrets", [{"ADMIN_USER_NAME": "a"}, {"ADMIN_USER_PASSWORD": "b~C1"}, {"ADMIN_USER_SSH_KEY": "ssh-rsa"}]
)
def test_half_of_an_ssh_user_is_warned_of_by_name(tmp_path, secrets):
    warning = told({"compute_type": "amlcluster"}, tmp_path, **secrets)
    assert warning.value == f"set are {next(iter(secrets))}"
    assert "No SSH user is made" in warning.what


@pytest.mark.parametrize(
    ("parameters", "said", "key"),
    [
        ({"min_nodes": 5, "max_nodes": 2}, "max_nodes (2) at least min_nodes (5)", "max_nodes"),
        ({"min_nodes": 5}, "max_nodes (4) at least min_nodes (5)", "min_nodes"),
        ({"identity_type": "UserAssigned"}, "identity_id with at least one resource id", "identity_type"),
        ({"identity_type": "UserAssigned", "identity_id": []}, "identity_id with at least one", "identity_type"),
        ({"compute_type": "amlcluster", "resource_id": AKS}, "akscluster with the resource_id", "resource_id"),
    ],
)
def test_a_contradiction_is_an_error_at_its_key(tmp_path, parameters, said, key):
    [error] = findings(parameters, tmp_path).errors
    assert said in error.allowed
    assert (error.file, error.key) == ("compute.json", key)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"name": "cpu", "compute_type": "amlcluster", **AML_VALUES},
        {"compute_type": "amlcluster", "identity_type": "UserAssigned", "identity_id": [IDENTITY]},
        {"resource_id": AKS, "cluster_resource_group": "rg", "namespace": "azureml", "identity_type": "SystemAssigned"},
        {"vnet_resource_group_name": "", "vnet_name": "", "subnet_name": "", "service_cidr": ""},
    ],
)
def test_a_good_file_is_not_warned_of(tmp_path, parameters):
    found = findings(parameters, tmp_path, ADMIN_USER_NAME="a", ADMIN_USER_PASSWORD="b~C1")
    assert (found.errors, found.warnings) == ([], [])


@pytest.mark.parametrize(
    ("content", "keys", "in_git"),
    [
        ({"admin_username": "", "admin_user_password": "", "admin_user_ssh_key": ""}, 3, False),
        ({"admin_user_password": "secret-of-somebody"}, 1, True),
        ({"ADMIN_USER_SSH_KEY": "secret-of-somebody"}, 1, True),
    ],
)
def test_an_ssh_user_in_the_file_is_never_shown(tmp_path, content, keys, in_git):
    write_parameters(tmp_path, "compute.json", content)
    context = CheckContext(tmp_path, ".cloud/.azure/compute.json")
    [warning] = ACTION.run_check(ComputeParameters(), context).warnings
    assert len(warning.what.split(": ", 1)[1].split(".")[0].split(", ")) == keys
    assert ("history of Git" in warning.fix) is in_git
    assert "secret-of-somebody" not in str(warning)


def test_a_kubernetes_cluster_that_is_nowhere_is_refused_with_the_way_out(prepared):
    step = prepared({"name": "aks", "compute_type": "akscluster", "vm_size": "Standard_D3_v2", **NETWORK, **AKS_VALUES})
    with pytest.raises(ActionError, match="is not attached to the workspace, and SDK v2 cannot create one") as caught:
        attachment.attach(step, "aks")
    error = caught.value
    for key in (*AKS_KEYS, "vm_size", *NETWORK):
        assert key in error.value
    for part in ("az aks create", "Microsoft.AzureML.Kubernetes", '"resource_id": "Microsoft.ContainerService/'):
        assert part in error.fix
    for part in (
        "az aks create --name aks --resource-group rg-1 --location westeurope --node-count 3 "
        "--node-vm-size Standard_D3_v2 --service-cidr 10.0.0.0/16 --dns-service-ip 10.0.0.10",
        "sslCname=ml.example.com",
        "--config-protected sslCertPemFile=cert.pem sslKeyPemFile=key.pem",
        "internalLoadBalancerProvider=azure",
    ):
        assert part in error.details


def test_a_value_cannot_add_to_the_commands(prepared):
    step = prepared({"compute_type": "akscluster", "location": "x; rm -rf ~ `id`", "agent_count": 1})
    with pytest.raises(ActionError) as caught:
        attachment.attach(step, "aks")
    assert "--location 'x; rm -rf ~ `id`'" in caught.value.details


@pytest.mark.parametrize("key", AKS_KEYS)
def test_a_key_of_the_cluster_cannot_be_applied_to_one_that_is_attached(prepared, key):
    with pytest.raises(ActionError, match=f"cannot be applied to it: {key}") as caught:
        attachment.attach(prepared({"resource_id": AKS, key: AKS_VALUES[key]}), "aks")
    assert "az aks create" in caught.value.fix


@pytest.mark.parametrize(
    ("parameters", "undone", "said"),
    [
        ({"resource_id": AKS}, "Detach", "The failed compute k8s was detached again."),
        ({"compute_type": "amlcluster"}, "Delete", "The failed compute k8s was deleted again."),
    ],
)
def test_what_was_attached_is_only_ever_detached(prepared, parameters, undone, said):
    """No request makes the emulator fail an attachment; here Azure's operations are stood in for."""
    removed = []

    class Computes:
        def begin_create_or_update(self, entity):
            error = HttpResponseError("(ExtensionNotFound) The extension is not installed on the cluster.")
            error.status_code = 400
            raise error

        begin_attach = begin_create_or_update

        def get(self, name):
            return SimpleNamespace(provisioning_state="Failed")

        def begin_delete(self, name, *, action):
            removed.append((name, action))
            return SimpleNamespace(result=lambda: None)

    step = prepared(parameters)
    step.ml_client = lambda: SimpleNamespace(compute=Computes())
    make = attachment.attach if undone == "Detach" else creation.create
    with pytest.raises(ActionError) as caught:
        make(step, "k8s")
    assert removed == [("k8s", undone)]
    assert caught.value.what.endswith(said)
