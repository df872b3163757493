"""The JSON Schema of a parameters file, from its pydantic model. Editors complete the file through it."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from aml_actions.spec import ActionSpec


class _Generator(GenerateJsonSchema):
    """``X | None`` in a model means that the key may be left out, not that it may be null (see `Parameters`)."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def generate(self, schema: core_schema.CoreSchema, mode: JsonSchemaMode = "validation") -> JsonSchemaValue:
        document = super().generate(schema, mode)
        for model in (document, *document.get("$defs", {}).values()):
            for field in model.get("properties", {}).values():
                field.pop("title", None)
                if field.get("default", ...) is None:
                    del field["default"]
        return document


def parameters_schema(spec: ActionSpec) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the parameters file of an action; a ``$schema`` key is allowed in the file."""
    document = spec.parameters.model_json_schema(schema_generator=_Generator)
    reference = {"type": "string", "description": "Address of this schema, for editors; ignored by the action."}
    properties = {"$schema": reference, **document.pop("properties", {})}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **document,
        "title": f"{spec.name}: parameters file",
        "description": f".cloud/.azure/{spec.parameters_file} of {spec.name}",
        "properties": properties,
    }


def file_schema(spec: ActionSpec) -> dict[str, Any]:
    """Return the JSON Schema of a whole parameters file: the one of its object, or of a list of them where that is allowed."""
    one = parameters_schema(spec)
    if not spec.several:
        return one
    definitions = one.pop("$defs", {})
    head = {name: one.pop(name) for name in ("$schema", "title", "description")}
    many = {"type": "array", "items": {"$ref": "#/$defs/parameters"}, "minItems": 1}
    choice = [{"$ref": "#/$defs/parameters"}, many]
    return {**head, "anyOf": choice, "$defs": {"parameters": one, **definitions}}


def type_text(field: dict[str, Any], document: dict[str, Any]) -> str:
    """Return the type of a field in words, for a table."""
    if "$ref" in field:
        return type_text(document["$defs"][field["$ref"].rsplit("/", 1)[-1]], document)
    if "enum" in field:
        return "one of " + ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(type_text(one, document) for one in field["anyOf"]))
    kind = str(field.get("type", "any"))
    if kind == "array":
        return f"array of {type_text(field.get('items', {}), document)}"
    limits = [
        f"{sign} {field[key]}"
        for key, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))
        if key in field
    ]
    return " ".join([kind, *limits])
