"""Attaching a Kubernetes cluster to the workspace."""

from __future__ import annotations

import shlex
from typing import Any

from aml_actions import markdown, resource_ids
from aml_actions.errors import ActionError
from aml_actions.step import Step
from aml_actions.workspace import WorkspaceRef
from aml_compute.identity import identity
from aml_compute.making import make
from aml_compute.parameters import AKS_KEYS, CLUSTER_TYPES, VNET_KEYS, ComputeParameters

_ANCHOR = "docs/troubleshooting.md#akscluster"
_CREATE_OPTIONS = {
    "location": "--location",
    "agent_count": "--node-count",
    "vm_size": "--node-vm-size",
    "service_cidr": "--service-cidr",
    "dns_service_ip": "--dns-service-ip",
}
"""What `az aks create` takes of the legacy keys."""


def attach(step: Step[ComputeParameters], name: str) -> None:
    """Attach the cluster that `resource_id` names.

    Raises:
        ActionError: no cluster is named, the parameters describe the cluster itself, Azure refused, or it took too long.
    """
    parameters = step.parameters
    file = f".cloud/.azure/{step.inputs['parameters_file']}"
    if not parameters.resource_id:
        raise _cannot_be_created(parameters, step.workspace(), name, file)
    described = parameters.given(AKS_KEYS)
    if described:
        raise ActionError(
            f"The Kubernetes cluster is attached as it is; these parameters cannot be applied to it: {', '.join(described)}.",
            cause="they are properties of the cluster itself (AKS), not of Azure ML, since SDK v2",
            fix=f"set them where the cluster is created (`az aks create`, `az k8s-extension create`) and remove them from {file}",
            anchor=_ANCHOR,
        )
    make(
        step,
        name,
        lambda computes: computes.begin_attach(entity(step, name)),
        doing=f"attaching {cluster_id(parameters, step.workspace())} as compute {name}",
        undo="Detach",
    )


def entity(step: Step[ComputeParameters], name: str) -> Any:  # noqa: ANN401 - the SDK's KubernetesCompute
    """Return the target as the parameters describe it."""
    from azure.ai.ml.entities import KubernetesCompute

    parameters = step.parameters
    return KubernetesCompute(
        name=name,
        description=f"Attached by {step.spec.name} for {step.runner.repository}",
        tags=step.runner.stamp(),
        resource_id=cluster_id(parameters, step.workspace()),
        namespace=parameters.namespace,
        identity=identity(parameters),
    )


def cluster_id(parameters: ComputeParameters, workspace: WorkspaceRef) -> str:
    """Return the whole resource id of the cluster that the parameters name; empty when they name none."""
    if not parameters.resource_id:
        return ""
    return resource_ids.expanded(parameters.resource_id, workspace, parameters.cluster_resource_group)


def _cannot_be_created(parameters: ComputeParameters, workspace: WorkspaceRef, name: str, file: str) -> ActionError:
    described = parameters.given((*AKS_KEYS, "vm_size", *VNET_KEYS))
    group = parameters.cluster_resource_group or workspace.resource_group
    return ActionError(
        f"The Kubernetes cluster {name} is not attached to the workspace, and SDK v2 cannot create one.",
        value=f"keys of the cluster itself: {', '.join(described)}" if described else None,
        cause="SDK v1 created AKS clusters; version 2 only attaches existing ones",
        fix="create the cluster (`az aks create`), install the Azure ML extension (`az k8s-extension create --extension-type "
        f'Microsoft.AzureML.Kubernetes`), then add "resource_id": "{CLUSTER_TYPES[0]}/<cluster>" to {file}'
        + (" and remove the keys of the cluster" if described else "")
        + "; the step attaches it. The job summary has the commands",
        anchor=_ANCHOR,
        details=markdown.fence("\n".join(_commands(parameters, name, group)), "bash"),
    )


def _commands(parameters: ComputeParameters, name: str, group: str) -> list[str]:
    """Return the commands that make what SDK v1 would have made, as far as AKS and the extension still know it."""
    create = ["az aks create", f"--name {name}", f"--resource-group {shlex.quote(group)}"]
    for key, option in _CREATE_OPTIONS.items():
        value = getattr(parameters, key)
        if value is not None:
            create.append(f"{option} {shlex.quote(str(value))}")
    if parameters.subnet_name:
        create.append("--vnet-subnet-id <resource id of the subnet>")
    config, protected = ["enableTraining=True", "enableInference=True", "inferenceRouterServiceType=LoadBalancer"], []
    if parameters.load_balancer_type == "InternalLoadBalancer":
        config.append("internalLoadBalancerProvider=azure")
    if parameters.ssl_cname and parameters.ssl_cert_pem_file and parameters.ssl_key_pem_file:
        config.append(f"sslCname={shlex.quote(parameters.ssl_cname)}")
        protected.append(f"sslCertPemFile={shlex.quote(parameters.ssl_cert_pem_file)}")
        protected.append(f"sslKeyPemFile={shlex.quote(parameters.ssl_key_pem_file)}")
    else:
        config.append("allowInsecureConnections=True")
    extension = [
        "az k8s-extension create --name azureml --extension-type Microsoft.AzureML.Kubernetes --scope cluster",
        f"--cluster-type managedClusters --cluster-name {name} --resource-group {shlex.quote(group)}",
        f"--config {' '.join(config)}",
        *([f"--config-protected {' '.join(protected)}"] if protected else []),
    ]
    return [" ".join(create), " ".join(extension)]
