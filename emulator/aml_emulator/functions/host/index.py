"""Finding an app's functions: its script is imported once, and what its decorators say is read once."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import sys
import traceback
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import settings
from .templates import Template, TemplateError

HTTP, EVENT_GRID = "httptrigger", "eventgridtrigger"
PACKAGES = Path(".python_packages/lib/site-packages")
"""Where a package that was built elsewhere has its dependencies."""


class LoadError(Exception):
    """The app cannot be loaded; the message says why."""


@dataclass(frozen=True)
class Function:
    """One function.

    Attributes:
        name: its name.
        call: the user's function.
        bindings: what its decorators say, the trigger first.
        parameter: the parameter that the trigger's value goes to.
        wants_context: whether it has a parameter `context`.
        template: route of an HTTP function.
        refusal: why it cannot be called here; empty when it can.
        disabled: whether a setting switches it off.

    """

    name: str
    call: Callable[..., Any]
    bindings: list[dict[str, Any]] = field(repr=False)
    parameter: str
    wants_context: bool
    template: Template | None = None
    refusal: str = ""
    disabled: bool = False

    @property
    def trigger(self) -> str:
        """Type of its trigger, in lower case."""
        return str(self.bindings[0]["type"]).lower()

    @property
    def level(self) -> str:
        """Who may call an HTTP function: anonymous, function or admin."""
        return str(self.bindings[0].get("authLevel") or "function").lower()

    @property
    def methods(self) -> list[str]:
        """Methods that an HTTP function takes; empty for all."""
        return [str(method).upper() for method in self.bindings[0].get("methods") or []]

    def described(self, options: settings.HostSettings) -> dict[str, Any]:
        """What the host tells others about it; `address` is the path of an HTTP function."""
        prefix = f"/{options.route_prefix}" if options.route_prefix else ""
        return {
            "name": self.name,
            "scriptFile": options.script,
            "bindings": self.bindings,
            "isDisabled": self.disabled,
            "address": f"{prefix}/{self.template.text}" if self.template else None,
            "refusal": self.refusal,
        }


def load(package: Path, options: settings.HostSettings, environment: Mapping[str, str]) -> dict[str, Function]:
    """The functions of a package by their names in lower case.

    Raises:
        LoadError: there is no app in it, or it fails.

    """
    sys.path[:0] = [str(package), *([str(package / PACKAGES)] if (package / PACKAGES).is_dir() else [])]
    if importlib.util.find_spec("azure") is None or importlib.util.find_spec("azure.functions") is None:
        raise LoadError(
            "azure-functions is not installed. Name it in requirements.txt and publish with RemoteBuild=true, or bring it in"
            f" {PACKAGES} of the package."
        )
    import azure.functions as func

    if not (package / options.script).is_file():
        raise LoadError(
            f"The package has no {options.script} at its root. Functions of the v2 programming model are expected."
        )
    try:
        module = importlib.import_module(Path(options.script).stem)
    except BaseException as error:
        raise LoadError(f"{options.script} cannot be loaded.\n{_traceback(error, package)}") from None
    apps = {id(value): value for value in vars(module).values() if isinstance(value, func.FunctionRegister)}
    if not apps:
        raise LoadError(f"Could not find top level function app instances in {options.script}.")
    if len(apps) > 1:
        raise LoadError("More than one FunctionApp or other top level function app instances are defined.")
    try:
        (found,) = [app.get_functions() for app in apps.values()]
    except ValueError as error:
        raise LoadError(str(error)) from None
    functions = [_function(one, environment) for one in found]
    return {one.name.lower(): one for one in functions}


def _function(found: Any, environment: Mapping[str, str]) -> Function:  # noqa: ANN401 - the library's Function, of several versions
    name = str(found.get_function_name())
    if found.get_trigger() is None:
        raise LoadError(f"The function {name} has no trigger.")
    bindings: list[dict[str, Any]] = json.loads(found.get_function_json())["bindings"]
    bindings.sort(key=lambda one: not str(one["type"]).lower().endswith("trigger"))
    call = found.get_user_function()
    parameters = inspect.signature(call).parameters
    _check_parameters(name, set(parameters), {str(one["name"]) for one in bindings} - {"$return"})
    trigger = bindings[0]
    kind = str(trigger["type"]).lower()
    template = None
    if kind == HTTP:
        try:
            template = Template(str(trigger.get("route") or name))
        except TemplateError as error:
            raise LoadError(f"The function {name}: {error}") from None
    return Function(
        name,
        call,
        bindings,
        str(trigger["name"]),
        "context" in parameters,
        template=template,
        refusal=_refusal(name, bindings) or _wrong_type(name, kind, _annotations(call).get(str(trigger["name"]))),
        disabled=settings.disabled(name, environment),
    )


def _check_parameters(name: str, declared: set[str], bound: set[str]) -> None:
    """The rules of the Python worker, in its words."""
    if only_python := declared - bound - {"context"}:
        raise LoadError(
            f"cannot load the {name} function: the following parameters are declared in Python but not in the function"
            f" definition (function.json or function decorators): {sorted(only_python)}"
        )
    if only_bound := bound - declared:
        raise LoadError(
            f"cannot load the {name} function: the following parameters are declared in the function definition"
            f" (function.json or function decorators) but not in Python: {sorted(only_bound)}"
        )


def _refusal(name: str, bindings: list[dict[str, Any]]) -> str:
    kind = str(bindings[0]["type"])
    if kind.lower() not in (HTTP, EVENT_GRID):
        return f"The emulator does not do this: start the function {name} by a {kind}. It knows httpTrigger and eventGridTrigger."
    for one in bindings[1:]:
        if not (kind.lower() == HTTP and str(one["type"]).lower() == "http" and one["name"] == "$return"):
            return f"The emulator does not do this: the binding '{one['name']}' of type {one['type']} of the function {name}."
    return ""


def _annotations(call: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(call)
    except Exception:  # names that exist for a type checker only
        return {}


def _wrong_type(name: str, kind: str, annotation: object) -> str:
    """What the library's converter does not take as the type of a trigger's parameter."""
    from azure.functions.eventgrid import EventGridEventInConverter
    from azure.functions.http import HttpRequestConverter

    if not isinstance(annotation, type):
        return ""
    converter = {HTTP: HttpRequestConverter, EVENT_GRID: EventGridEventInConverter}.get(kind)
    if converter is None or converter.check_input_type_annotation(annotation):
        return ""
    return f"cannot load the {name} function: type of the trigger's parameter is {annotation.__name__}, which a {kind} does not give."


def _traceback(error: BaseException, package: Path) -> str:
    """The part of a traceback that is about the app."""
    frames = traceback.extract_tb(error.__traceback__)
    own = next((number for number, frame in enumerate(frames) if frame.filename.startswith(str(package))), 0)
    lines = [*traceback.format_list(frames[own:]), *traceback.format_exception_only(type(error), error)]
    return "".join(lines).strip()
