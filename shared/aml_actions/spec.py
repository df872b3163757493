"""How an action is declared: once, in typed Python, from which validation, schemas, tables and action.yml come."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo

from aml_actions.findings import Findings

if TYPE_CHECKING:
    from aml_actions.migration.changes import Migration, MigrationSource


@dataclass(frozen=True)
class Input:
    """An input of an action, under the name that stands in a workflow file.

    Attributes:
        name: legacy spelling, such as ``parameters_file``.
        description: what it means, with an example; Markdown, may have several lines.
        required: a missing or empty value is an error.
        default: used when the input is not given or empty.
    """

    name: str
    description: str
    required: bool = False
    default: str = ""


@dataclass(frozen=True)
class Output:
    """An output of an action.

    Attributes:
        name: as in ``steps.<id>.outputs.<name>``.
        description: meaning and format.
        when: the condition under which it is set.
    """

    name: str
    description: str
    when: str = "always"


@dataclass(frozen=True)
class Secret:
    """An environment variable that holds a secret and that the action reads when it is set.

    Attributes:
        name: of the variable.
        description: what it is for.
        masked: False for one of the legacy actions' variables that hold words such as ``function``, which a log must keep.
    """

    name: str
    description: str
    masked: bool = True


@dataclass(frozen=True)
class Permission:
    """An Azure role that the principal of the step needs.

    Attributes:
        role: name of a built-in role.
        scope: on what it is assigned.
        why: what the action does with it, and when it is not needed.
    """

    role: str
    scope: str
    why: str


class FreeText:
    """Marks a field that people only read: a placeholder that was left in it harms nothing."""


class Parameters(BaseModel):
    """Base of the models of parameters files.

    Strict: ``true`` is no integer, ``1.0`` is one, ``null`` and unknown keys are errors. What a file may hold beyond that, with a
    warning each, is settled before (`parameters`). A ``$schema`` key is accepted and ignored; editors complete the file through it.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _ignore_schema_reference(cls, data: Any) -> Any:  # noqa: ANN401 - anything that JSON can hold
        return {key: value for key, value in data.items() if key != "$schema"} if isinstance(data, dict) else data

    @field_validator("*", mode="before")
    @classmethod
    def _as_json_means_it(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 - as above
        field = cls.model_fields[str(info.field_name)]
        if value is None:
            raise PydanticCustomError("null_value", "null is not allowed; leave the key out to get its default")
        types = get_args(field.annotation) or (field.annotation,)
        if isinstance(value, float) and value.is_integer() and int in types and float not in types:
            return int(value)
        return value


class NoParameters(Parameters):
    """Of an action without a parameters file: everything is an input."""


@dataclass(frozen=True)
class CheckContext:
    """What a check without network may look at.

    Attributes:
        workspace: folder of the checked-out repository.
        parameters_file: path of the parameters file from there, for messages.
        secrets: the declared environment secrets that are set; none when a file is checked outside a step.
    """

    workspace: Path
    parameters_file: str
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class ActionSpec:
    """Everything that an action accepts, gives and needs.

    Attributes:
        name: folder and ``uses:`` name, such as ``aml-run``.
        title: display name of the action.
        description: one or two sentences.
        inputs: in the order of the documentation.
        outputs: the legacy names first; one JSON output ``result`` holds everything.
        parameters: the model of the parameters file.
        parameters_file: default name of that file under ``.cloud/.azure``; empty for an action that has none.
        parameters_file_required: the file must exist even under its default name.
        secrets: environment variables with secrets that the action reads.
        permissions: Azure roles.
        work: ``module:function`` that does the work, imported only when a step runs, so that a spec is cheap to read.
        check: ``module:function`` that judges the parameters and the files they point at, without network and credentials:
            ``(parameters, CheckContext) -> Findings``. It runs before every step and in ``python -m aml_actions validate``.
        migrate: ``module:function`` with the action's own part of ``python -m aml_actions migrate``: what of a repository that used
            its abandoned namesake becomes files of SDK v2, and what a person must decide: ``(MigrationSource) -> Migration``.
        several: the parameters file may hold a list of objects, each of which stands for one piece of work.
        variables: environment variables of the step, each with the expression of the workflow that is its value.
    """

    name: str
    title: str
    description: str
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    parameters: type[Parameters]
    parameters_file: str
    work: str
    parameters_file_required: bool = False
    secrets: tuple[Secret, ...] = ()
    permissions: tuple[Permission, ...] = ()
    check: str = ""
    migrate: str = ""
    several: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)

    def load_work(self) -> Callable[[Any], None]:
        """Import the function that does the work of a step."""
        loaded: Callable[[Any], None] = _imported(self.work)
        return loaded

    def run_check(self, parameters: Any, context: CheckContext) -> Findings:  # noqa: ANN401 - the action's own model
        """Return what the action's own check finds; nothing when it has none."""
        if not self.check:
            return Findings()
        check: Callable[[Any, CheckContext], Findings] = _imported(self.check)
        return check(parameters, context)

    def run_migrate(self, source: MigrationSource) -> Migration:
        """Return the action's own part of a migration; nothing when it has none."""
        from aml_actions.migration.changes import Migration

        if not self.migrate:
            return Migration()
        migrate: Callable[[MigrationSource], Migration] = _imported(self.migrate)
        return migrate(source)


def _imported(reference: str) -> Any:  # noqa: ANN401 - any function
    module, _, function = reference.partition(":")
    return getattr(importlib.import_module(module), function)


def azure_credentials_input() -> Input:
    """Return the input with the service principal; the same in every action."""
    return Input(
        name="azure_credentials",
        description=(
            "The service principal that signs in to Azure, as JSON with `clientId`, `clientSecret`,\n"
            "`subscriptionId` and `tenantId`: the output of\n"
            "`az ad sp create-for-rbac --name <name> --role contributor --scopes <resource group id> --json-auth`.\n"
            "Keep it in a secret of the repository and pass `secrets.AZURE_CREDENTIALS`.\n"
            "Without `clientSecret` the job's id token stands in for the secret (OpenID Connect): the job needs\n"
            "`permissions: id-token: write`, and the application a federated credential for the repository.\n"
            "The keys `resourceManagerEndpointUrl` and `activeDirectoryEndpointUrl` choose another cloud."
        ),
        required=True,
    )


def parameters_file_input(default: str) -> Input:
    """Return the input that names the parameters file; the same in every action but for its default."""
    return Input(
        name="parameters_file",
        description=(
            "The JSON or YAML file with the parameters of this action, relative to `.cloud/.azure/` in the repository.\n"
            "Sub-folders are allowed: `test/" + default + "`."
        ),
        default=default,
    )


def result_output(description: str) -> Output:
    """Return the output that holds everything as one JSON object; every action has it."""
    return Output(name="result", description=description + " One JSON object; read it with `fromJSON()`.")
