"""``import azureml...`` while a user's Python file is at work, though SDK v1 is not installed.

The names that describe a script run lead to the classes of `sdk_v1_objects`. Every other name can be imported too, since old
files import more than they use; its first use is an error that says what takes its place in SDK v2.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, NoReturn

from aml_run import sdk_v1_objects as objects
from aml_run.sdk_v1_conda import CondaDependencies

_SUPPORTED: dict[str, Any] = {
    "ScriptRunConfig": objects.ScriptRunConfig,
    "RunConfiguration": objects.RunConfiguration,
    "Environment": objects.Environment,
    "CondaDependencies": CondaDependencies,
    "ComputeTarget": objects.ComputeTarget,
    "AmlCompute": objects.ComputeTarget,
    "DockerConfiguration": objects.DockerConfiguration,
    "MpiConfiguration": objects.MpiConfiguration,
    "PyTorchConfiguration": objects.PyTorchConfiguration,
    "TensorflowConfiguration": objects.TensorflowConfiguration,
    "DEFAULT_CPU_IMAGE": objects.DEFAULT_CPU_IMAGE,
}
"""Classes of SDK v1 by their names, which are unique in all of its modules."""

_ESTIMATOR = (
    "return `ScriptRunConfig(source_directory=..., script=..., arguments=[...], compute_target=..., environment=...)` of "
    "azureml.core, or `azure.ai.ml.command(code=..., command=..., environment=..., compute=...)` of SDK v2"
)
_PIPELINE = "write the pipeline with `@dsl.pipeline` of azure.ai.ml, its steps as `command(...)` components"
_DATA = 'use `azure.ai.ml.Input(type="uri_folder", path="azureml:<name>@latest")` as an input of a v2 job'
_INSTEAD: dict[str, str] = {
    **dict.fromkeys(("Estimator", "TensorFlow", "PyTorch", "SKLearn", "Chainer", "MMLBase"), _ESTIMATOR),
    "HyperDriveConfig": "use `azure.ai.ml.command(...)`, then its `.sweep(sampling_algorithm=..., primary_metric=..., goal=...)`",
    "AutoMLConfig": "use `azure.ai.ml.automl.classification(...)`, `.regression(...)` or `.forecasting(...)`",
    **dict.fromkeys(
        ("Pipeline", "PythonScriptStep", "EstimatorStep", "HyperDriveStep", "PipelineData", "StepSequence"), _PIPELINE
    ),
    "OutputFileDatasetConfig": 'use `azure.ai.ml.Output(type="uri_folder")` as an output of a v2 job',
    **dict.fromkeys(("Dataset", "Datastore", "DataReference", "DataPath"), _DATA),
    "Model": "use `ml_client.models` of SDK v2; the function gets the client as `workspace.ml_client`",
    "DEFAULT_GPU_IMAGE": "write the name of the image, such as mcr.microsoft.com/azureml/openmpi4.1.0-cuda11.8-cudnn8-ubuntu22.04",
    "Experiment": "return the job from the function; the step submits it, and `experiment_name` names the experiment",
    "Run": "return the job from the function; what a script logs is logged in the script, with MLflow",
}
"""What takes the place of a class of SDK v1."""
_OTHERWISE = "write it with SDK v2 (azure.ai.ml); the function gets its client as `workspace.ml_client`"


class _NotHere:
    """A name of SDK v1 without a stand-in: it can be imported, not used."""

    def __init__(self, full_name: str) -> None:
        self._full_name = full_name

    def _refuse(self) -> NoReturn:
        name = self._full_name.rsplit(".", 1)[-1]
        raise objects.WrongUseOfV1(
            f"{self._full_name} belongs to SDK v1 (azureml-core).", _sentence(_INSTEAD.get(name, _OTHERWISE))
        )

    def __call__(self, *arguments: object, **named: object) -> NoReturn:
        self._refuse()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - never returns
        if name.startswith("_"):
            raise AttributeError(name)
        self._refuse()

    def __mro_entries__(self, bases: tuple[object, ...]) -> NoReturn:
        self._refuse()

    def __instancecheck__(self, instance: object) -> bool:
        return False


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


class _Finder(MetaPathFinder, Loader):
    """Finds every module of SDK v1 for the files of one folder.

    Libraries look for parts of it too, to do without when they are missing (azure-ai-ml for ``azureml.mlflow``): for them it
    stays missing.
    """

    def __init__(self, names: Mapping[str, Any], root: Path) -> None:
        self._names = names
        self._root = str(root)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the module for a name of the package."""
        if fullname.split(".")[0] != "azureml" or not self._is_wanted_by_the_user():
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def _is_wanted_by_the_user(self) -> bool:
        frame: FrameType | None = sys._getframe(2)
        while frame is not None and frame.f_code.co_filename.startswith("<frozen importlib"):
            frame = frame.f_back
        file = frame.f_code.co_filename if frame is not None else ""
        return Path(file).is_relative_to(self._root) and "site-packages" not in file

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return an empty module; its names appear when they are asked for."""
        return ModuleType(spec.name, "Stands in for SDK v1 while a Python file of aml-run is at work.")

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its names."""

        def name_of_module(name: str) -> Any:  # noqa: ANN401 - a class, or what stands for it
            if name.startswith("__") or name.islower():
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            if name in self._names:
                return self._names[name]
            if name.endswith(("Exception", "Error")):
                # It stands in an `except` clause: a class that nothing raises.
                return type(name, (Exception,), {"__module__": module.__name__})
            return _NotHere(f"{module.__name__}.{name}")

        vars(module)["__getattr__"] = name_of_module


@contextmanager
def importable(workspace: type, root: Path) -> Iterator[None]:
    """Make SDK v1 importable within the block. What is installed of the package ``azureml`` is found before.

    Args:
        workspace: the class that takes the place of ``azureml.core.Workspace``.
        root: folder of the user's files.
    """
    finder = _Finder({**_SUPPORTED, "Workspace": workspace}, root)
    sys.meta_path.append(finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name, module in sys.modules.items() if getattr(module, "__loader__", None) is finder]:
            del sys.modules[name]
