"""The functions of the template language, by subject. Importing this registers all of them (azure-infra, 2.2)."""

from __future__ import annotations

from aml_emulator.arm.template.functions import (
    arrays,
    dates,
    encoding,
    hashing,
    lambdas,
    logic,
    network,
    numbers,
    objects,
    resources,
    sequences,
    strings,
)
from aml_emulator.arm.template.functions.registry import FUNCTIONS, Arguments, Function, Lambda, checked

__all__ = [
    "FUNCTIONS",
    "Arguments",
    "Function",
    "Lambda",
    "arrays",
    "checked",
    "dates",
    "encoding",
    "hashing",
    "lambdas",
    "logic",
    "network",
    "numbers",
    "objects",
    "resources",
    "sequences",
    "strings",
]
