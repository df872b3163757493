"""``CondaDependencies`` of SDK v1: a conda file that a user's Python file puts together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aml_run import yaml_text

DEFAULT_PYTHON = "3.11"
"""Python of an environment that names none; SDK v1 took its own, which no longer exists."""


class CondaDependencies:
    """The content of a conda file."""

    def __init__(self, conda_dependencies_file_path: str | None = None) -> None:
        content: Any = None
        if conda_dependencies_file_path is not None:
            content = yaml_text.load(Path(conda_dependencies_file_path), str(conda_dependencies_file_path))
        self._channels: list[str] = list((content or {}).get("channels") or [])
        found = (content or {"dependencies": [f"python={DEFAULT_PYTHON}"]}).get("dependencies") or []
        self._conda = [str(one) for one in found if not isinstance(one, dict)]
        self._pip = [str(one) for item in found if isinstance(item, dict) for one in item.get("pip") or []]
        if content is None:
            self._pip = ["azureml-defaults"]

    @staticmethod
    def create(
        pip_indexurl: str | None = None,
        pip_packages: list[str] | None = None,
        conda_packages: list[str] | None = None,
        python_version: str = DEFAULT_PYTHON,
        pin_sdk_version: bool = True,
    ) -> CondaDependencies:
        """Return dependencies; without `pip_packages` it is ``azureml-defaults``, as in SDK v1."""
        made = CondaDependencies()
        made.set_python_version(python_version)
        if pip_packages is not None:
            made._pip = list(pip_packages)
        for package in conda_packages or []:
            made.add_conda_package(package)
        if pip_indexurl:
            made.set_pip_option(f"--index-url {pip_indexurl}")
        return made

    def set_python_version(self, version: str) -> None:
        """Replace the version of Python."""
        others = [one for one in self._conda if not one.replace(" ", "").startswith(("python=", "python>", "python<"))]
        self._conda = [f"python={version}", *(one for one in others if one != "python")]

    def add_channel(self, channel: str) -> None:
        """Add a conda channel."""
        _add(self._channels, channel)

    def add_conda_package(self, conda_package: str) -> None:
        """Add a conda package."""
        _add(self._conda, conda_package)

    def add_pip_package(self, pip_package: str) -> None:
        """Add a pip package."""
        _add(self._pip, pip_package)

    def set_pip_option(self, pip_option: str) -> None:
        """Add a line with an option of pip."""
        _add(self._pip, pip_option)

    def document(self) -> dict[str, Any]:
        """Return the content of the conda file."""
        dependencies: list[Any] = list(self._conda)
        if self._pip:
            dependencies += [*([] if "pip" in self._conda else ["pip"]), {"pip": list(self._pip)}]
        channels = {"channels": list(self._channels)} if self._channels else {}
        return {**channels, "dependencies": dependencies}


def _add(items: list[str], item: str) -> None:
    if item not in items:
        items.append(item)
