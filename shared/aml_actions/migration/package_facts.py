"""What is known of packages that old environment files pin: since when they exist for the versions of Python that are supported.

Source: PyPI release metadata (wheels for Linux on x86-64). It is a short list, of the packages that occur in the repositories this
command is for; nothing is asked of the network. What is not here is not judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PYTHON = (3, 11)
"""The version that replaces one that is past its end of life."""
OLDEST_PYTHON = (3, 9)
"""Older ones can no longer be relied on to be there."""
END_OF_LIFE = (3, 9)
"""The newest version that is past its end of life."""


@dataclass(frozen=True)
class Wheels:
    """A package with compiled code.

    Attributes:
        first: by version of Python, the first version of the package that has a wheel for it.
        numpy_2: the first version known to run with NumPy 2; below it, NumPy 1 has to be asked for. Empty where the package
            itself says which NumPy it takes, or uses none.
    """

    first: Mapping[tuple[int, int], str]
    numpy_2: str = ""


def _first(python_310: str, python_311: str, python_312: str) -> dict[tuple[int, int], str]:
    return {(3, 10): python_310, (3, 11): python_311, (3, 12): python_312}


WHEELS = {
    "numpy": Wheels(_first("1.21.2", "1.23.2", "1.26.0")),
    "scipy": Wheels(_first("1.7.2", "1.9.2", "1.11.2")),
    "scikit-learn": Wheels(_first("1.0.2", "1.1.3", "1.3.1"), numpy_2="1.4.2"),
    "pandas": Wheels(_first("1.3.3", "1.5.0", "2.1.1"), numpy_2="2.2.2"),
    "matplotlib": Wheels(_first("3.5.0", "3.6.0", "3.7.3"), numpy_2="3.9.0"),
    "onnx": Wheels(_first("1.12.0", "1.13.0", "1.16.0"), numpy_2="1.17.0"),
    "onnxruntime": Wheels(_first("1.12.0", "1.15.0", "1.17.0"), numpy_2="1.19.0"),
    "tensorflow": Wheels(_first("2.8.0", "2.12.0", "2.16.1")),
    "torch": Wheels(_first("1.11.0", "1.13.0", "2.2.0"), numpy_2="2.3.0"),
}

HINTS = {
    "joblib": "it has no compiled code and can be installed; a model is to be unpickled with the version that pickled it",
    "keras": "it follows the version of TensorFlow: Keras 2.12 for TensorFlow 2.12",
    "xgboost": "its wheels are for every Python 3; whether this version runs on Python 3.11 is not known here",
    "lightgbm": "its wheels are for every Python 3; whether this version runs on Python 3.11 is not known here",
    "inference-schema": "it has no compiled code and can be installed; whether this version runs on Python 3.11 is not known here",
    "onnxmltools": "it has to fit the versions of onnx and of the library that it converts from",
    "skl2onnx": "it has to fit the versions of onnx and scikit-learn",
    "tensorflow-gpu": "the package is withdrawn; tensorflow itself uses a GPU",
    "azureml-mlflow": "an old version works with an old version of MLflow only",
    "azureml-monitoring": "it collects nothing on an endpoint of v2",
}
"""Packages whose pins are reported, not replaced, and why."""

SDK_V1 = {
    "azureml-core": "1.61",
    "azureml-sdk": "1.62",
    "azureml-defaults": "1.62",
}
"""The parts of SDK v1 that old files name, and the first version that is importable on Python 3.11 in an environment that is built
today: azureml-sdk 1.26 to 1.48 exclude that Python, azureml-sdk and azureml-defaults below 1.52 need a pyarrow that has no wheel for it,
and azureml-core before its last releases imports `pkg_resources`, which current versions of setuptools no longer have."""
SERVING_DEFAULTS = "1.52"
"""The first azureml-defaults that can be installed on Python 3.11; a deployment needs only the server that it brings."""
CORE = "azureml-core==1.61.*"
SERVER = "azureml-inference-server-http==1.5.*"
"""What SDK v1's packages become: `azureml.core` in scripts, and the server of a deployment."""
SERVER_NEEDS = {"inference-schema": "1.8"}
"""What that server asks for itself: a lower pin beside it cannot be installed."""

NUMPY_ALIASES = frozenset({"float", "int", "bool", "str", "object", "complex", "long", "unicode"})
"""Names that NumPy 1.24 removed (``bool`` and ``long`` are back in NumPy 2, with another meaning)."""
NUMPY_WITHOUT_ALIASES = "1.24"
SKLEARN_WITHOUT_JOBLIB = "0.23"
"""The version of scikit-learn that removed ``sklearn.externals.joblib``."""
