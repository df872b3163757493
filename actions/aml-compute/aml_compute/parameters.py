"""The parameters file of aml-compute: the keys of the legacy action."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from aml_actions.spec import Parameters

COMPUTE_NAME = re.compile(r"[a-zA-Z](?:[a-zA-Z0-9-]{0,30}[a-zA-Z0-9])")
COMPUTE_NAME_RULE = "2 to 32 letters, digits and dashes; the first one a letter, the last one no dash"
RESERVED_NAMES = ("amlcompute", "containerinstance", "local")
"""Names that Azure ML keeps for itself."""
_OPTIONAL_TEXTS = ("vm_size", "vnet_resource_group_name", "vnet_name", "subnet_name", "location")

AKS_KEYS = (
    "agent_count",
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
_AKS = "Ignored: a property of the Kubernetes cluster, set where that is created. "


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
            "Kind of the target; needed when it must be created. `akscluster` stands for a Kubernetes cluster that is already attached: "
            "SDK v2 cannot create one."
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
        None, description="Managed identity of the nodes.", examples=["SystemAssigned"]
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
    location: str | None = Field(
        None, description="Ignored: a cluster is made in the region of the workspace.", examples=["westeurope"]
    )
    agent_count: int | None = Field(None, ge=1, description=_AKS + "Number of nodes.", examples=[3])
    service_cidr: str | None = Field(None, description=_AKS + "Addresses of services.", examples=["10.0.0.0/16"])
    dns_service_ip: str | None = Field(None, description=_AKS + "Address of its DNS.", examples=["10.0.0.10"])
    docker_bridge_cidr: str | None = Field(
        None, description=_AKS + "Addresses of the bridge.", examples=["172.17.0.1/16"]
    )
    cluster_purpose: Literal["DevTest", "FastProd"] | None = Field(
        None, description=_AKS + "Its use.", examples=["DevTest"]
    )
    ssl_cname: str | None = Field(None, description=_AKS + "Name in its certificate.", examples=["ml.example.com"])
    ssl_cert_pem_file: str | None = Field(None, description=_AKS + "File of its certificate.", examples=["cert.pem"])
    ssl_key_pem_file: str | None = Field(None, description=_AKS + "File of its key.", examples=["key.pem"])
    load_balancer_type: Literal["PublicIp", "InternalLoadBalancer"] | None = Field(
        None, description=_AKS + "Its load balancer.", examples=["InternalLoadBalancer"]
    )
    load_balancer_subnet: str | None = Field(
        None, description=_AKS + "Subnet of its load balancer.", examples=["serving"]
    )

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
        return value or None

    @model_validator(mode="after")
    def _fits_together(self) -> ComputeParameters:
        if self.max_nodes < self.min_nodes:
            raise ValueError(f"max_nodes ({self.max_nodes}) at least min_nodes ({self.min_nodes})")
        if self.identity_type == "UserAssigned" and not self.identity_id:
            raise ValueError("identity_id with at least one resource id, since identity_type is UserAssigned")
        return self
