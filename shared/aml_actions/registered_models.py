"""Registered models: which version is the newest, and which job it came from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Model

SOURCE_PROPERTY = "aml-registermodel.source"
"""Property of a version that says what aml-registermodel registered. Azure replaces the path by one in its store."""
_JOB_IN_PATH = re.compile(r"(?:/ExperimentRun/dcid\.|^azureml://jobs/)(?P<job>[^/]+)")


def version_of(client: MLClient, name: str, version: str = "") -> Model | None:
    """Return a version of a model, without one the version that was made last; None if there is none.

    Raises:
        azure.core.exceptions.AzureError: the service cannot be asked.
    """
    from azure.ai.ml.exceptions import ValidationErrorType, ValidationException
    from azure.core.exceptions import ResourceNotFoundError

    try:
        return client.models.get(name, version=version) if version else client.models.get(name, label="latest")
    except ResourceNotFoundError:
        return None
    except ValidationException as error:
        if error.error_type == ValidationErrorType.RESOURCE_NOT_FOUND:
            return None
        raise


def latest(client: MLClient, name: str) -> Model | None:
    """Return the version of a model that was made last; None if there is none."""
    return version_of(client, name)


def job_behind(model: Model, source_property: str = SOURCE_PROPERTY) -> str:
    """Return the job that a model version came from; empty if nothing tells."""
    recorded = (model.properties or {}).get(source_property, "")
    for text in (recorded, str(model.path or "")):
        found = _JOB_IN_PATH.search(text)
        if found:
            return found["job"]
    return str(getattr(model, "job_name", None) or "")
