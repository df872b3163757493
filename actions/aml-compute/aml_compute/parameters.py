"""The parameters file of aml-compute: the keys of the legacy action."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from aml_actions import resource_ids
from aml_actions.spec import FreeText, Parameters

COMPUTE_NAME = re.compile(r"[a-zA-Z](?:[a-zA-Z0-9-]{0,30}[a-zA-Z0-9])")
COMPUTE_NAME_RULE = "2 to 32 letters, digits and dashes, no spaces; the first one a letter, the last one no dash"
RESERVED_NAMES = ("amlcompute", "containerinstance", "local")
"""Names that Azure ML keeps for itself."""
CLUSTER_TYPES = ("Microsoft.ContainerService/managedClusters", "Microsoft.Kubernetes/connectedClusters")
"""What can be attached: a cluster of AKS, or one that Azure Arc connects."""
_NAMESPACE = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")  # a label of RFC 1123, as Kubernetes asks for
_OPTIONAL_TEXTS = (
    "vm_size",
    "vnet_resource_group_name",
    "vnet_name",
    "subnet_name",
    "location",
    "resource_id",
    "cluster_resource_group",
    "service_cidr",
    "dns_service_ip",
    "docker_bridge_cidr",
    "ssl_cname",
    "ssl_cert_pem_file",
    "ssl_key_pem_file",
    "load_balancer_subnet",
)

VNET_KEYS = ("vnet_resource_group_name", "vnet_name", "subnet_name")
AML_KEYS = (
    "vm_size",
    "vm_priority",
    "min_nodes",
    "max_nodes",
    "idle_seconds_before_scaledown",
    *VNET_KEYS,
    "remote_login_port_public_access",
)
"""Keys of a cluster that Azure ML itself makes (AmlCompute)."""
KUBERNETES_KEYS = ("resource_id", "cluster_resource_group", "namespace")
"""Keys that say what to attach; the legacy action had none of them."""
AKS_KEYS = (
    "agent_count",
    "location",
    "service_cidr",
    "dns_service_ip",
    "docker_bridge_cidr",
    "cluster_purpose",
    "ssl_cname",
    "ssl_cert_pem_file",
    "ssl_key_pem_file",
    "load_balancer_type",
    "load_balancer_subnet",
)
"""Keys of a Kubernetes cluster itself, which SDK v2 neither creates nor configures."""
_AKS = "Not for Azure ML v2: set where the Kubernetes cluster is created. "
_IgnoredText = Annotated[str | None, FreeText()]


class ComputeParameters(Parameters):
    """Which cluster, and what it is made of when it must be created."""

    name: str | None = Field(
        None,
        description="Name of the compute target: " + COMPUTE_NAME_RULE + ".",
        examples=["cpu-cluster"],
        json_schema_extra={"x-default": "first 16 characters of the repository's name"},
    )
    compute_type: Literal["amlcluster", "akscluster"] | None = Field(
        None,
        description=(
            "Kind of the target; needed when it must be created. `akscluster` stands for an attached Kubernetes cluster: SDK v2 "
            "cannot create one, but attaches the one that `resource_id` names."
        ),
        examples=["amlcluster"],
    )
    vm_size: str | None = Field(
        None,
        description="Size of a node.",
        examples=["Standard_DS3_v2"],
        json_schema_extra={"x-default": '`"Standard_DS3_v2"`'},
    )
    vm_priority: Literal["dedicated", "lowpriority"] = Field(
        "dedicated",
        description="Tier. A node of low priority is cheaper and may be taken away.",
        examples=["lowpriority"],
    )
    min_nodes: int = Field(0, ge=0, description="Nodes that always run, and cost.", examples=[0])
    max_nodes: int = Field(4, ge=1, description="Most nodes at a time.", examples=[4])
    idle_seconds_before_scaledown: int = Field(
        120, ge=0, description="Seconds after which a node without work is released.", examples=[300]
    )
    vnet_resource_group_name: str | None = Field(
        None,
        description="Resource group of the virtual network. It, `vnet_name` and `subnet_name` go together.",
        examples=["rg-network"],
    )
    vnet_name: str | None = Field(None, description="Virtual network of the nodes.", examples=["ml-net"])
    subnet_name: str | None = Field(None, description="Subnet of the nodes.", examples=["training"])
    remote_login_port_public_access: Literal["Enabled", "Disabled", "NotSpecified"] = Field(
        "NotSpecified",
        description="Public SSH port of the nodes. Not specified: closed in a virtual network, else open.",
        examples=["Disabled"],
    )
    identity_type: Literal["SystemAssigned", "UserAssigned"] | None = Field(
        None,
        description="Managed identity of the nodes, or of the attached cluster in the workspace.",
        examples=["SystemAssigned"],
    )
    identity_id: list[str] | None = Field(
        None,
        description="Resource ids of the user-assigned identities; with `UserAssigned`.",
        examples=[
            [
                "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg"
                "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/train"
            ]
        ],
    )
    resource_id: str | None = Field(
        None,
        description=(
            "New. The Kubernetes cluster to attach when the target does not exist: its resource id, or the short form "
            "`Microsoft.ContainerService/managedClusters/<name>` (with Azure Arc `Microsoft.Kubernetes/connectedClusters/<name>`) "
            "of a cluster in the workspace's subscription. It has the extension `Microsoft.AzureML.Kubernetes`. "
            "With this key `compute_type` may be left out."
        ),
        examples=["Microsoft.ContainerService/managedClusters/inference"],
        json_schema_extra={"pattern": "/(managedClusters|connectedClusters)/[^/]+/?$"},
    )
    cluster_resource_group: str | None = Field(
        None,
        description="New. Resource group of the Kubernetes cluster, if `resource_id` has the short form.",
        examples=["rg-kubernetes"],
        json_schema_extra={"x-default": "that of the workspace"},
    )
    namespace: str = Field(
        "default",
        description="New. Namespace of the Kubernetes cluster in which Azure ML works.",
        examples=["azureml"],
        json_schema_extra={"pattern": f"^{_NAMESPACE.pattern}$"},
    )
    agent_count: int | None = Field(None, ge=1, description=_AKS + "Number of nodes.", examples=[3])
    location: _IgnoredText = Field(
        None,
        description=_AKS + "Its region. An AmlCompute cluster is always in that of the workspace.",
        examples=["westeurope"],
    )
    service_cidr: _IgnoredText = Field(None, description=_AKS + "Addresses of services.", examples=["10.0.0.0/16"])
    dns_service_ip: _IgnoredText = Field(None, description=_AKS + "Address of its DNS.", examples=["10.0.0.10"])
    docker_bridge_cidr: _IgnoredText = Field(
        None, description=_AKS + "Addresses of the bridge.", examples=["172.17.0.1/16"]
    )
    cluster_purpose: Literal["DevTest", "FastProd"] | None = Field(
        None, description=_AKS + "Its use.", examples=["DevTest"]
    )
    ssl_cname: _IgnoredText = Field(None, description=_AKS + "Name in its certificate.", examples=["ml.example.com"])
    ssl_cert_pem_file: _IgnoredText = Field(None, description=_AKS + "File of its certificate.", examples=["cert.pem"])
    ssl_key_pem_file: _IgnoredText = Field(None, description=_AKS + "File of its key.", examples=["key.pem"])
    load_balancer_type: Literal["PublicIp", "InternalLoadBalancer"] | None = Field(
        None, description=_AKS + "Its load balancer.", examples=["InternalLoadBalancer"]
    )
    load_balancer_subnet: _IgnoredText = Field(
        None, description=_AKS + "Subnet of its load balancer.", examples=["serving"]
    )

    @property
    def kind(self) -> Literal["amlcluster", "akscluster"] | None:
        """What is wanted; a key that says what to attach stands for ``akscluster``. None when nothing tells."""
        return self.compute_type or ("akscluster" if self.resource_id else None)

    def given(self, keys: tuple[str, ...]) -> list[str]:
        """Return those of some keys that the file sets to something."""
        return [key for key in keys if key in self.model_fields_set and getattr(self, key) is not None]

    @field_validator("name")
    @classmethod
    def _name(cls, value: str | None) -> str | None:
        name = value.strip() if value else value
        if name is not None and name.lower() in RESERVED_NAMES:
            raise ValueError(f"another name: Azure ML keeps {', '.join(RESERVED_NAMES)} for itself")
        if name is not None and not COMPUTE_NAME.fullmatch(name):
            raise ValueError(COMPUTE_NAME_RULE)
        return name

    @field_validator(*_OPTIONAL_TEXTS)
    @classmethod
    def _empty_is_absent(cls, value: Any) -> Any:  # noqa: ANN401 - checked already; sample files of the legacy action have empty texts
        return (value or "").strip() or None

    @field_validator("resource_id")
    @classmethod
    def _resource_id(cls, value: str | None) -> str | None:
        return None if value is None else resource_ids.checked(value, *CLUSTER_TYPES)

    @field_validator("namespace")
    @classmethod
    def _namespace(cls, value: str) -> str:
        name = value.strip()
        if not _NAMESPACE.fullmatch(name):
            raise ValueError("1 to 63 lower-case letters, digits and dashes; the first and the last one no dash")
        return name
