"""Keys and secrets of the legacy action that mean nothing, or something else, on a managed online endpoint.

None is passed over in silence: each is refused with what to do instead, or accepted with a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aml_actions.errors import ActionError
from aml_deploy.parameters import DeployParameters


@dataclass(frozen=True)
class Rule:
    """What becomes of one key.

    Attributes:
        key: in the parameters file.
        meaning: why it has no effect or is refused.
        fix: what to do instead.
        applies: for which values of the key, as a function of all parameters.
    """

    key: str
    meaning: str
    fix: str
    applies: Callable[[DeployParameters], bool]


@dataclass(frozen=True)
class Review:
    """What a parameters file holds beyond a managed online endpoint: errors to refuse, warnings to give."""

    errors: tuple[ActionError, ...]
    warnings: tuple[str, ...]


def _set(key: str) -> Callable[[DeployParameters], bool]:
    """Select files in which the key stands with a value that is not false, zero or empty."""
    return lambda parameters: bool(getattr(parameters, key))


def _without(needed: str, key: str) -> Callable[[DeployParameters], bool]:
    """Select files in which `key` is set and the key that it needs is not."""
    return lambda parameters: bool(getattr(parameters, key)) and not getattr(parameters, needed)


REMOVE = "Remove the key."
OWN_CERTIFICATE = "A managed online endpoint has no host name and no certificate of its own; it always uses TLS."
AUTOSCALE = "Autoscale of a managed endpoint is a rule of Azure Monitor, made once for the endpoint."
PROFILING = "Profiling of a model was a feature of SDK v1."

REFUSED = (
    Rule(
        "deployment_compute_target",
        "Deploying to Kubernetes is not supported yet, and the service is not put elsewhere instead.",
        "Remove the key to deploy to a managed online endpoint.",
        _set("deployment_compute_target"),
    ),
    Rule(
        "runtime",
        "A managed online endpoint cannot serve the Spark runtime.",
        "Score with plain Python, or in a batch endpoint or a Spark job.",
        lambda parameters: parameters.runtime == "spark-py",
    ),
    Rule(
        "extra_docker_file_steps",
        "The image is made of custom_base_image and conda_file; steps cannot be added to it.",
        "Build an image with these steps, push it to a registry and name it in custom_base_image.",
        _set("extra_docker_file_steps"),
    ),
    Rule(
        "create_image",
        "Packaging a model as an image or as an Azure Function is not supported; it was a feature of SDK v1.",
        "Remove the key; the deployment builds its image itself.",
        _set("create_image"),
    ),
    *(
        Rule(
            key,
            "No size of machine with a GPU is chosen for you.",
            'Name one, for example "instance_type": "Standard_NC4as_T4_v3", and an image with CUDA in custom_base_image.',
            _without("instance_type", key),
        )
        for key in ("enable_gpu", "gpu_cores")
    ),
    *(
        Rule(
            key, OWN_CERTIFICATE, "Remove the key; for a name of your own put a gateway before the endpoint.", _set(key)
        )
        for key in ("ssl_cert_pem_file", "ssl_key_pem_file", "ssl_cname")
    ),
    Rule(
        "token_auth_enabled",
        "An endpoint takes keys or tokens, never both, and authentication_enabled asks for keys.",
        "Keep one of the two keys.",
        lambda parameters: parameters.token_auth_enabled and parameters.authentication_enabled is True,
    ),
)

IGNORED = (
    *(
        Rule(
            key,
            "The default image has no CUDA.",
            "Name an image with CUDA in custom_base_image.",
            _without("custom_base_image", key),
        )
        for key in ("enable_gpu", "gpu_cores")
    ),
    Rule(
        "cuda_version",
        "The CUDA version is that of the image.",
        "Choose the image in custom_base_image.",
        _set("cuda_version"),
    ),
    Rule(
        "model_data_collection_enabled",
        "The data collection of SDK v1 (azureml.monitoring) does not exist on managed endpoints.",
        "Remove the key, and the ModelDataCollector lines from the entry script.",
        _set("model_data_collection_enabled"),
    ),
    Rule("profiling_enabled", PROFILING, REMOVE, _set("profiling_enabled")),
    Rule("profiling_dataset", PROFILING, REMOVE, _set("profiling_dataset")),
    Rule(
        "dns_name_label",
        "The address of a managed endpoint follows from its name.",
        "Choose the name with the key name.",
        _set("dns_name_label"),
    ),
    Rule(
        "ssl_enabled",
        "A managed endpoint always uses TLS.",
        REMOVE,
        lambda parameters: (
            bool(parameters.ssl_enabled)
            and not (parameters.ssl_cert_pem_file or parameters.ssl_key_pem_file or parameters.ssl_cname)
        ),
    ),
    *(
        Rule(key, AUTOSCALE, "Remove the key; az monitor autoscale create makes such a rule.", _set(key))
        for key in (
            "autoscale_enabled",
            "autoscale_min_replicas",
            "autoscale_max_replicas",
            "autoscale_refresh_seconds",
            "autoscale_target_utilization",
        )
    ),
    Rule("num_replicas", "It counted the replicas on Kubernetes.", "Use instance_count.", _set("num_replicas")),
    Rule("namespace", "A namespace belongs to an attached Kubernetes compute.", REMOVE, _set("namespace")),
    Rule(
        "authentication_enabled",
        "THE SERVICE IS NOT OPEN: a managed online endpoint always asks its callers for a key or a token.",
        'Callers send a key of the endpoint. Set "authentication_enabled": true to end this warning.',
        lambda parameters: parameters.authentication_enabled is False and not parameters.token_auth_enabled,
    ),
    Rule(
        "authentication_enabled",
        "It is not set. The legacy action then made a service that was open to everybody; a managed online endpoint asks for a key.",
        'Callers send a key of the endpoint. Set "authentication_enabled": true to end this warning.',
        lambda parameters: parameters.authentication_enabled is None and not parameters.token_auth_enabled,
    ),
)

REGISTRY_SECRETS = (
    "CONTAINER_REGISTRY_ADRESS",
    "CONTAINER_REGISTRY_ADDRESS",
    "CONTAINER_REGISTRY_USERNAME",
    "CONTAINER_REGISTRY_PASSWORD",
)
KEY_SECRETS = ("PRIMARY_KEY", "SECONDARY_KEY")
ENCRYPTION_SECRETS = ("CMK_VAULT_BASE_URL", "CMK_KEY_NAME", "CMK_KEY_VERSION")


def review(parameters: DeployParameters, secrets: Mapping[str, str]) -> Review:
    """Say which of the given parameters and secrets are refused, and which have no effect.

    `location` is judged later, when the region of the workspace is known (`location_warning`).
    """
    refused = [_error(rule, parameters) for rule in REFUSED if rule.applies(parameters)]
    warnings = [f"{rule.key} has no effect: {rule.meaning} {rule.fix}" for rule in IGNORED if rule.applies(parameters)]
    if encryption := _given(ENCRYPTION_SECRETS, secrets):
        refused.append(
            ActionError(
                f"{encryption}: a deployment cannot be encrypted with a key of your own, and is not made without it.",
                fix="Use a workspace with a customer-managed key, and remove these environment variables.",
            )
        )
    if registry := _given(REGISTRY_SECRETS, secrets):
        warnings.append(
            f"{registry} not used: a managed endpoint pulls its image with its own identity. "
            "Give that identity the role AcrPull on the registry, or add the registry as a connection of the workspace."
        )
    if keys := _given(KEY_SECRETS, secrets):
        warnings.append(
            f"{keys} not used: Azure makes the keys of a managed endpoint. "
            "Read them with az ml online-endpoint get-credentials."
        )
    return Review(tuple(refused), tuple(warnings))


def location_warning(asked: str | None, workspace_location: str) -> str | None:
    """Return a warning when an endpoint is wanted in another region than that of its workspace."""
    if not asked or _region(asked) == _region(workspace_location):
        return None
    return (
        f"location has no effect: an endpoint lives in the region of its workspace, {workspace_location}, not in {asked}. "
        "Remove the key, or use a workspace in that region."
    )


def _error(rule: Rule, parameters: DeployParameters) -> ActionError:
    value: Any = getattr(parameters, rule.key)
    return ActionError(f"{rule.key} is refused. {rule.meaning}", value=f"{rule.key}: {value}", fix=rule.fix)


def _given(names: tuple[str, ...], secrets: Mapping[str, str]) -> str:
    return ", ".join(name for name in names if secrets.get(name))


def _region(name: str) -> str:
    return name.replace(" ", "").lower()
