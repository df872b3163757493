"""What is done before a deployment runs: template and parameters are checked, and what will be made is planned."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aml_emulator.arm.subscriptions import register_provider
from aml_emulator.arm.template import document, parameters, preflight
from aml_emulator.arm.template.errors import NotAvailableError, TemplateError, invalid_template
from aml_emulator.arm.template.planning import plan
from aml_emulator.arm.template.resources import Plan, Planned, literal_kinds, namespace_of
from aml_emulator.arm.template.scope import Later, Scope, Surroundings, Target
from aml_emulator.arm.template.secrets import Secrets
from aml_emulator.arm.template.store import duration, named, template_hash, timestamp
from aml_emulator.arm.template.submission import Submission
from aml_emulator.arm.template.values import get
from aml_emulator.http import Principal, ServiceError

if TYPE_CHECKING:
    from aml_emulator.arm.template.engine import Deployment
    from aml_emulator.context import Emulator

Body = dict[str, Any]

_MOST_LEVELS = 5
"""Deployments inside each other."""

_OF_THE_SDK = {
    "workspaceName",
    "storageAccountOption",
    "storageAccountName",
    "keyVaultName",
    "applicationInsightsOption",
}
"""Parameters by which the template is known that azure-ai-ml sends: for it, what it needs is registered, as for a user who may."""


@dataclass
class Prepared:
    """A deployment whose template and parameters are in order, with what it will make."""

    emulator: Emulator
    id: str
    name: str
    target: Target
    submission: Submission
    scope: Scope
    plan: Plan
    principal: Principal | None
    secrets: Secrets
    correlation: str = field(default_factory=lambda: str(uuid.uuid4()))
    path: tuple[str | int, ...] = ()
    level: int = 1
    parent: Deployment | None = None

    @property
    def of_the_sdk(self) -> bool:
        """Whether azure-ai-ml sent it, to create a workspace."""
        return {name.lower() for name in _OF_THE_SDK} <= {name.lower() for name in self.scope.document.declared}

    @property
    def actor(self) -> str:
        """Who deploys."""
        return self.principal.object_id if self.principal else "emulator"

    def record(self, state: str = "Accepted") -> Body:
        """The deployment as a GET shows it when it begins."""
        spaces: dict[str, set[str]] = {}
        for one in self.plan.resources:
            if one.deploys:
                space, _, kind = one.type.partition("/")
                spaces.setdefault(space, set()).add(kind)
        record: Body = {
            "properties": {
                "templateHash": template_hash(self.submission.template),
                "parameters": self.secrets.masked(parameters.shown(self.scope)) if not self.is_outer else {},
                "mode": self.submission.mode,
                "provisioningState": state,
                "timestamp": timestamp(),
                "duration": duration(0),
                "correlationId": self.correlation,
                "providers": [
                    {
                        "namespace": space,
                        "resourceTypes": [{"resourceType": kind, "locations": [None]} for kind in sorted(kinds)],
                    }
                    for space, kinds in spaces.items()
                ],
                "dependencies": [
                    {
                        "dependsOn": [
                            named(other.id) for other in self.plan.resources if other.key in one.needs and other.deploys
                        ],
                        **named(one.id),
                    }
                    for one in self.plan.resources
                    if one.deploys and one.needs
                ],
            }
        }
        if self.submission.location:
            record["location"] = self.submission.location
        if self.submission.tags:
            record["tags"] = self.submission.tags
        return record

    @property
    def is_outer(self) -> bool:
        """Whether the parameters are those of the deployment around this one."""
        return self.parent is not None and self.submission.outer


def prepare(
    emulator: Emulator, target: Target, name: str, submission: Submission, principal: Principal | None
) -> Prepared:
    """Check a deployment and make its plan; nothing is made yet.

    Raises:
        ServiceError: 400 InvalidTemplate and others: it cannot be deployed.

    """
    facts = deployment_facts(name, submission)
    surroundings = document.surroundings_of(emulator, target, facts, principal)
    try:
        scope = document.scope_of(
            submission.template, submission.parameters, target, surroundings, submission.secret_reader(emulator)
        )
        facts["properties"]["parameters"] = {key: {"value": scope.parameter(key)} for key in scope.document.declared}
        planned = plan(submission.template, scope, target)
        _check_outputs(submission.template, scope)
    except parameters.MissingValueError as error:
        line, column = submission.position(error.path)
        error.at(line, column)
        raise invalid_template(error, submission.position) from None
    except TemplateError as error:
        raise invalid_template(error, submission.position) from None
    secrets = Secrets(document.secret_values(scope))
    deployment_id = f"{target.id}/providers/Microsoft.Resources/deployments/{name}"
    prepared = Prepared(emulator, deployment_id, name, target, submission, scope, planned, principal, secrets)
    known = Known([planned], [])
    _look_inside(prepared, known)
    made = [one for each in known.plans for one in each.resources if one.deploys and not one.is_deployment]
    if prepared.of_the_sdk:
        for one in made:
            register_provider(emulator, namespace_of(one.id))
    preflight.check_kinds(emulator, [*((one.type, one.id) for one in made), *known.kinds])
    _check_properties(submission, made)
    preflight.check_providers(emulator, name, made)
    return prepared


@dataclass
class Known:
    """What of a deployment and those inside it is known before it runs: plans and, where there is none yet, kinds with ids made up."""

    plans: list[Plan]
    kinds: list[tuple[str, str]]


def _check_properties(submission: Submission, made: list[Planned]) -> None:
    """Refuse properties that no resource is needed to find wrong.

    Raises:
        ServiceError: 400 InvalidTemplate.

    """
    for one in made:
        try:
            one.body(one.scope.with_runtime(Later()))
        except NotAvailableError:
            continue
        except TemplateError as error:
            raise invalid_template(of_resource(one, error, submission), submission.position) from None


def of_resource(one: Planned, error: TemplateError, submission: Submission) -> TemplateError:
    """An error of an expression, told with its resource and place."""
    line, column = submission.position(error.path)
    return TemplateError(
        f"Unable to process template language expressions for resource '{one.id}' at line '{line}' and column '{column}'. "
        f"'{error.message}'",
        error.path,
    )


def deployment_facts(name: str, submission: Submission) -> Body:
    """What `deployment()` gives."""
    return {
        "name": name,
        **({"location": submission.location} if submission.location else {}),
        "properties": {
            "template": {key: get(submission.template, key) for key in ("$schema", "contentVersion")},
            "templateHash": template_hash(submission.template),
            "parameters": {},
            "mode": submission.mode,
            "provisioningState": "Accepted",
        },
    }


def _check_outputs(template: Mapping[str, Any], scope: Scope) -> None:
    outputs = get(template, "outputs") or {}
    if not isinstance(outputs, dict):
        raise TemplateError("The outputs of the template must be an object.", ("outputs",))
    for name, declaration in outputs.items():
        parameters.declared_type(name, declaration, "output")


def _look_inside(prepared: Prepared, known: Known) -> None:
    """Find what the deployments inside a deployment will make, as far as it can be told before it runs."""
    for one in prepared.plan.resources:
        if not one.is_deployment or not one.deploys:
            continue
        try:
            inner = nested(prepared, one, one.scope, known_only=True)
        except NotAvailableError:
            properties = get(one.raw, "properties")
            template = get(properties, "template") if isinstance(properties, dict) else None
            known.kinds += literal_kinds(template, one.target)
            continue
        except TemplateError as error:
            raise invalid_template(error, prepared.submission.position) from None
        known.plans.append(inner.plan)
        _look_inside(inner, known)


def nested(around: Prepared, one: Planned, scope: Scope, *, known_only: bool = False) -> Prepared:
    """The deployment that a resource of another one is.

    Args:
        around: the deployment that it is in.
        one: the resource.
        scope: in which its own properties are evaluated.
        known_only: it is only looked at: what a running deployment alone knows is a NotAvailableError.

    Raises:
        TemplateError: its template is wrong.
        ServiceError: its resource group is not there.

    """
    if around.level >= _MOST_LEVELS:
        raise TemplateError(f"Deployments are nested deeper than {_MOST_LEVELS} levels.", one.path)
    if known_only:
        scope = scope.with_runtime(Later())
    submission = Submission.of_nested(one, scope, around.submission)
    surroundings = scope.surroundings
    path = (*one.path, "properties", "template")
    if submission.outer:
        inner = scope.with_runtime(None)
        planned = plan(submission.template, inner, one.target, path)
        secrets = around.secrets
    else:
        facts = deployment_facts(one.name, submission)
        surroundings = _surroundings(around, one.target, facts, known_only=known_only)
        inner = document.scope_of(
            submission.template,
            submission.parameters,
            one.target,
            surroundings,
            submission.secret_reader(around.emulator),
        )
        facts["properties"]["parameters"] = {key: {"value": inner.parameter(key)} for key in inner.document.declared}
        planned = plan(submission.template, inner, one.target, path)
        secrets = around.secrets
        for value in document.secret_values(inner):
            secrets.add(value)
    _check_outputs(submission.template, inner)
    return Prepared(
        around.emulator,
        one.id,
        one.name,
        one.target,
        submission,
        inner,
        planned,
        around.principal,
        secrets,
        around.correlation,
        path,
        around.level + 1,
    )


def _surroundings(around: Prepared, target: Target, facts: Body, *, known_only: bool) -> Surroundings:
    try:
        return document.surroundings_of(around.emulator, target, facts, around.principal)
    except ServiceError:
        made = next((one for one in around.plan.resources if one.deploys and one.key == target.id.lower()), None)
        if known_only and made is not None:  # the deployment makes the group first
            body = made.body(made.scope)
            group = {"id": made.id, "name": made.name, "type": made.type, **body}
            return replace(around.scope.surroundings, resource_group=group, deployment=facts)
        raise
