"""Registering a model version once, and seeing that it is what was asked for."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aml_actions.client import quiet
from aml_actions.errors import ActionError
from aml_actions.registered_models import SOURCE_PROPERTY
from aml_actions.runner import Runner
from aml_actions.tags import as_texts, github_tags
from aml_registermodel.parameters import RegisterModelParameters
from aml_registermodel.source import Source

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Model

OWN_PROPERTIES = ("model_framework", SOURCE_PROPERTY)
"""Properties that every version gets from this action."""
OWN_TAGS = ("GITHUB_ACTOR", "GITHUB_REPOSITORY", "GITHUB_SHA", "GITHUB_REF")
"""Tags that every version gets from this action."""
_FRAMEWORKS = {
    "scikitlearn": "ScikitLearn",
    "onnx": "Onnx",
    "tensorflow": "TensorFlow",
    "keras": "TfKeras",
    "custom": "Custom",
}
"""Spelling of SDK v1, which aml-deploy reads back."""
_LONGEST_DEFAULT = 32


@dataclass(frozen=True)
class Wanted:
    """The version that must exist at the end.

    Attributes:
        name: of the model.
        source: its bytes.
        type: ``custom_model`` or ``mlflow_model``.
        tags: all of them.
        properties: all of them.
        description: for people; None leaves it empty.
    """

    name: str
    source: Source
    type: str
    tags: dict[str, str]
    properties: dict[str, str]
    description: str | None


def default_name(runner: Runner) -> str:
    """Return ``<repository>-<branch>`` as a valid name: other characters become ``-``, and it is cut to 32 characters."""
    name = re.sub(r"[^A-Za-z0-9._-]", "-", f"{runner.repository_name}-{runner.branch}")
    return name.lstrip("._-")[:_LONGEST_DEFAULT] or "model"


def wanted(parameters: RegisterModelParameters, runner: Runner, source: Source) -> Wanted:
    """Return the version that the parameters describe. What v2 has no field for becomes a tag or a property."""
    framework = {"model_framework": _FRAMEWORKS[parameters.model_framework]}
    if parameters.model_framework_version:
        framework["model_framework_version"] = parameters.model_framework_version
    kept = {
        "datasets": json.dumps(parameters.datasets) if parameters.datasets else None,
        "sample_input_dataset": parameters.sample_input_dataset,
        "sample_output_dataset": parameters.sample_output_dataset,
    }
    if parameters.cpu_cores is not None and parameters.memory_gb is not None:
        kept |= {"cpu_cores": f"{parameters.cpu_cores:g}", "memory_gb": f"{parameters.memory_gb:g}"}
    return Wanted(
        name=parameters.model_name or default_name(runner),
        source=source,
        type="mlflow_model" if source.found.is_mlflow else "custom_model",
        tags={
            **(framework if parameters.model_framework != "custom" else {}),
            **as_texts(parameters.model_tags),
            **github_tags(runner),
        },
        properties={
            **as_texts(parameters.model_properties),
            **framework,
            **{name: value for name, value in kept.items() if value is not None},
            SOURCE_PROPERTY: source.identity,
        },
        description=parameters.model_description,
    )


def register(client: MLClient, wanted: Wanted, present: Model | None) -> tuple[Model, bool]:
    """Make sure that the latest version of a model is the wanted one.

    Args:
        client: of the workspace.
        wanted: what must be so at the end.
        present: the latest version.

    Returns:
        The version as the service has it, and whether it is new.

    Raises:
        ActionError: the service has something else than what was asked for.
        azure.core.exceptions.AzureError: it refused.
    """
    if present is not None and _is_same(present, wanted):
        version, is_new = _renewed(client, present, wanted), False
    else:
        version, is_new = _created(client, wanted), True
    made = client.models.get(wanted.name, version)
    _verify(made, wanted, version)
    return made, is_new


def _is_same(present: Model, wanted: Wanted) -> bool:
    """Tell whether a version holds the wanted bytes with the wanted properties, which no version can change."""
    properties = present.properties or {}
    return present.type == wanted.type and wanted.properties.items() <= properties.items()


def _renewed(client: MLClient, present: Model, wanted: Wanted) -> str:
    """Bring tags and description of a version up to date; tags that others added stay."""
    tags = {**(present.tags or {}), **wanted.tags}
    description = wanted.description if wanted.description is not None else present.description
    if tags != (present.tags or {}) or description != present.description:
        present.tags, present.description = tags, description
        with quiet():
            client.models.create_or_update(present)
    return str(present.version)


def _created(client: MLClient, wanted: Wanted) -> str:
    from azure.ai.ml.entities import Model

    with quiet():
        made = client.models.create_or_update(
            Model(
                name=wanted.name,
                path=wanted.source.path,
                type=wanted.type,
                tags=wanted.tags,
                properties=wanted.properties,
                description=wanted.description,
            )
        )
    return str(made.version)


def _verify(made: Model, wanted: Wanted, version: str) -> None:
    differing = [
        f"{what}: {is_so}, not {should}"
        for what, is_so, should in (
            ("name", made.name, wanted.name),
            ("version", str(made.version), version),
            ("type", made.type, wanted.type),
            (SOURCE_PROPERTY, (made.properties or {}).get(SOURCE_PROPERTY), wanted.source.identity),
        )
        if is_so != should
    ]
    if differing:
        raise ActionError(
            f"Azure has something else as {wanted.name}:{version} than what this step registered.",
            value="; ".join(differing),
            cause="another step registered a version of the same model in the same moment",
            fix="run the job again; let workflows that register the same model wait for each other (`concurrency`)",
        )
