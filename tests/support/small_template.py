"""The small template as its users had it in 2021 (`tests/small_template`), and what a user changes to move over."""

from __future__ import annotations

import shutil
from pathlib import Path

REPOSITORY = Path(__file__).parents[1] / "small_template" / "repository"

OWNER = ("uses: Azure/aml-", "uses: org/actions/aml-")
"""The one change that the new actions ask for."""

PINS = {
    "python=3.8.12": "python=3.11",
    "azureml-sdk==1.37.0": "azureml-sdk==1.62.0",
    "azureml-defaults==1.37.0": "azureml-defaults==1.62.0",
    "scikit-learn==1.0.2": "scikit-learn==1.5.2",
}
"""Python 3.8 is out of support, and what was pinned for it has no wheels for a later one."""


def copy(target: Path) -> None:
    """Give somebody their copy of the template."""
    shutil.copytree(REPOSITORY, target)


def move_over(root: Path) -> None:
    """Make all the changes that a user makes, and no other."""
    _replace(root / ".github" / "workflows" / "train_deploy.yml", dict([OWNER]))
    for name in ("train", "deploy"):
        _replace(root / "code" / name / "environment.yml", PINS)


def files(root: Path) -> dict[str, list[str]]:
    """Give the lines of every file by its path, without what git keeps."""
    found = (path for path in root.rglob("*") if path.is_file() and ".git" not in path.relative_to(root).parts)
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8").splitlines() for path in found}


def train_environment() -> str:
    """Give the conda file of the training, moved over: an environment with SDK v1 that tests share, for it is big."""
    text = (REPOSITORY / "code" / "train" / "environment.yml").read_text(encoding="utf-8")
    return _replaced(text, PINS)


def _replace(path: Path, changes: dict[str, str]) -> None:
    path.write_text(_replaced(path.read_text(encoding="utf-8"), changes), encoding="utf-8")


def _replaced(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        text = text.replace(old, new)
    return text
