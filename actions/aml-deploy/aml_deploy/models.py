"""The registered model that is to be deployed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aml_actions.errors import ActionError

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

_VERSION = re.compile(r"[a-zA-Z0-9][\w.-]*")
"""What Azure takes as the version of an asset."""
_LISTED = 20
"""Names or versions that an error lists at most."""


@dataclass(frozen=True)
class ModelVersion:
    """One version of a registered model.

    Attributes:
        name: of the model.
        version: any text; usually a number.
        arm_id: Azure resource id.
        properties: as registered.
        type: ``custom_model``, ``mlflow_model`` or ``triton_model``.
    """

    name: str
    version: str
    arm_id: str
    properties: Mapping[str, str]
    type: str = "custom_model"

    @property
    def serves_itself(self) -> bool:
        """True for the types that Azure serves without an entry script."""
        return self.type in ("mlflow_model", "triton_model")

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"


def find(client: MLClient, name: str, version: str, warn: Callable[[str], None]) -> ModelVersion:
    """Return the model to deploy.

    The legacy action took the latest version whenever the given one was no integer; so does this one, with a warning,
    but a version of that very text is taken first: versions are texts today.

    Args:
        client: of the workspace.
        name: of the model.
        version: may be empty.
        warn: told when another version than the given one is taken.

    Raises:
        ActionError: the model, or the version with that number, does not exist.
        azure.core.exceptions.AzureError: the workspace cannot be asked.
    """
    if _VERSION.fullmatch(version) and version != "latest" and (found := _get(client, name, version)):
        return found
    if version.isdecimal():
        raise _missing(client, name, version)
    latest = _latest(client, name)
    if latest is None:
        raise _missing(client, name, "")
    if version != "latest":
        given = (
            f"'{version}' is no number and no version of it"
            if version
            else "no version is given (model_version is empty)"
        )
        warn(f"Model {name}: {given}; the latest version is deployed, {latest.version}.")
    return latest


def _get(client: MLClient, name: str, version: str) -> ModelVersion | None:
    from azure.core.exceptions import ResourceNotFoundError

    try:
        return _from_sdk(client.models.get(name, version=version))
    except ResourceNotFoundError:
        return None


def _latest(client: MLClient, name: str) -> ModelVersion | None:
    from azure.ai.ml.exceptions import ValidationException
    from azure.core.exceptions import ResourceNotFoundError

    try:
        return _from_sdk(client.models.get(name, label="latest"))
    except (ResourceNotFoundError, ValidationException):
        return None  # the SDK raises the one or the other, as the service answers 404 or with an empty list


def _from_sdk(model: Any) -> ModelVersion:  # noqa: ANN401 - azure.ai.ml.entities.Model
    properties = {str(key): str(value) for key, value in (model.properties or {}).items()}
    return ModelVersion(str(model.name), str(model.version), str(model.id), properties, str(model.type))


def _missing(client: MLClient, name: str, version: str) -> ActionError:
    """Say what is registered instead. Listing fails when it is the workspace that does not exist, and that is told then."""
    names = [str(model.name) for model in client.models.list()]
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        return ActionError(
            f"There is no model {name} in {_where(client)}.",
            value=name,
            allowed=_list(names) or "nothing is registered yet",
            fix=f"did you mean {near[0]}?" if near else "register it first, with aml-registermodel",
            anchor="docs/troubleshooting.md#model-not-found",
        )
    versions = [str(model.version) for model in client.models.list(name=name)]
    return ActionError(
        f"Model {name} has no version {version} in {_where(client)}.",
        value=version,
        allowed=_list(versions),
        fix="pass the output `model_version` of aml-registermodel, or leave the input out for the latest",
        anchor="docs/troubleshooting.md#model-not-found",
    )


def _where(client: MLClient) -> str:
    return f"workspace {client.workspace_name} (resource group {client.resource_group_name})"


def _list(values: list[str]) -> str:
    return ", ".join(values[:_LISTED]) + (" ..." if len(values) > _LISTED else "")
