"""Parameters: what is allowed, and the words in which the rest is refused."""

from __future__ import annotations

from typing import Any

import pytest
from emulator.arm.template.language import scope

from aml_emulator.arm.template import parameters
from aml_emulator.arm.template.errors import TemplateError

_SEE = "Please see https://aka.ms/arm-create-parameter-file for usage details."


def refusal(declaration: dict[str, Any], *values: Any) -> str:
    with pytest.raises(TemplateError) as refused:
        scope({"p": values[0]} if values else {}, parameters={"p": declaration})
    return refused.value.message


def test_a_parameter_without_value_or_default_is_named() -> None:
    assert refusal({"type": "string"}) == (
        f"The value for the template parameter 'p' at line '1' and column '1' is not provided. {_SEE}"
    )


def test_a_null_counts_as_not_given() -> None:
    assert scope({"p": None}, parameters={"p": {"type": "string", "defaultValue": "d"}}).parameter("p") == "d"


def test_a_parameter_that_the_template_does_not_have_is_named() -> None:
    with pytest.raises(TemplateError) as refused:
        scope({"x": 1}, parameters={"a": {"type": "int", "defaultValue": 1}, "b": {"type": "int", "defaultValue": 1}})
    assert refused.value.message == (
        "The template parameters 'x' in the parameters file are not valid; they are not present in the original template and can "
        "therefore not be provided at deployment time. The only supported parameters for this template are 'a, b'. Please see "
        "https://aka.ms/arm-pass-parameter-values for usage details."
    )


def test_a_value_of_another_type_is_refused() -> None:
    assert refusal({"type": "Int"}, "5") == (
        "The provided value for the template parameter 'p' is not valid. Expected a value of type 'Integer', but received a value of "
        f"type 'String'. {_SEE}"
    )


def test_a_value_that_is_not_allowed_is_named_with_those_that_are() -> None:
    declaration = {"type": "string", "allowedValues": ["a", "b"]}
    assert refusal(declaration, "x") == (
        "The provided value 'x' for the template parameter 'p' is not valid. The value 'x' is not part of the allowed value(s): 'a,b'."
    )
    assert scope({"p": "B"}, parameters={"p": declaration}).parameter("p") == "B"


def test_a_secret_that_is_not_allowed_is_not_named() -> None:
    assert "hunter22" not in refusal({"type": "securestring", "allowedValues": ["a"]}, "hunter22")
    assert "hunter22" not in refusal({"type": "securestring", "maxLength": 2}, "hunter22")


def test_any_part_of_the_allowed_values_is_allowed_for_an_array() -> None:
    declaration = {"type": "array", "allowedValues": ["a", "b", "c"]}
    assert scope({"p": ["a", "c"]}, parameters={"p": declaration}).parameter("p") == ["a", "c"]
    assert "is not part of the allowed" in refusal(declaration, ["a", "d"])


@pytest.mark.parametrize(
    ("declaration", "value", "part"),
    [
        ({"type": "int", "minValue": 1}, 0, "'0' is less than the minimum value '1'"),
        ({"type": "int", "maxValue": 1}, 2, "'2' is greater than the maximum value '1'"),
        ({"type": "string", "minLength": 3}, "ab", "Length of the value should be greater than or equal to '3'."),
        ({"type": "array", "maxLength": 1}, [1, 2], "Length of the value should be less than or equal to '1'."),
        (
            {"type": "nothing"},
            1,
            "its type 'nothing' is none of String, SecureString, Int, Bool, Array, Object, SecureObject",
        ),
        ({}, 1, "its type '' is none of"),
    ],
)
def test_bounds_and_types_hold(declaration: dict[str, Any], value: Any, part: str) -> None:
    assert part in refusal(declaration, value)


def test_a_default_may_use_other_parameters_and_must_be_allowed_itself() -> None:
    declared = {
        "a": {"type": "string", "defaultValue": "[concat(parameters('b'), resourceGroup().name)]"},
        "b": {"type": "string", "defaultValue": "x"},
    }
    assert scope(parameters=declared).parameter("a") == "xrg"
    assert "received a value of type 'Integer'" in refusal({"type": "string", "defaultValue": "[add(1, 1)]"})
    assert "variable 'v' is not found" in refusal({"type": "string", "defaultValue": "[variables('v')]"})
    assert "'reference' is not expected" in refusal({"type": "string", "defaultValue": "[reference('x')]"})
    assert "circular dependency" in refusal({"type": "string", "defaultValue": "[parameters('p')]"})


def test_parameters_are_shown_with_values_but_for_the_secret_ones() -> None:
    declared = {"open": {"type": "string"}, "hidden": {"type": "secureString"}, "more": {"type": "SECUREOBJECT"}}
    found = scope({"open": "o", "hidden": "h", "more": {"k": 1}}, parameters=declared)
    assert parameters.shown(found) == {
        "open": {"type": "String", "value": "o"},
        "hidden": {"type": "SecureString"},
        "more": {"type": "SecureObject"},
    }


def test_a_definition_is_a_type() -> None:
    found = scope(
        {"p": "a"},
        definitions={"letter": {"type": "string", "allowedValues": ["a"]}},
        parameters={"p": {"$ref": "#/definitions/letter"}, "q": {"type": "string", "nullable": True}},
    )
    assert (found.parameter("p"), found.parameter("q")) == ("a", None)
