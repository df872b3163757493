"""Reading a conda file as far as a deployment depends on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aml_actions.errors import ActionError

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


def read(path: Path) -> CondaFile:
    """Read a conda file.

    Raises:
        ActionError: it is not YAML, or not a conda environment.
    """
    import yaml

    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise ActionError(
            f"The conda file is not valid YAML{where}: {getattr(error, 'problem', None) or 'cannot be read'}.",
            fix="Check the indentation and the colons of that line.",
        ) from None
    except UnicodeDecodeError as error:
        raise ActionError(f"The conda file is not text in UTF-8 ({error.reason}).") from None
    dependencies = content.get("dependencies") if isinstance(content, dict) else None
    if not isinstance(dependencies, list):
        raise ActionError(
            "The conda file is not a conda environment: it has no list `dependencies`.",
            allowed="dependencies: [python=3.11, pip, {pip: [azureml-inference-server-http, ...]}]",
        )
    specifications = [text for text in _flat(dependencies) if text]
    pythons = (re.match(r"python\s*[=><~]+\s*(\d+)\.(\d+)", text) for text in specifications)
    versions = [(int(found[1]), int(found[2])) for found in pythons if found]
    return CondaFile(frozenset(_name(text) for text in specifications), versions[0] if versions else None)


def warnings(found: CondaFile, shown_path: str) -> list[str]:
    """Say what will keep a deployment from starting."""
    if found.packages & SERVERS:
        return []
    return [
        f"{shown_path} holds neither azureml-inference-server-http nor azureml-defaults: without a server the deployment does "
        "not start, unless the base image has one in this environment. Add it under pip: - azureml-inference-server-http"
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
