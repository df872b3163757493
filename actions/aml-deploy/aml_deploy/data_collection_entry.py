"""The entry script of a deployment whose own one sends data to the collector of SDK v1, which no online endpoint has.

It gives the user's script an `azureml.monitoring` that collects nothing, and hands on what that script defines. aml-deploy
uploads this file beside the user's script, with its name filled in (`data_collection.stage`). Runs in the deployment's
environment, so it uses the standard library only, and nothing newer than Python 3.8.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

ENTRY_SCRIPT = ""
"""The user's script, in the same folder; filled in for the copy that is uploaded."""


class ModelDataCollector:
    """Takes what the collector of SDK v1 took, and keeps nothing."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Take any settings."""

    def collect(self, *args: object, **kwargs: object) -> None:
        """Keep nothing, and answer as a collector does that is not enabled."""

    def add_correlations(self, input_data: object, *args: object, **kwargs: object) -> object:
        """Return the data as it is."""
        return input_data


def stand_in() -> None:
    """Put the stand-in where `from azureml.monitoring import ModelDataCollector` finds it.

    The collector itself stays for a container that was made for it: one with the storage to collect to.
    """
    if os.environ.get("AML_MODEL_DC_STORAGE_ENABLED", "").lower() == "true":
        return
    sys.stderr.write("azureml.monitoring: online endpoints have no data collection of SDK v1; nothing is collected.\n")
    for name in ("azureml.monitoring", "azureml.monitoring.modeldatacollector"):
        module = ModuleType(name, "Stands in for the data collector of SDK v1: collects nothing.")
        vars(module)["ModelDataCollector"] = ModelDataCollector
        sys.modules[name] = module
    if importlib.util.find_spec("azureml") is None:
        package = ModuleType("azureml")
        package.__path__ = []
        sys.modules["azureml"] = package


def definitions() -> dict[str, object]:
    """Run the user's script and return what it defines: init(), run() and the rest."""
    path = Path(__file__).with_name(ENTRY_SCRIPT)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return {name: value for name, value in vars(module).items() if not name.startswith("__")}


if ENTRY_SCRIPT:
    stand_in()
    globals().update(definitions())
