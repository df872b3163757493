"""Environment variables that the legacy action read: what becomes of each."""

from __future__ import annotations

from collections.abc import Mapping

from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_deploy.parameters import DeployParameters

REGISTRY_SECRETS = (
    "CONTAINER_REGISTRY_ADRESS",
    "CONTAINER_REGISTRY_ADDRESS",
    "CONTAINER_REGISTRY_USERNAME",
    "CONTAINER_REGISTRY_PASSWORD",
)
"""The first is the legacy action's own spelling."""
KEY_SECRETS = ("PRIMARY_KEY", "SECONDARY_KEY")
FUNCTION_VARIABLES = {
    "function_blob": ("FUNCTION_BLOB_INPUT", "FUNCTION_BLOB_OUTPUT"),
    "function_http": ("FUNCTION_HTTP_AUTH_LEVEL",),
    "function_service_bus_queue": ("FUNCTION_SERVICE_BUS_QUEUE_INPUT", "FUNCTION_SERVICE_BUS_QUEUE_OUTPUT"),
}
"""The variables of each kind of Azure Function (key create_image). They hold names, no secrets."""
ENCRYPTION_SECRETS = ("CMK_VAULT_BASE_URL", "CMK_KEY_NAME", "CMK_KEY_VERSION")


def review(parameters: DeployParameters, secrets: Mapping[str, str]) -> Findings:
    """Say which of the environment secrets that are set are refused, and which are not used. None is ever shown."""
    findings = Findings()
    functions = FUNCTION_VARIABLES.get(parameters.create_image or "", ())
    if function := _given(functions, secrets):
        findings.error(
            ActionError(
                f"{function}: no Azure Function is made, and these variables described one.",
                fix="Remove them together with create_image.",
            )
        )
    if parameters.skip_deployment:
        return findings
    if encryption := _given(ENCRYPTION_SECRETS, secrets):
        _encryption(parameters, encryption, findings)
    if registry := _given(REGISTRY_SECRETS, secrets):
        findings.warn(
            ActionError(
                f"{registry} not used: the image is pulled with an identity of Azure, never with a user name and a password.",
                fix="Give the identity of the endpoint (on Kubernetes: of the compute) the role AcrPull on the registry, or add the "
                "registry as a connection of the workspace; then remove these environment variables.",
            )
        )
    if (keys := _given(KEY_SECRETS, secrets)) and parameters.token_auth_enabled:
        findings.warn(
            ActionError(
                f"{keys} not used: token_auth_enabled asks for tokens, and those are made by Azure.",
                fix="Remove these environment variables, or token_auth_enabled.",
            )
        )
    return findings


def _encryption(parameters: DeployParameters, names: str, findings: Findings) -> None:
    if parameters.compute_name:
        findings.warn(
            ActionError(
                f"{names} not used: they encrypted container instances, and the legacy action ignored them on Kubernetes too.",
                fix="Remove these environment variables; a cluster is encrypted by its own settings.",
            )
        )
        return
    findings.error(
        ActionError(
            f"{names}: a deployment cannot be encrypted with a key of your own, and is not made without it.",
            fix="Use a workspace with a customer-managed key, and remove these environment variables.",
        )
    )


def _given(names: tuple[str, ...], secrets: Mapping[str, str]) -> str:
    return ", ".join(name for name in names if secrets.get(name))
