"""Every key of compute.json."""

from __future__ import annotations

from contract.table import Gives, Row, Says, Scenario, Wire

IDENTITY = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers"
    "/Microsoft.ManagedIdentity/userAssignedIdentities/train"
)
CLUSTER_ID = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-aks/providers"
    "/Microsoft.ContainerService/managedClusters/inference"
)
AKS = {
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
FULL = Scenario(
    "a cluster with everything",
    "aml-compute",
    {
        "name": "full-cluster",
        "compute_type": "amlcluster",
        "vm_size": "Standard_DS2_v2",
        "vm_priority": "lowpriority",
        "min_nodes": 1,
        "max_nodes": 7,
        "idle_seconds_before_scaledown": 300,
        "vnet_resource_group_name": "rg-network",
        "vnet_name": "ml-net",
        "subnet_name": "training",
        "remote_login_port_public_access": "Disabled",
        "identity_type": "UserAssigned",
        "identity_id": [IDENTITY],
    },
    secrets={"ADMIN_USER_NAME": "azureuser", "ADMIN_USER_PASSWORD": "Hunter22!Hunter22"},
)
DEFAULTS = Scenario("a cluster by its defaults", "aml-compute", {"name": "plain-cluster", "compute_type": "amlcluster"})
SYSTEM = Scenario(
    "a cluster with its own identity",
    "aml-compute",
    {"name": "system-cluster", "compute_type": "amlcluster", "identity_type": "SystemAssigned", **AKS},
)
NO_KIND = Scenario("a target of no kind", "aml-compute", {"name": "unknown-target"}, code=1)
NO_CLUSTER = Scenario(
    "an AKS cluster as SDK v1 made it",
    "aml-compute",
    {"name": "akscompute", "compute_type": "akscluster", **AKS},
    code=1,
)
ATTACHED = Scenario(
    "a Kubernetes cluster that is attached",
    "aml-compute",
    {"name": "attached", "compute_type": "akscluster", "resource_id": CLUSTER_ID, "namespace": "scoring"},
)
SHORT = Scenario(
    "a Kubernetes cluster by its short id",
    "aml-compute",
    {
        "name": "attached-short",
        "resource_id": "Microsoft.ContainerService/managedClusters/inference",
        "cluster_resource_group": "rg-aks",
    },
)
SSH = Scenario(
    "a cluster with an SSH key",
    "aml-compute",
    {"name": "ssh-cluster", "compute_type": "amlcluster"},
    secrets={"ADMIN_USER_NAME": "azureuser", "ADMIN_USER_SSH_KEY": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIexample"},
)
PUT = "/computes/full-cluster"
INNER = "properties/properties"


def _aks(key: str) -> tuple[Row, Row]:
    """A key of the cluster itself: refused where one must be made, named as one of the group; else a warning."""
    return (
        Row(key, NO_CLUSTER, Says("error", key)),
        Row(key, SYSTEM, Says("warning", key)),
    )


ROWS = (
    Row("name", FULL, Wire("PUT", PUT)),
    Row("compute_type", FULL, Wire("PUT", PUT, "properties/computeType", "AmlCompute")),
    Row("compute_type", ATTACHED, Wire("PUT", "/computes/attached", "properties/computeType", "Kubernetes")),
    Row("compute_type", NO_KIND, Says("error", "without compute_type it cannot be created")),
    Row("compute_type", NO_CLUSTER, Says("error", "SDK v2 cannot create one")),
    Row("vm_size", FULL, Wire("PUT", PUT, f"{INNER}/vmSize", "Standard_DS2_v2")),
    Row("vm_size", DEFAULTS, Wire("PUT", "/computes/plain-cluster", f"{INNER}/vmSize", "Standard_DS3_v2")),
    Row("vm_priority", FULL, Wire("PUT", PUT, f"{INNER}/vmPriority", "LowPriority")),
    Row("min_nodes", FULL, Wire("PUT", PUT, f"{INNER}/scaleSettings/minNodeCount", 1)),
    Row("max_nodes", FULL, Wire("PUT", PUT, f"{INNER}/scaleSettings/maxNodeCount", 7)),
    Row("max_nodes", DEFAULTS, Wire("PUT", "/computes/plain-cluster", f"{INNER}/scaleSettings/maxNodeCount", 4)),
    Row(
        "idle_seconds_before_scaledown",
        FULL,
        Wire("PUT", PUT, f"{INNER}/scaleSettings/nodeIdleTimeBeforeScaleDown", "PT5M"),
    ),
    Row(
        "idle_seconds_before_scaledown",
        DEFAULTS,
        Wire("PUT", "/computes/plain-cluster", f"{INNER}/scaleSettings/nodeIdleTimeBeforeScaleDown", "PT2M"),
    ),
    *(
        Row(key, FULL, Wire("PUT", PUT, f"{INNER}/subnet/id", lambda found, part=part: part in found))
        for key, part in (
            ("vnet_resource_group_name", "/resourceGroups/rg-network/"),
            ("vnet_name", "/virtualNetworks/ml-net/"),
            ("subnet_name", "/subnets/training"),
        )
    ),
    Row(
        "remote_login_port_public_access",
        FULL,
        Wire("PUT", PUT, f"{INNER}/remoteLoginPortPublicAccess", "Disabled"),
    ),
    Row("identity_type", FULL, Wire("PUT", PUT, "identity/type", "UserAssigned")),
    Row("identity_type", SYSTEM, Wire("PUT", "/computes/system-cluster", "identity/type", "SystemAssigned")),
    Row(
        "identity_id",
        FULL,
        Wire("PUT", PUT, "identity/userAssignedIdentities", lambda found: list(found) == [IDENTITY]),
    ),
    *(row for key in AKS for row in _aks(key)),
    Row("ADMIN_USER_NAME", FULL, Wire("PUT", PUT, f"{INNER}/userAccountCredentials/adminUserName", "azureuser")),
    Row("ADMIN_USER_PASSWORD", FULL, Wire("PUT", PUT, f"{INNER}/userAccountCredentials/adminUserPassword", "***")),
    Row(
        "ADMIN_USER_SSH_KEY",
        SSH,
        Wire(
            "PUT",
            "/computes/ssh-cluster",
            f"{INNER}/userAccountCredentials/adminUserSshPublicKey",
            lambda found: found.startswith("ssh-ed25519 "),
        ),
    ),
    Row(
        "cluster_resource_group",
        SHORT,
        Wire(
            "PUT", "/computes/attached-short", "properties/resourceId", lambda found: "/resourceGroups/rg-aks/" in found
        ),
    ),
    Row("resource_id", ATTACHED, Wire("PUT", "/computes/attached", "properties/resourceId", CLUSTER_ID)),
    Row("namespace", ATTACHED, Wire("PUT", "/computes/attached", f"{INNER}/namespace", "scoring")),
    Row("resource_id", ATTACHED, Gives("compute_name", "attached")),
)
