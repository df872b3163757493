"""The generated texts of an action: action.yml, the tables of its README, its part of the catalog."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from aml_actions.markdown import table
from aml_actions.schema import parameters_schema, type_text
from aml_actions.settings import INPUT_PREFIX
from aml_actions.spec import ActionSpec

_STEP_ID = "step"
_WIDTH = 118


def action_yml(spec: ActionSpec) -> str:
    """Return the whole action.yml.

    Raises:
        ValueError: a description holds an expression; GitHub would evaluate it.
    """
    parts = [
        f"# Generated from {spec.name.replace('-', '_')}/spec.py by `make generate`; do not edit.",
        f"name: {json.dumps(spec.title, ensure_ascii=False)}",
        _block("description", spec.description, 0),
        "branding:\n  icon: cloud\n  color: blue",
        "inputs:\n" + "\n".join(_input(one) for one in spec.inputs),
        "outputs:\n" + "\n".join(_output(one) for one in spec.outputs),
        "\n".join(
            [
                "runs:",
                "  using: composite",
                "  steps:",
                f"    - id: {_STEP_ID}",
                "      shell: bash",
                "      env:",
                *(f"        {INPUT_PREFIX}{one.name.upper()}: ${{{{ inputs.{one.name} }}}}" for one in spec.inputs),
                *(f"        {name}: ${{{{ {expression} }}}}" for name, expression in spec.variables.items()),
                f'      run: exec "$GITHUB_ACTION_PATH/../shared/bootstrap/run.sh" {spec.name}',
            ]
        ),
    ]
    return "\n".join(parts) + "\n"


def _input(declared: Any) -> str:  # noqa: ANN401 - spec.Input
    lines = [f"  {declared.name}:", _block("description", declared.description, 4)]
    lines.append(f"    required: {str(declared.required).lower()}")
    if not declared.required:
        lines.append(f"    default: {json.dumps(declared.default, ensure_ascii=False)}")
    return "\n".join(lines)


def _output(declared: Any) -> str:  # noqa: ANN401 - spec.Output
    text = declared.description if declared.when == "always" else f"{declared.description}\nSet {declared.when}."
    value = f"    value: ${{{{ steps.{_STEP_ID}.outputs.{declared.name} }}}}"
    return "\n".join([f"  {declared.name}:", _block("description", text, 4), value])


def _block(key: str, text: str, indent: int) -> str:
    if "${{" in text:
        raise ValueError(f"a description holds an expression, which GitHub would evaluate: {text!r}")
    margin = " " * (indent + 2)
    lines = [line for paragraph in text.splitlines() for line in textwrap.wrap(paragraph, _WIDTH - len(margin)) or [""]]
    return f"{' ' * indent}{key}: |-\n" + "\n".join((margin + line).rstrip() for line in lines)


def inputs_table(spec: ActionSpec) -> str:
    """Return the table of inputs."""
    rows = [
        (
            f"`{one.name}`",
            "yes" if one.required else "no",
            f"`{one.default}`" if one.default else "",
            _flat(one.description),
        )
        for one in spec.inputs
    ]
    return table(["Input", "Required", "Default", "Meaning"], rows)


def outputs_table(spec: ActionSpec) -> str:
    """Return the table of outputs."""
    return table(
        ["Output", "Set", "Meaning"], [(f"`{one.name}`", one.when, _flat(one.description)) for one in spec.outputs]
    )


def parameters_table(spec: ActionSpec) -> str:
    """Return the table of the keys of the parameters file."""
    document = parameters_schema(spec)
    return table(["Key", "Type", "Default", "Meaning"], _parameter_rows(document, document, ""))


def _parameter_rows(
    model: dict[str, Any], document: dict[str, Any], prefix: str
) -> Iterator[tuple[str, str, str, str]]:
    for name, field in model["properties"].items():
        if name == "$schema":
            continue
        key = prefix + name
        if name in model.get("required", ()):
            default = "required"
        elif "x-default" in field:
            default = str(field["x-default"])
        else:
            default = f"`{json.dumps(field['default'], ensure_ascii=False)}`" if "default" in field else ""
        examples = ", ".join(f"`{json.dumps(one, ensure_ascii=False)}`" for one in field.get("examples", ()))
        meaning = _flat(str(field.get("description", "")))
        yield f"`{key}`", type_text(field, document), default, f"{meaning} Example: {examples}" if examples else meaning
        inner = _object_of(field, document)
        if inner is not None:
            yield from _parameter_rows(inner, document, f"{key}.")


def _object_of(field: dict[str, Any], document: dict[str, Any]) -> dict[str, Any] | None:
    """Return the model behind a field that is an object, or an array of objects, of known keys."""
    if "items" in field:
        field = field["items"]
    if "$ref" in field:
        field = document["$defs"][field["$ref"].rsplit("/", 1)[-1]]
    return field if "properties" in field else None


def permissions_table(spec: ActionSpec) -> str:
    """Return the table of Azure roles."""
    return table(["Azure role", "Scope", "Why"], [(one.role, one.scope, _flat(one.why)) for one in spec.permissions])


def secrets_table(spec: ActionSpec) -> str:
    """Return the table of environment secrets, or the sentence that there are none."""
    if not spec.secrets:
        return "None.\n"
    return table(
        ["Environment variable", "Meaning"], [(f"`{one.name}`", _flat(one.description)) for one in spec.secrets]
    )


def tables(spec: ActionSpec) -> dict[str, str]:
    """Return every table under the name of its marker in a README."""
    made = {
        "inputs": inputs_table(spec),
        "outputs": outputs_table(spec),
        "permissions": permissions_table(spec),
        "secrets": secrets_table(spec),
    }
    return {**made, "parameters": parameters_table(spec)} if spec.parameters_file else made


def catalog(specs: list[ActionSpec]) -> str:
    """Return action-catalog.md."""
    lines = [
        "<!-- Generated by `make generate`; do not edit. -->",
        "# Action catalog\n",
        "Every action with its inputs, parameters, outputs and permissions. How to use one is in its README.\n",
        table(["Action", "What it does"], [(f"[{one.name}](#{one.name})", _flat(one.description)) for one in specs]),
    ]
    for spec in specs:
        made = tables(spec)
        lines += [
            f"## {spec.name}\n",
            f"{spec.description}\n",
            f"[README](actions/{spec.name}/README.md) · [action.yml](actions/{spec.name}/action.yml)"
            + (
                f" · [schema of the parameters file](actions/{spec.name}/parameters.schema.json)\n"
                if spec.parameters_file
                else "\n"
            ),
            "### Inputs\n",
            made["inputs"],
            *(
                (f"### Parameters file (`.cloud/.azure/{spec.parameters_file}`)\n", made["parameters"])
                if spec.parameters_file
                else ()
            ),
            "### Outputs\n",
            made["outputs"],
            "### Environment secrets\n",
            made["secrets"],
            "### Permissions\n",
            made["permissions"],
        ]
    return "\n".join(lines).rstrip() + "\n"


def _flat(text: str) -> str:
    return " ".join(text.split())
