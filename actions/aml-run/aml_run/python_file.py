"""The user's Python file: a function that is called with the workspace and returns the job."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from aml_actions import user_code
from aml_actions.azure_errors import explain
from aml_actions.errors import ActionError
from aml_actions.markdown import fence
from aml_actions.workflow import Workflow
from aml_actions.workspace import WorkspaceRef
from aml_run.definition import Definition
from aml_run.sdk_v1_modules import importable
from aml_run.sdk_v1_objects import WrongUseOfV1

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

ANCHOR = "docs/troubleshooting.md#python-file"
_MODULE = "aml_run_user_file"
"""Name of the user's module: its own may be one of the standard library's."""
_CLIENT_NAMES = ("ml_client", "client", "mlclient")
"""A first parameter of this name gets the client of SDK v2 instead of the workspace."""


class PythonWorkspace:
    """What the function is called with: the facts of the workspace under the names of SDK v1, and the client of SDK v2."""

    def __init__(self, ref: WorkspaceRef, client: MLClient) -> None:
        self.name = ref.name
        self.resource_group = ref.resource_group
        self.subscription_id = ref.subscription_id
        self.ml_client = client

    @cached_property
    def location(self) -> str:
        """The region; the service is asked once."""
        return str(self._found.location or "")

    def get_details(self) -> dict[str, Any]:
        """Return what the service says of the workspace, under the names of SDK v1."""
        found = self._found
        return {
            "id": found.id,
            "name": found.name,
            "location": found.location,
            "tags": dict(found.tags or {}),
            "description": found.description,
            "friendlyName": found.display_name,
            "storageAccount": found.storage_account,
            "keyVault": found.key_vault,
            "applicationInsights": found.application_insights,
            "containerRegistry": found.container_registry,
            "discoveryUrl": found.discovery_url,
        }

    @cached_property
    def _found(self) -> Any:  # noqa: ANN401 - azure.ai.ml.entities.Workspace
        return self.ml_client.workspaces.get(self.name)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        raise WrongUseOfV1(
            f"`workspace.{name}` belongs to SDK v1 (azureml-core).",
            "The workspace here has name, resource_group, subscription_id, location, get_details() and ml_client, the client of "
            "SDK v2: `workspace.ml_client.compute`, `.data`, `.environments`, `.datastores`, ...",
        )

    def __repr__(self) -> str:
        return f"Workspace(name={self.name!r}, resource_group={self.resource_group!r}, subscription_id={self.subscription_id!r})"


def call(
    chosen: Definition,
    function: str,
    workspace: PythonWorkspace,
    root: Path,
    packages: Path | None,
    workflow: Workflow,
) -> Any:  # noqa: ANN401 - what the user's function returns
    """Load the file, call its function and return what it returned. It runs in this process, in the folder of the repository.

    Args:
        chosen: of kind ``python``.
        function: its name.
        workspace: what it is called with.
        root: folder of the repository.
        packages: folder with the packages of ``python_requirements``, or None.
        workflow: hears what the file prints.

    Raises:
        ActionError: the file or its function failed; with the place in the user's code.

    """
    root = root.resolve()
    whose = _v1_workspace(workspace)
    # The file's own folder comes last: a name in it, such as `logging.py`, must not take the place of a module that all import.
    last = [folder for folder in (packages, chosen.file.parent) if folder is not None]
    with (
        workflow.group(f"{function}() of {chosen.name}"),
        user_code.heard(workflow),
        _explained(chosen, root),
        importable(whose, root),
        user_code.at_home(root, last),
    ):
        try:
            module = user_code.load(chosen.file, _MODULE)
            return _call(_function(module, function, chosen), workspace, chosen)
        finally:
            sys.modules.pop(_MODULE, None)


def _v1_workspace(workspace: PythonWorkspace) -> type:
    """Return the class that a file imports as ``Workspace``: for annotations, and for ``Workspace.from_config()``."""

    class Workspace(PythonWorkspace):
        """Stands in for ``azureml.core.Workspace``: every way to get one leads to the workspace of this step."""

        def __new__(cls, *arguments: object, **named: object) -> Any:  # noqa: ANN401 - not an instance of this class
            return workspace

        @classmethod
        def from_config(cls, *arguments: object, **named: object) -> PythonWorkspace:
            """Return the workspace of this step."""
            return workspace

    return Workspace


def _function(module: Any, name: str, chosen: Definition) -> Callable[..., Any]:  # noqa: ANN401 - a module
    found = getattr(module, name, None)
    if callable(found):
        return found  # type: ignore[no-any-return]
    others = [one for one, value in vars(module).items() if inspect.isfunction(value) and value.__module__ == _MODULE]
    raise ActionError(
        f"{chosen.name} has no function {name}.",
        value=f"it has {', '.join(others)}" if others else "it has no function",
        fix="name the function with runconfig_python_function_name",
        anchor=ANCHOR,
        file=chosen.name,
    )


def _call(function: Callable[..., Any], workspace: PythonWorkspace, chosen: Definition) -> Any:  # noqa: ANN401 - its value
    try:
        wanted = [
            one
            for one in inspect.signature(function).parameters.values()
            if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD, one.VAR_POSITIONAL)
        ]
    except (TypeError, ValueError):
        return function(workspace)
    if not wanted:
        return function()
    required = [one.name for one in wanted if one.default is one.empty and one.kind is not one.VAR_POSITIONAL]
    if len(required) > 1:
        raise ActionError(
            f"The function {function.__name__} of {chosen.name} wants {len(required)} arguments.",
            value=", ".join(required),
            allowed="one: the workspace",
            fix="give the others default values",
            anchor=ANCHOR,
            file=chosen.name,
            line=getattr(getattr(function, "__code__", None), "co_firstlineno", None),
        )
    return function(workspace.ml_client if _wants_client(wanted[0]) else workspace)


def _wants_client(parameter: inspect.Parameter) -> bool:
    annotation = parameter.annotation
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return parameter.name.lower() in _CLIENT_NAMES or text.rsplit(".", 1)[-1] == "MLClient"


@contextmanager
def _explained(chosen: Definition, root: Path) -> Iterator[None]:
    """Turn what the user's code raises into one clear error at its place."""
    try:
        yield
    except ActionError as error:
        if error.file is None and (found := user_code.origin(error, root)).file:
            error.file, error.line = found.file, found.line
        raise
    except (Exception, SystemExit) as error:
        raise _failure(chosen, error, root) from error


def _failure(chosen: Definition, error: BaseException, root: Path) -> ActionError:
    found = user_code.origin(error, root)
    value = f"{found.file}, line {found.line}: {found.code}" if found.file else None
    place: dict[str, Any] = {"anchor": ANCHOR, "file": found.file or chosen.name, "line": found.line}
    if isinstance(error, WrongUseOfV1):
        return ActionError(
            f"{chosen.name}: {error.what}",
            value=value,
            cause="the file imports azureml-core (SDK v1), whose support has ended; this step works with SDK v2, and takes of SDK v1 "
            "only what describes a script run",
            fix=error.fix,
            **place,
        )
    cause, fix = None, None
    if isinstance(error, ModuleNotFoundError):
        cause = (
            "the file runs in the environment of this step, which has SDK v2 (azure-ai-ml) and PyYAML, not the packages of the "
            "repository"
        )
        fix = f"name a requirements file that has the package of `{error.name}` with python_requirements in the parameters file"
    elif isinstance(error, SystemExit):
        found_text = f"it ended the process with exit code {error.code}"
        return ActionError(
            f"{chosen.name} returned no job: {found_text}.",
            value=value,
            fix="return the job from the function",
            details=fence(found.trace),
            **place,
        )
    elif (known := explain(error)) is not None:
        cause, fix = str(known), known.fix
    return ActionError(
        f"{chosen.name} failed: {found.text}",
        value=value,
        cause=cause,
        fix=fix,
        details=fence(found.trace),
        **place,
    )
