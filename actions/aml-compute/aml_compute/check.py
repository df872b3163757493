"""What can be said of compute.json without asking Azure."""

from __future__ import annotations

from aml_actions import documents
from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.spec import CheckContext
from aml_compute.parameters import AKS_KEYS, AML_KEYS, KUBERNETES_KEYS, VNET_KEYS, ComputeParameters

ADMIN_SECRETS = {
    "adminusername": "ADMIN_USER_NAME",
    "adminuserpassword": "ADMIN_USER_PASSWORD",
    "adminusersshkey": "ADMIN_USER_SSH_KEY",
}
"""Keys that people write for the SSH user, letters only, and the environment secret that is read instead."""
_ANCHOR = "docs/troubleshooting.md#akscluster"


def check(parameters: ComputeParameters, context: CheckContext) -> Findings:
    """Return which values contradict each other, and which have no effect."""
    findings = Findings()
    _check_contradictions(parameters, context.parameters_file, findings)
    if parameters.kind == "akscluster":
        _warn_of_other_kind(parameters, context.parameters_file, findings)
        _warn_of_cluster_keys(parameters, context.parameters_file, findings)
    else:
        _check_cluster(parameters, context, findings)
    _warn_of_identity(parameters, context.parameters_file, findings)
    _warn_of_secrets_in_the_file(context, findings)
    return findings


def _check_contradictions(parameters: ComputeParameters, file: str, findings: Findings) -> None:
    if parameters.max_nodes < parameters.min_nodes:
        findings.error(
            ActionError(
                "The cluster cannot have fewer nodes at most than at least.",
                value=f"min_nodes {parameters.min_nodes}, max_nodes {parameters.max_nodes}",
                allowed=f"max_nodes ({parameters.max_nodes}) at least min_nodes ({parameters.min_nodes})",
                file=file,
                key="max_nodes" if "max_nodes" in parameters.model_fields_set else "min_nodes",
            )
        )
    if parameters.identity_type == "UserAssigned" and not parameters.identity_id:
        findings.error(
            ActionError(
                "No identity is named.",
                allowed="identity_id with at least one resource id, since identity_type is UserAssigned",
                file=file,
                key="identity_type",
            )
        )
    if parameters.compute_type == "amlcluster" and parameters.resource_id:
        findings.error(
            ActionError(
                "compute_type and resource_id contradict each other.",
                value=f"compute_type amlcluster, resource_id {parameters.resource_id}",
                allowed="amlcluster, which is created; or akscluster with the resource_id of what is attached",
                fix="set compute_type to akscluster, or remove resource_id",
                file=file,
                key="resource_id",
            )
        )


def _warn_of_other_kind(parameters: ComputeParameters, file: str, findings: Findings) -> None:
    """The target is a Kubernetes cluster: what describes a cluster of AmlCompute says nothing about it."""
    unused = parameters.given(AML_KEYS)
    if unused:
        findings.warn(
            ActionError(
                f"These parameters have no effect: {', '.join(unused)}.",
                cause="they describe a cluster that Azure ML makes (compute_type amlcluster); a Kubernetes cluster brings its nodes along",
                fix="remove them",
                file=file,
                key=unused[0],
            )
        )
    if parameters.cluster_resource_group and not (parameters.resource_id or "").lower().startswith(
        ("microsoft.", "/microsoft.")
    ):
        findings.warn(
            ActionError(
                "The parameter cluster_resource_group has no effect.",
                cause="it belongs to the short form of resource_id; a whole resource id names its own resource group",
                fix="remove it",
                file=file,
                key="cluster_resource_group",
            )
        )


def _warn_of_cluster_keys(parameters: ComputeParameters, file: str, findings: Findings) -> None:
    described = parameters.given(AKS_KEYS)
    if described:
        findings.warn(
            ActionError(
                f"These parameters have no effect: {', '.join(described)}.",
                cause="they are properties of the Kubernetes cluster itself (AKS), which SDK v2 neither creates nor changes; "
                "a target that exists is used as it is, and where it must be attached they are refused",
                fix="set them where the cluster is created (`az aks create`, `az k8s-extension create`) and remove them here",
                anchor=_ANCHOR,
                file=file,
                key=described[0],
            )
        )


def _check_cluster(parameters: ComputeParameters, context: CheckContext, findings: Findings) -> None:
    """The target is a cluster of AmlCompute, or of unknown kind and exists."""
    file = context.parameters_file
    unused = parameters.given(AKS_KEYS)
    if parameters.compute_type == "amlcluster":
        unused += parameters.given(KUBERNETES_KEYS[1:])
    if unused:
        findings.warn(
            ActionError(
                f"These parameters have no effect: {', '.join(unused)}.",
                cause="they belong to a Kubernetes cluster; Azure ML makes its own clusters in the region of the workspace",
                fix="remove them",
                file=file,
                key=unused[0],
            )
        )
    network = [key for key in VNET_KEYS if getattr(parameters, key)]
    if network and len(network) < len(VNET_KEYS):
        missing = [key for key in VNET_KEYS if key not in network]
        findings.warn(
            ActionError(
                "A new cluster is made outside a virtual network: vnet_resource_group_name, vnet_name and subnet_name go together.",
                value=f"{', '.join(network)} without {', '.join(missing)}",
                fix=f"add {', '.join(missing)}, or remove {', '.join(network)}",
                file=file,
                key=network[0],
            )
        )
    secrets = context.secrets
    complete = secrets.get("ADMIN_USER_NAME") and (
        secrets.get("ADMIN_USER_PASSWORD") or secrets.get("ADMIN_USER_SSH_KEY")
    )
    if secrets and not complete:
        findings.warn(
            ActionError(
                "No SSH user is made: ADMIN_USER_NAME and one of ADMIN_USER_PASSWORD, ADMIN_USER_SSH_KEY are needed.",
                value=f"set are {', '.join(sorted(secrets))}",
                cause="a secret of the repository that does not exist is an empty text",
                fix="set both under `env:` of the step, or none of them",
            )
        )


def _warn_of_identity(parameters: ComputeParameters, file: str, findings: Findings) -> None:
    if parameters.identity_id and parameters.identity_type != "UserAssigned":
        findings.warn(
            ActionError(
                "The parameter identity_id has no effect.",
                cause="it counts only with identity_type UserAssigned",
                fix='add "identity_type": "UserAssigned", or remove identity_id',
                file=file,
                key="identity_id",
            )
        )


def _warn_of_secrets_in_the_file(context: CheckContext, findings: Findings) -> None:
    """Warn of an SSH user in the file. The legacy action never had such keys; a password there is in the history of Git."""
    path = context.workspace / context.parameters_file
    if not path.is_file():
        return
    # The loader has told what is wrong with the file; here only its keys are looked at, which the model no longer has.
    try:
        content = documents.read(path, context.parameters_file, Findings()).data
    except ActionError:
        return
    items = content.items() if isinstance(content, dict) else ()
    given = {key: value for key, value in items if _letters(key) in ADMIN_SECRETS}
    if not given:
        return
    secret = [key for key, value in given.items() if value and _letters(key) != "adminusername"]
    findings.warn(
        ActionError(
            f"These keys are never read: {', '.join(given)}. A parameters file is no place for a secret.",
            cause="the SSH user comes from the environment secrets ADMIN_USER_NAME and ADMIN_USER_PASSWORD or ADMIN_USER_SSH_KEY",
            fix="set them under `env:` of the step from secrets of the repository, and remove the keys"
            + (
                f"; what stands in {', '.join(secret)} is in the history of Git: if it was ever in use, change it"
                if secret
                else ""
            ),
            file=context.parameters_file,
            key=next(iter(given)),
        )
    )


def _letters(key: str) -> str:
    return "".join(character for character in key.lower() if character.isalpha())
