"""The cores and the memory that a service needs, and the size of virtual machine that has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aml_actions.errors import ActionError
from aml_deploy.service_parameters import ServiceParameters

DEFAULT_CPU_CORES = 0.1
DEFAULT_MEMORY_GB = 0.5

SIZES = (
    (1, 1.2, "Standard_DS1_v2"),
    (2, 1.7, "Standard_F2s_v2"),
    (2, 4.7, "Standard_DS2_v2"),
    (2, 13.7, "Standard_E2s_v3"),
    (4, 5.7, "Standard_F4s_v2"),
    (4, 11.7, "Standard_DS3_v2"),
    (4, 16.0, "Standard_E4s_v3"),
)
"""Cores and GB that a container of Azure Container Instances had at most, and the size to move it to: Microsoft's table
for the migration of ACI web services to managed online endpoints."""


@dataclass(frozen=True)
class Size:
    """A size of virtual machine and where it comes from.

    Attributes:
        instance_type: such as ``Standard_DS3_v2``.
        reason: for the log, such as ``1 CPU, 2 GB``.
    """

    instance_type: str
    reason: str


def wanted_cores(parameters: ServiceParameters, model_properties: Mapping[str, str]) -> float:
    """Return the cores that the scoring code needs.

    Those of the parameters file, then those that the model was registered with (property ``cpu_cores``, written by
    aml-registermodel), then the default of SDK v1.
    """
    return _first(parameters.cpu_cores, model_properties.get("cpu_cores"), DEFAULT_CPU_CORES)


def wanted_memory(parameters: ServiceParameters, model_properties: Mapping[str, str]) -> float:
    """Return the GB of memory that the scoring code needs, found as `wanted_cores` (property ``memory_gb``)."""
    return _first(parameters.memory_gb, model_properties.get("memory_gb"), DEFAULT_MEMORY_GB)


def choose(parameters: ServiceParameters, model_properties: Mapping[str, str]) -> Size:
    """Return the size of machine for a deployment.

    `instance_type` wins over the cores and the memory that are wanted.

    Raises:
        ActionError: more is asked for than the table holds.
    """
    if parameters.instance_type:
        return Size(parameters.instance_type, "instance_type of the parameters file")
    cores, memory = wanted_cores(parameters, model_properties), wanted_memory(parameters, model_properties)
    for most_cores, most_memory, name in SIZES:
        if cores <= most_cores and memory <= most_memory:
            return Size(name, f"for cpu_cores {cores:g} and memory_gb {memory:g}")
    most_cores, most_memory, _ = SIZES[-1]
    raise ActionError(
        "No size of virtual machine is known for the cores and the memory asked for.",
        value=f"cpu_cores {cores:g}, memory_gb {memory:g}",
        allowed=f"up to {most_cores} cores and {most_memory:g} GB",
        key="cpu_cores" if cores > most_cores else "memory_gb",
        fix='Name the size yourself in the parameters file, for example "instance_type": "Standard_DS5_v2".',
    )


def _first(given: float | None, registered: str | None, default: float) -> float:
    if given is not None:
        return given
    try:
        value = float(registered or "")
    except ValueError:
        return default
    return value if value > 0 else default
