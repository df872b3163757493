"""Rules about keys that mean nothing, or something else, on a managed online endpoint."""

from __future__ import annotations

from aml_deploy.rules import REMOVE, Rule, given, without

LONGEST_TIMEOUT_MS = 180_000
"""Milliseconds that a request to a managed endpoint may take."""
_OWN_CERTIFICATE = "A managed online endpoint has no host name and no certificate of its own; it always uses TLS."
_AUTOSCALE = "Autoscale of a managed endpoint is a rule of Azure Monitor, made once for the endpoint."

REFUSED = (
    *(
        Rule(
            key,
            "No size of machine with a GPU is chosen for you.",
            'Name one, for example "instance_type": "Standard_NC4as_T4_v3", and an image with CUDA in custom_base_image.',
            without("instance_type", key),
        )
        for key in ("enable_gpu", "gpu_cores")
    ),
    *(
        Rule(
            key,
            _OWN_CERTIFICATE,
            "Remove the key; for a name of your own put a gateway before the endpoint.",
            given(key),
        )
        for key in ("ssl_cert_pem_file", "ssl_key_pem_file", "ssl_cname")
    ),
    Rule(
        "scoring_timeout_ms",
        f"A managed endpoint gives a request up after {LONGEST_TIMEOUT_MS} ms at the latest.",
        f"Set it to {LONGEST_TIMEOUT_MS} or less, or score in a batch endpoint.",
        lambda parameters: (parameters.scoring_timeout_ms or 0) > LONGEST_TIMEOUT_MS,
    ),
)

IGNORED = (
    Rule(
        "dns_name_label",
        "The address of a managed endpoint follows from its name.",
        "Choose the name with the key name.",
        given("dns_name_label"),
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
        Rule(key, _AUTOSCALE, "Remove the key; `az monitor autoscale create` makes such a rule.", given(key))
        for key in (
            "autoscale_enabled",
            "autoscale_min_replicas",
            "autoscale_max_replicas",
            "autoscale_refresh_seconds",
            "autoscale_target_utilization",
        )
    ),
    Rule("num_replicas", "It counts the replicas on Kubernetes.", "Use instance_count.", given("num_replicas")),
    Rule("namespace", "A namespace belongs to an attached Kubernetes compute.", REMOVE, given("namespace")),
    Rule(
        "authentication_enabled",
        "It is not set. The legacy action then made a service that was open to everybody; a managed online endpoint asks for a key.",
        'Callers send a key of the endpoint. Set "authentication_enabled": true to end this warning.',
        lambda parameters: parameters.authentication_enabled is None and not parameters.token_auth_enabled,
    ),
)
