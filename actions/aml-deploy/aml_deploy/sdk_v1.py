"""The few names of SDK v1 that test files import, for as long as a test runs."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from aml_deploy.service import DeployedService, WebserviceException


@contextmanager
def importable() -> Iterator[None]:
    """Make ``from azureml.core import Webservice`` work within the block.

    The template's old test files start with it, for a type annotation. SDK v1 is not installed beside the SDK of today;
    where it is, its own modules are used. Anything else of SDK v1 fails to import, as it should.
    """
    try:
        installed = importlib.util.find_spec("azureml.core") is not None
    except ModuleNotFoundError:
        installed = False
    if installed:
        yield
        return
    modules = {
        "azureml": _module("azureml", is_package=True),
        "azureml.core": _module("azureml.core", is_package=True, Webservice=DeployedService),
        "azureml.core.webservice": _module(
            "azureml.core.webservice",
            Webservice=DeployedService,
            AciWebservice=DeployedService,
            AksWebservice=DeployedService,
        ),
        "azureml.exceptions": _module("azureml.exceptions", WebserviceException=WebserviceException),
    }
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module


def _module(name: str, *, is_package: bool = False, **content: object) -> ModuleType:
    module = ModuleType(name, "Stands in for SDK v1 while a test of aml-deploy runs.")
    if is_package:
        module.__path__ = []
    vars(module).update(content)
    return module
