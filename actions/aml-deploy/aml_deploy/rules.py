"""Rules about keys of the legacy action that are refused, or accepted without effect, wherever the service runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aml_deploy.parameters import DeployParameters


@dataclass(frozen=True)
class Rule:
    """What becomes of one key.

    Attributes:
        key: in the parameters file.
        meaning: why it has no effect or is refused.
        fix: what to do instead.
        applies: for which files, as a function of all parameters.
    """

    key: str
    meaning: str
    fix: str
    applies: Callable[[DeployParameters], bool]


def given(key: str) -> Callable[[DeployParameters], bool]:
    """Select files in which the key stands with a value that is not false, zero or empty."""
    return lambda parameters: bool(getattr(parameters, key))


def without(needed: str, key: str) -> Callable[[DeployParameters], bool]:
    """Select files in which `key` is given and the key that it needs is not."""
    return lambda parameters: bool(getattr(parameters, key)) and not getattr(parameters, needed)


REMOVE = "Remove the key."
_PROFILING = "Profiling of a model was a feature of SDK v1."

CREATE_IMAGE = (
    Rule(
        "create_image",
        "Packaging a model as an image was a feature of SDK v1 and is not supported.",
        "Remove the key: the deployment builds its image itself.",
        lambda parameters: parameters.create_image == "docker",
    ),
    Rule(
        "create_image",
        "Packaging a model as an Azure Function was a preview of SDK v1 and has no successor.",
        "Remove the key, and let the function app call the scoring URI of the endpoint.",
        lambda parameters: (parameters.create_image or "docker") != "docker",
    ),
)
"""The rules that count even when nothing is deployed."""

REFUSED = (
    Rule(
        "runtime",
        "No online endpoint serves the Spark runtime.",
        "Score with plain Python, or in a batch endpoint or a Spark job.",
        lambda parameters: parameters.runtime == "spark-py",
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
            without("custom_base_image", key),
        )
        for key in ("enable_gpu", "gpu_cores")
    ),
    Rule(
        "cuda_version",
        "The CUDA version is that of the image.",
        "Choose the image in custom_base_image.",
        given("cuda_version"),
    ),
    Rule(
        "model_data_collection_enabled",
        "The data collection of SDK v1 (azureml.monitoring) does not exist on online endpoints.",
        "Remove the key, and the ModelDataCollector lines from the entry script.",
        given("model_data_collection_enabled"),
    ),
    Rule(
        "profiling_enabled",
        f"{_PROFILING} The output profiling_details stays empty.",
        REMOVE,
        given("profiling_enabled"),
    ),
    Rule("profiling_dataset", _PROFILING, REMOVE, given("profiling_dataset")),
    Rule(
        "authentication_enabled",
        "THE SERVICE IS NOT OPEN: an online endpoint always asks its callers for a key or a token.",
        'Callers send a key of the endpoint. Set "authentication_enabled": true to end this warning.',
        lambda parameters: parameters.authentication_enabled is False and not parameters.token_auth_enabled,
    ),
)
