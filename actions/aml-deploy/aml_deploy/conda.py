"""Reading a conda file as far as a deployment depends on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aml_actions import yaml_reader
from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.text_files import read_text

SERVERS = frozenset({"azureml-inference-server-http", "azureml-defaults"})
"""Packages that bring the server which runs the entry script; azureml-defaults depends on the first."""


@dataclass(frozen=True)
class CondaFile:
    """What a conda file asks for.

    Attributes:
        packages: names of the conda and pip packages, normalised as pip does (lower case, dashes).
        python: pinned or least version of Python as (major, minor), or None.
    """

    packages: frozenset[str]
    python: tuple[int, int] | None


def read(path: Path, name: str, findings: Findings | None = None) -> CondaFile:
    """Read a conda file.

    Args:
        path: the file.
        name: how the user calls it.
        findings: takes warnings about its encoding.

    Raises:
        ActionError: it is not text, not YAML, or not a conda environment.
    """
    content = yaml_reader.parse(read_text(path, name, findings), name).content
    dependencies = content.get("dependencies") if isinstance(content, dict) else None
    if not isinstance(dependencies, list):
        raise ActionError(
            f"{name} is not a conda environment: it has no list `dependencies`.",
            allowed="dependencies: [python=3.11, pip, {pip: [azureml-inference-server-http, ...]}]",
            file=name,
        )
    specifications = [text for text in _flat(dependencies) if text]
    pythons = (re.match(r"python\s*[=><~]+\s*(\d+)\.(\d+)", text) for text in specifications)
    versions = [(int(found[1]), int(found[2])) for found in pythons if found]
    return CondaFile(frozenset(_name(text) for text in specifications), versions[0] if versions else None)


def warnings(found: CondaFile, name: str) -> list[ActionError]:
    """Say what will keep a deployment from starting."""
    if found.packages & SERVERS:
        return []
    return [
        ActionError(
            f"{name} holds neither azureml-inference-server-http nor azureml-defaults: without a server the deployment does not "
            "start, unless the base image has one in this environment.",
            fix="add it under pip: - azureml-inference-server-http",
            file=name,
        )
    ]


def _flat(dependencies: list[Any]) -> list[str]:
    """Return the specifications of conda and of pip packages in one list."""
    texts: list[str] = []
    for dependency in dependencies:
        if isinstance(dependency, str):
            texts.append(dependency.strip())
        elif isinstance(dependency, dict) and isinstance(dependency.get("pip"), list):
            texts += [str(one).strip() for one in dependency["pip"]]
    return texts


def _name(specification: str) -> str:
    """Return the normalised name of a package in ``conda-forge::name=1.0``, ``name[extra]>=1``, ``name @ https://...``."""
    name = re.split(r"[\s=<>!~\[;@]", specification.rsplit("::", 1)[-1].strip(), maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()
