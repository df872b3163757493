"""Errors of templates, in the words and shapes of Azure Resource Manager (azure-infra, 2.6)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from aml_emulator.http import ServiceError

Body = dict[str, Any]

USAGE = "for usage details."
RESOURCES = f"Please see https://aka.ms/arm-template/#resources {USAGE}"
EXPRESSIONS = f"Please see https://aka.ms/arm-template-expressions {USAGE}"


class TemplateError(Exception):
    """What is wrong in a template or with a value it is given: one sentence as Resource Manager writes it.

    Args:
        message: the sentence.
        path: keys and indexes below `properties.template` that lead to the place, where one is known.

    """

    def __init__(self, message: str, path: Sequence[str | int] = ()) -> None:
        super().__init__(message)
        self.message, self.path = message, tuple(path)


class NotAvailableError(TemplateError):
    """A value that only a running deployment has (of `reference` or `list...`) was asked for before."""


class ArmError(ServiceError):
    """An error of Resource Manager that carries `additionalInfo`."""

    def __init__(self, status: int, code: str, message: str, *, information: list[Body]) -> None:
        super().__init__(status, code, message)
        self._information = information

    def body(self) -> Body:
        """The error as JSON."""
        body = super().body()
        body["error"]["additionalInfo"] = self._information
        return body


def shown_path(path: Sequence[str | int], root: str = "properties.template") -> str:
    """A path as `TemplateViolation` shows it: `properties.template.resources[0].name`."""
    return root + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def invalid_template(
    error: TemplateError,
    position: Callable[[Sequence[str | int]], tuple[int, int]] | None = None,
) -> ServiceError:
    """400 InvalidTemplate: the template, or the parameters that it was given, cannot be deployed."""
    line, column = position(error.path) if position else (0, 0)
    information = {
        "type": "TemplateViolation",
        "info": {"lineNumber": line, "linePosition": column, "path": shown_path(error.path) if error.path else ""},
    }
    message = f"Deployment template validation failed: '{error.message}'."
    return ArmError(400, "InvalidTemplate", message, information=[information])


def invalid_deployment(name: str, details: list[Body]) -> ServiceError:
    """400 InvalidTemplateDeployment: a resource provider refuses before anything is made."""
    return ServiceError(
        400,
        "InvalidTemplateDeployment",
        f"The template deployment '{name}' is not valid according to the validation procedure. The tracking id is "
        f"'{uuid.uuid4()}'. See inner errors for details.",
        details=details,
    )


def missing_registration(namespaces: Sequence[str]) -> ServiceError:
    """409: the subscription is not registered for the namespaces; the message names the first, the details all."""

    def message(namespace: str) -> str:
        return (
            f"The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found for how to "
            "register subscriptions."
        )

    details: list[Body] = [
        {"code": "MissingSubscriptionRegistration", "target": namespace, "message": message(namespace)}
        for namespace in namespaces
    ]
    return ServiceError(409, "MissingSubscriptionRegistration", message(namespaces[0]), details=details)


def detail(error: ServiceError, target: str) -> Body:
    """An error of a resource as a member of `details`."""
    inner: Body = error.body()["error"]
    return {**inner, "target": inner.get("target") or target}


def ended_badly(target: str, inner: list[Body]) -> Body:
    """A resource whose provisioning ended in the state Failed."""
    return {
        "code": "ResourceDeploymentFailure",
        "target": target,
        "message": "The resource write operation failed to complete successfully, because it reached terminal provisioning "
        "state 'Failed'.",
        "details": inner,
    }


def deployment_failed(deployment_id: str, details: list[Body]) -> Body:
    """The error of a deployment some resource of which failed."""
    return {
        "code": "DeploymentFailed",
        "target": deployment_id,
        "message": "At least one resource deployment operation failed. Please list deployment operations for details. "
        "Please see https://aka.ms/arm-deployment-operations for usage details.",
        "details": details,
    }


def outputs_failed(names: Sequence[str], details: list[Body]) -> Body:
    """The error of a deployment whose outputs cannot be evaluated."""
    return {
        "code": "DeploymentOutputEvaluationFailed",
        "message": f"Unable to evaluate template outputs: '{','.join(names)}'. Please see error details and deployment operations. "
        "Please see https://aka.ms/arm-common-errors for usage details.",
        "details": details,
    }
