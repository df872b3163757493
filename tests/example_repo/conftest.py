"""The template as files, and its modules loaded as their users load them."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

TEMPLATE = Path(__file__).parents[2] / "example-repo"


@pytest.fixture
def template() -> Path:
    return TEMPLATE


@pytest.fixture
def load() -> Callable[[str], ModuleType]:
    """Load a Python file of the template by path, as the inference server and the deploy action do."""

    def load_file(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(Path(name).stem, TEMPLATE / name)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load_file
