"""Functions of ids and of the scope in which a deployment runs."""

from __future__ import annotations

import copy
import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from aml_emulator.arm.template.errors import EXPRESSIONS, TemplateError
from aml_emulator.arm.template.functions import dates
from aml_emulator.arm.template.functions.registry import Arguments, function, scoped
from aml_emulator.arm.template.values import Value

if TYPE_CHECKING:
    from aml_emulator.arm.template.scope import Scope


def joined_id(arguments: Arguments, root: str, resource_type: str, names: list[str]) -> str:
    """`<root>/providers/<namespace>/<type>/<name>...`.

    Raises:
        TemplateError: the type has another number of segments than there are names.

    """
    namespace, *types = resource_type.strip("/").split("/")
    if len(types) != len(names) or not types:
        raise arguments.refused(
            f"the type '{resource_type}' requires '{len(types)}' resource name argument(s), of which '{len(names)}' were provided"
        )
    pairs = "".join(f"/{kind}/{name}" for kind, name in zip(types, names, strict=True))
    return f"{root}/providers/{namespace}{pairs}"


@scoped("resourceId", 2, None)
def resource_id(scope: Scope, arguments: Arguments) -> str:
    """An id in the group of the deployment, or in the group (and subscription) that is named first."""
    texts = arguments.strings()
    place = next((index for index, text in enumerate(texts) if "/" in text), None)
    if place is None or place > 2:
        raise arguments.refused("no argument is a fully qualified resource type")
    before, resource_type, names = texts[:place], texts[place], texts[place + 1 :]
    subscription, group = scope.target.subscription, scope.target.group
    if len(before) == 2:
        subscription, group = before
    elif before and scope.target.group is not None:
        group = before[0]
    elif before:
        subscription = before[0]
    root = f"/subscriptions/{subscription}" + (f"/resourceGroups/{group}" if group else "")
    return joined_id(arguments, root, resource_type, names)


@scoped("subscriptionResourceId", 2, None)
def subscription_resource_id(scope: Scope, arguments: Arguments) -> str:
    """An id below the subscription."""
    texts = arguments.strings()
    subscription = scope.target.subscription if "/" in texts[0] else texts.pop(0)
    return joined_id(arguments, f"/subscriptions/{subscription}", texts[0], texts[1:])


@function("tenantResourceId", 2, None)
def tenant_resource_id(arguments: Arguments) -> str:
    """An id below no subscription."""
    resource_type, *names = arguments.strings()
    return joined_id(arguments, "", resource_type, names)


@function("managementGroupResourceId", 3, None)
def management_group_resource_id(arguments: Arguments) -> str:
    """An id below a management group, which is named first."""
    group, resource_type, *names = arguments.strings()
    root = f"/providers/Microsoft.Management/managementGroups/{group}"
    return joined_id(arguments, root, resource_type, names)


@function("extensionResourceId", 3, None)
def extension_resource_id(arguments: Arguments) -> str:
    """An id of a resource that extends another."""
    base, resource_type, *names = arguments.strings()
    return joined_id(arguments, base.rstrip("/"), resource_type, names)


@scoped("subscription", 0)
def subscription(scope: Scope, arguments: Arguments) -> Value:
    """The subscription of the deployment."""
    return copy.deepcopy(scope.surroundings.subscription)


@scoped("resourceGroup", 0)
def resource_group(scope: Scope, arguments: Arguments) -> Value:
    """The resource group of the deployment."""
    if scope.surroundings.resource_group is None:
        raise TemplateError(f"The template function 'RESOURCEGROUP' is not expected at this location. {EXPRESSIONS}")
    return copy.deepcopy(scope.surroundings.resource_group)


@scoped("deployment", 0)
def deployment(scope: Scope, arguments: Arguments) -> Value:
    """The deployment itself."""
    return copy.deepcopy(scope.surroundings.deployment)


@scoped("environment", 0)
def environment(scope: Scope, arguments: Arguments) -> Value:
    """The cloud."""
    return copy.deepcopy(scope.surroundings.environment)


@scoped("tenant", 0)
def tenant(scope: Scope, arguments: Arguments) -> Value:
    """The tenant of the subscription."""
    return copy.deepcopy(scope.surroundings.tenant)


@scoped("deployer", 0)
def deployer(scope: Scope, arguments: Arguments) -> Value:
    """Who deploys."""
    return copy.deepcopy(scope.surroundings.deployer)


@scoped("newGuid", 0)
def new_guid(scope: Scope, arguments: Arguments) -> str:
    """A random UUID; only in a default value of a parameter."""
    _only_as_default(scope, arguments)
    return str(uuid.uuid4())


@scoped("utcNow", 0, 1)
def utc_now(scope: Scope, arguments: Arguments) -> str:
    """This moment; only in a default value of a parameter."""
    _only_as_default(scope, arguments)
    format_ = arguments.string(0) if len(arguments) else dates.DEFAULT_FORMAT
    return dates.formatted(datetime.now(timezone.utc), format_)


def _only_as_default(scope: Scope, arguments: Arguments) -> None:
    if not scope.in_default:
        raise TemplateError(
            f"The template function '{arguments.name}' is not expected at this location. It can only be used as the default value of "
            f"a parameter. {EXPRESSIONS}"
        )


@scoped("parameters", 1)
def parameters(scope: Scope, arguments: Arguments) -> Value:
    """The value of a parameter."""
    return scope.parameter(arguments.string(0))


@scoped("variables", 1)
def variables(scope: Scope, arguments: Arguments) -> Value:
    """The value of a variable."""
    return scope.variable(arguments.string(0))


@scoped("copyIndex", 0, 2)
def copy_index(scope: Scope, arguments: Arguments) -> int:
    """How often a loop has gone round, from 0, or from the offset."""
    named = len(arguments) > 0 and isinstance(arguments.values[0], str)
    if len(arguments) == 2 and not named:
        raise arguments.wrong_type(0, "String")
    offset = arguments.integer(len(arguments) - 1) if len(arguments) > named else 0
    return scope.copy_index(arguments.string(0) if named else None) + offset


@scoped("lambdaVariables", 1)
def lambda_variables(scope: Scope, arguments: Arguments) -> Value:
    """The value of a lambda's variable."""
    return scope.lambda_variable(arguments.string(0))


@scoped("reference", 1, 3)
def reference(scope: Scope, arguments: Arguments) -> Value:
    """What a resource is once it is deployed: its properties or, with 'Full', all of it."""
    runtime = scope.at_runtime("reference")
    full = len(arguments) == 3 and arguments.string(2).lower() == "full"
    if len(arguments) == 3 and not full:
        raise arguments.refused(f"the third argument must be 'Full', not '{arguments.string(2)}'")
    version = arguments.string(1) if len(arguments) > 1 else ""
    return runtime.reference(scope, arguments.string(0), version, full=full)
