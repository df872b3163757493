"""What the container of a Kubernetes deployment asks for and may use: amounts as Kubernetes writes them, and their rules.

The rules are those of "Resource section validation" in Microsoft's page on instance types of Kubernetes computes. Nothing on this
machine is reserved or limited by them.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aml_emulator.ml.scope import refused

if TYPE_CHECKING:
    from aml_emulator.resources import Body

_QUANTITY = re.compile(r"(?P<number>\d+(?:\.\d+)?|\.\d+)(?P<unit>m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?")
_UNITS = {"m": Decimal("0.001"), "": Decimal(1)}
_UNITS |= {name: Decimal(1000) ** power for power, name in enumerate(("k", "M", "G", "T", "P", "E"), 1)}
_UNITS |= {f"{name}i": Decimal(1024) ** power for power, name in enumerate(("K", "M", "G", "T", "P", "E"), 1)}
_GPU = "nvidia.com/gpu"


def settled(wanted: Body | None, instance_type: Body | None) -> Body:
    """The `containerResourceRequirements` of a deployment, those of its instance type where it names none.

    Args:
        wanted: what the request says; None for nothing.
        instance_type: `resources` of the instance type; None when the cluster has it and the workspace does not know it.

    Raises:
        ServiceError: an amount is none or zero, a request is missing or above its limit, a limit is above that of the instance type.

    """
    requests = (wanted or {}).get("containerResourceRequests")
    limits = (wanted or {}).get("containerResourceLimits")
    if not requests and not limits:
        known = instance_type or {}
        return {
            "containerResourceRequests": _of_type(known.get("requests") or {}),
            "containerResourceLimits": _of_type(known.get("limits") or {}),
        }
    asked, allowed = _amounts("requests", requests or {}), _amounts("limits", limits or {})
    for name in ("cpu", "memory"):
        if name not in asked:
            raise _invalid(f"resources.requests.{name} is missing; a deployment with 'resources' needs it.")
    for name, amount in asked.items():
        if name in allowed and amount > allowed[name]:
            raise _invalid(
                f"resources.requests.{name} is {(requests or {})[name]}, more than resources.limits.{name}, {(limits or {})[name]}."
            )
    if asked.get("gpu", Decimal(0)) != allowed.get("gpu", Decimal(0)) and "gpu" in asked:
        raise _invalid("resources.requests.gpu needs the same resources.limits.gpu: a GPU is not shared.")
    _check_type(allowed, limits or {}, (instance_type or {}).get("limits") if instance_type else None)
    return {"containerResourceRequests": requests, "containerResourceLimits": limits}


def _of_type(resources: Body) -> Body:
    return {"cpu": resources.get("cpu"), "memory": resources.get("memory"), "gpu": resources.get(_GPU)}


def _amounts(section: str, given: Body) -> dict[str, Decimal]:
    found = {}
    for name in ("cpu", "memory", "gpu"):
        value = given.get(name)
        if value is None:
            continue
        amount = _amount(value)
        whole = name != "gpu" or (amount is not None and amount == int(amount))
        if amount is None or not whole or (amount == 0 and name != "gpu"):
            example = {"cpu": "100m or 0.5", "memory": "512Mi or 2Gi", "gpu": "1"}[name]
            raise _invalid(f"resources.{section}.{name} is '{value}'; it must be an amount above 0 such as {example}.")
        found[name] = amount
    return found


def _amount(value: Any) -> Decimal | None:  # noqa: ANN401 - what JSON gave
    match = _QUANTITY.fullmatch(str(value))
    return Decimal(match["number"]) * _UNITS[match["unit"] or ""] if match else None


def _check_type(allowed: dict[str, Decimal], limits: Body, type_limits: Body | None) -> None:
    """Hold limits against those of the instance type, as far as they are known."""
    if type_limits is None:
        return
    most = _of_type(type_limits)
    for name, amount in allowed.items():
        limit = _amount(most[name]) if most[name] is not None else Decimal(0) if name == "gpu" else None
        if limit is not None and amount > limit:
            raise _invalid(
                f"resources.limits.{name} is {limits[name]}, more than the instance type allows ({most[name] or 0}). Name an instance type"
                " of the cluster that allows more."
            )


def _invalid(message: str) -> Exception:
    return refused(message, "BadArgument", "ArgumentInvalid", "InvalidDeploymentSpec", target="resources")
