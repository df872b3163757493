"""Finding the actions: commands that span them name none."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from aml_actions.spec import ActionSpec


def find_actions() -> list[ActionSpec]:
    """Return the specs of the actions, in the order of their names.

    In this project they are entry points (group ``aml_actions.actions``). A published repository has none: there the folders
    beside ``shared`` hold them, as `bootstrap/launch.py` finds them too.
    """
    points = sorted(entry_points(group="aml_actions.actions"), key=lambda point: point.name)
    return [point.load() for point in points] or _beside()


def _beside() -> list[ActionSpec]:
    # Absolute, but not resolved: actions/shared is a link in this project, and the actions lie beside the link.
    root = Path(os.path.normpath(Path(__file__).absolute())).parents[2]
    specs = []
    for file in sorted(root.glob("*/*/spec.py")):
        folder, package = file.parents[1], file.parent.name
        if package == folder.name.replace("-", "_") and (folder / "action.yml").is_file():
            sys.path.insert(0, str(folder))
            specs.append(import_module(f"{package}.spec").ACTION)
    return specs
