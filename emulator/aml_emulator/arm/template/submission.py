"""What a client hands in: template, parameters and mode, read from a request or from a deployment inside another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aml_emulator.arm.template import comments, document, evaluator
from aml_emulator.arm.template.errors import TemplateError
from aml_emulator.arm.template.parameters import SecretReader
from aml_emulator.arm.template.positions import Positions
from aml_emulator.arm.template.resources import is_outer
from aml_emulator.arm.template.values import get
from aml_emulator.http import Call, ServiceError, not_emulated, not_found

if TYPE_CHECKING:
    from aml_emulator.arm.template.resources import Planned
    from aml_emulator.arm.template.scope import Scope
    from aml_emulator.context import Emulator

Body = dict[str, Any]

_MODES = {"incremental": "Incremental", "complete": "Complete"}


@dataclass
class Submission:
    """A template with the values of its parameters. `outer` is a nested one that is evaluated with what is around it."""

    template: Body
    parameters: Any
    mode: str
    location: str = ""
    tags: Body = field(default_factory=dict)
    properties: Body = field(default_factory=dict)
    outer: bool = False
    positions: Positions | None = None

    @classmethod
    def read(cls, call: Call) -> Submission:
        """What a request hands in.

        Raises:
            ServiceError: 400 for a body that is none; 501 for a template that is somewhere else.

        """
        text = call.body.decode(errors="replace")
        try:
            body = comments.loads(text) if text.strip() else {}
        except ValueError as error:
            raise ServiceError(
                400,
                "InvalidRequestContent",
                f"The request content was invalid and could not be deserialized: '{error}'.",
            ) from None
        properties = get(body, "properties") if isinstance(body, dict) else None
        if not isinstance(properties, dict):
            raise ServiceError(
                400, "InvalidRequestContent", "The request content was invalid: it must have an object 'properties'."
            )
        template = _template(properties, "properties.template")
        location, tags = get(body, "location"), get(body, "tags")
        return cls(
            template,
            get(properties, "parameters"),
            _mode(get(properties, "mode")),
            location if isinstance(location, str) else "",
            tags if isinstance(tags, dict) else {},
            properties,
            positions=Positions(text),
        )

    @classmethod
    def of_nested(cls, one: Planned, scope: Scope, around: Submission) -> Submission:
        """What a deployment inside another hands in. Its template is not evaluated yet.

        Raises:
            TemplateError: its mode is not Incremental.
            ServiceError: its template is none.

        """
        raw = get(one.raw, "properties")
        if not isinstance(raw, dict):
            raise TemplateError("A deployment needs properties.", one.path)
        template = _template(raw, "properties.template")
        rest = {key: value for key, value in raw.items() if key.lower() != "template"}
        properties = evaluator.evaluate(rest, scope, (*one.path, "properties"))
        mode = _mode(get(properties, "mode"))
        if mode != "Incremental":
            raise TemplateError(
                f"The nested deployment '{one.name}' has the mode '{mode}': nested deployments support only 'Incremental'.",
                one.path,
            )
        location = evaluator.evaluate(get(one.raw, "location"), scope, (*one.path, "location"))
        outer = is_outer(properties)
        return cls(
            template,
            None if outer else get(properties, "parameters"),
            mode,
            location if isinstance(location, str) else "",
            properties=properties,
            outer=outer,
            positions=around.positions,
        )

    def position(self, path: Sequence[str | int]) -> tuple[int, int]:
        """Line and column in the request of a place in the template."""
        return self.positions.of(("properties", "template", *path)) if self.positions else (1, 1)

    def secret_reader(self, emulator: Emulator) -> SecretReader:
        """What reads parameters from a key vault."""

        def read(reference: Body) -> str:
            return _secret(emulator, reference)

        return read


def _template(properties: Body, where: str) -> Body:
    if get(properties, "templateLink") is not None:
        raise not_emulated("deploying a template by templateLink; send the template itself")
    if get(properties, "parametersLink") is not None:
        raise not_emulated("deploying parameters by parametersLink; send the parameters themselves")
    if get(properties, "onErrorDeployment") is not None:
        raise not_emulated("rolling back by onErrorDeployment")
    return document.check_shape(get(properties, "template"), where)


def _mode(mode: Any) -> str:  # noqa: ANN401 - any JSON
    found = _MODES.get(mode.lower()) if isinstance(mode, str) else None
    if found is None:
        raise ServiceError(
            400,
            "InvalidDeploymentMode" if mode else "InvalidRequestContent",
            f"The deployment mode '{mode}' is not valid. It must be 'Incremental' or 'Complete'.",
        )
    return found


def _secret(emulator: Emulator, reference: Body) -> str:
    from aml_emulator.providers import key_vault

    vault_id = get(get(reference, "keyVault") or {}, "id")
    name, version = get(reference, "secretName"), get(reference, "secretVersion")
    if not isinstance(vault_id, str) or not isinstance(name, str):
        raise TemplateError("A reference of a parameter needs keyVault.id and secretName.")
    vault = emulator.resources.get(vault_id)
    if vault is None:
        raise not_found(vault_id)
    address = f"{vault.properties['vaultUri']}secrets/{name}" + (f"/{version}" if isinstance(version, str) else "")
    value = key_vault.secret(emulator, address)
    if value is None:
        raise ServiceError(
            400,
            "KeyVaultParameterReferenceSecretRetrieveFailed",
            f"The secret of KeyVault parameter reference with name '{name}' cannot be retrieved. It is not in the vault '{vault.name}', or "
            "not enabled. Please see https://aka.ms/arm-keyvault for usage details.",
        )
    return value
