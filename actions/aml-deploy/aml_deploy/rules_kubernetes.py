"""Rules about keys that mean nothing, or do not fit together, on a Kubernetes online endpoint.

Where SDK v1 refused a combination, it is refused here: a file that holds it has never deployed anything.
"""

from __future__ import annotations

from aml_deploy.kubernetes_parameters import AUTOSCALE_KEYS, DEFAULT_MAX_REPLICAS, DEFAULT_MIN_REPLICAS
from aml_deploy.parameters import DeployParameters
from aml_deploy.rules import REMOVE, Rule, given

_CONTAINER_INSTANCE = "It was a key for Azure Container Instances; the legacy action ignored it on Kubernetes too."
_CERTIFICATE = (
    "TLS, certificate and host name are settings of the Azure ML extension on the cluster, not of a deployment."
)
_SET_CERTIFICATE = "Remove the key; `az k8s-extension update` sets them, with sslCname and the two PEM files."


def _counted(parameters: DeployParameters) -> bool:
    """Tell whether a fixed number of replicas is given."""
    return parameters.num_replicas is not None or "instance_count" in parameters.model_fields_set


def _minimum_over_maximum(parameters: DeployParameters) -> bool:
    least = parameters.autoscale_min_replicas or DEFAULT_MIN_REPLICAS
    return least > (parameters.autoscale_max_replicas or DEFAULT_MAX_REPLICAS)


REFUSED = (
    Rule(
        "autoscale_enabled",
        "Without autoscale the number of replicas must be given.",
        "Add num_replicas, or remove the key.",
        lambda parameters: parameters.autoscale_enabled is False and not _counted(parameters),
    ),
    Rule(
        "autoscale_enabled",
        "A deployment either scales by itself or has a fixed number of replicas (num_replicas, instance_count).",
        "Keep autoscale_enabled or the number.",
        lambda parameters: parameters.autoscale_enabled is True and _counted(parameters),
    ),
    *(
        Rule(
            key,
            'It has a meaning only with "autoscale_enabled": true.',
            'Add "autoscale_enabled": true, or remove the key.',
            lambda parameters, key=key: (  # type: ignore[misc]
                getattr(parameters, key) is not None and not parameters.autoscale_enabled
            ),
        )
        for key in AUTOSCALE_KEYS
    ),
    Rule(
        "autoscale_min_replicas",
        f"It is more than autoscale_max_replicas (default {DEFAULT_MAX_REPLICAS}).",
        "Make it smaller, or autoscale_max_replicas larger.",
        lambda parameters: bool(parameters.autoscale_enabled) and _minimum_over_maximum(parameters),
    ),
    Rule(
        "instance_count",
        "It means the same as num_replicas, which has another value.",
        "Keep one of the two keys.",
        lambda parameters: (
            parameters.num_replicas is not None
            and "instance_count" in parameters.model_fields_set
            and parameters.instance_count != parameters.num_replicas
        ),
    ),
)

IGNORED = (
    *(Rule(key, _CONTAINER_INSTANCE, REMOVE, given(key)) for key in ("location", "dns_name_label")),
    *(
        Rule(key, _CERTIFICATE, _SET_CERTIFICATE, given(key))
        for key in ("ssl_enabled", "ssl_cert_pem_file", "ssl_key_pem_file", "ssl_cname")
    ),
    Rule(
        "namespace",
        "The namespace is that of the attached compute.",
        "Remove the key; aml-compute sets it when it attaches the cluster (namespace in compute.json).",
        given("namespace"),
    ),
    Rule(
        "enable_gpu",
        "No GPU is asked of the cluster.",
        'Say how many each replica gets, for example "gpu_cores": 1.',
        lambda parameters: bool(parameters.enable_gpu) and not (parameters.gpu_cores or parameters.instance_type),
    ),
)
