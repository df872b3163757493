"""The grammar of expressions, JSON with comments, and where an error stands."""

from __future__ import annotations

import json

import pytest
from emulator.arm.template.language import evaluated, scope

from aml_emulator.arm.template import comments, evaluator, parser
from aml_emulator.arm.template.errors import TemplateError
from aml_emulator.arm.template.positions import Positions


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("[[escaped]", "[escaped]"),
        ("[not closed", "[not closed"),
        ("closed]", "closed]"),
        ("[", "["),
        ("", ""),
        ("['it''s']", "it's"),
        ("[ concat( 'a' , 'b' ) ]", "ab"),
        ("[-5]", -5),
        ("[CONCAT('a','b')]", "ab"),
        ("[createObject('a b', 1)['A B']]", 1),
        ("[createObject('x', createArray(createObject('y', 7))).x[0].y]", 7),
        ("[createObject('a', 1).?b]", None),
        ("[createArray(1)[?5]]", None),
        ("[createObject('a', null()).?a.?b]", None),
    ],
)
def test_a_string_is_evaluated_when_it_is_an_expression(text: str, value: object) -> None:
    assert evaluator.evaluate(text, scope()) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[concat(]",
            "Unable to parse language expression 'concat(': expected token 'Identifier' and actual 'EndOfData'.",
        ),
        (
            "[concat('a' 'b')]",
            "Unable to parse language expression 'concat('a' 'b')': expected token 'RightParenthesis' and actual 'StringLiteral'.",
        ),
        (
            "[concat]",
            "Unable to parse language expression 'concat': expected token 'LeftParenthesis' and actual 'EndOfData'.",
        ),
        ("['a' b]", "Unable to parse language expression ''a' b': expected token 'EndOfData' and actual 'Identifier'."),
        ("[concat('a', \"b\")]", "the string character '\"' at position '12' is not expected."),
        ("['open]", "the string character ''' at position '0' is not expected."),
        ("[]", "expected token 'Identifier' and actual 'EndOfData'."),
        ("[99999999999999999999]", "is no integer of 64 bits"),
        (f"[{'not(' * 100}true(){')' * 100}]", "nested deeper than 60 levels"),
        (f"[{'a' * 25000}()]", "longer than the 24576 characters"),
    ],
)
def test_what_is_no_expression_is_told_with_the_place(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as refused:
        parser.parse(text)
    assert message in refused.value.message


def test_keys_are_evaluated_as_azure_does_for_identities() -> None:
    assert evaluator.evaluate({"[concat('a', 'b')]": {}, "[[x]": 1}, scope()) == {"ab": {}, "[x]": 1}


def test_properties_are_copied_by_name() -> None:
    loops = {
        "copy": [
            {"name": "squares", "count": 3, "input": "[mul(copyIndex('squares'), copyIndex('squares'))]"},
            {"name": "from10", "count": "[length(createArray(1, 2))]", "input": {"at": "[copyIndex('from10', 10)]"}},
        ],
        "other": True,
    }
    assert evaluator.evaluate(loops, scope()) == {
        "squares": [0, 1, 4],
        "from10": [{"at": 10}, {"at": 11}],
        "other": True,
    }


def test_a_copy_of_properties_needs_the_name_of_its_loop() -> None:
    loops = {"copy": [{"name": "a", "count": 1, "input": "[copyIndex()]"}]}
    with pytest.raises(TemplateError, match="copyIndex"):
        evaluator.evaluate(loops, scope())
    with pytest.raises(TemplateError, match="The provided copy name 'b' doesn't exist"):
        evaluator.evaluate({"copy": [{"name": "a", "count": 1, "input": "[copyIndex('b')]"}]}, scope())


@pytest.mark.parametrize(
    ("count", "part"), [(-1, "'-1' must be between 0 and 800"), (801, "'801'"), ("x", "not a value of type 'String'")]
)
def test_a_copy_goes_round_0_to_800_times(count: object, part: str) -> None:
    with pytest.raises(TemplateError) as refused:
        evaluator.evaluate({"copy": [{"name": "a", "count": count, "input": 1}]}, scope())
    assert part in refused.value.message


def test_variables_are_evaluated_when_they_are_needed() -> None:
    variables = {
        "broken": "[div(1, 0)]",
        "b": "[concat(variables('A'), '!')]",
        "a": "[parameters('name')]",
        "copy": [{"name": "list", "count": 2, "input": "[copyIndex('list', 1)]"}],
    }
    declared = {"name": {"type": "string", "defaultValue": "x"}}
    assert evaluated("createArray(variables('b'), variables('list'))", variables=variables, parameters=declared) == [
        "x!",
        [1, 2],
    ]


def test_variables_that_need_each_other_are_told() -> None:
    variables = {"a": "[variables('b')]", "b": "[variables('a')]"}
    with pytest.raises(TemplateError, match="circular dependency"):
        evaluated("variables('a')", variables=variables)


def test_functions_of_a_template_see_their_arguments_only() -> None:
    functions = [
        {
            "namespace": "contoso",
            "members": {
                "name": {
                    "parameters": [{"name": "prefix", "type": "string"}],
                    "output": {"type": "string", "value": "[concat(toLower(parameters('prefix')), uniqueString('x'))]"},
                },
                "greedy": {"parameters": [], "output": {"type": "string", "value": "[variables('v')]"}},
            },
        }
    ]
    assert evaluated("Contoso.Name('AB')", functions=functions).startswith("ab")
    with pytest.raises(TemplateError, match="variable 'v' is not found"):
        evaluated("contoso.greedy()", functions=functions, variables={"v": "x"})
    with pytest.raises(TemplateError, match=r"requires exactly '1' argument\(s\) while '0'"):
        evaluated("contoso.name()", functions=functions)
    with pytest.raises(TemplateError, match=r"'contoso\.other' is not valid"):
        evaluated("contoso.other()", functions=functions)


def test_json_may_have_comments_and_strings_over_several_lines() -> None:
    text = '{ // one\n "a": "http://x//y", /* two\n "b": 1, */ "c": "line\nline", "d": "/* kept */" }'
    assert comments.loads(text) == {"a": "http://x//y", "c": "line\nline", "d": "/* kept */"}


@pytest.mark.parametrize(
    "text", ['{"a": NaN}', '{"a": 1e999}', '{"a": "\\ud800"}', '{"a":' * 120 + "1" + "}" * 120, "{"]
)
def test_json_that_no_answer_could_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        comments.loads(text)


def test_an_error_stands_at_a_line_and_a_column() -> None:
    text = '{\n  // comment\n  "properties": {\n    "template": { "Resources": [ {}, { "name": [1, "x"] } ] }\n  }\n}'
    line, column = Positions(text).of(("properties", "template", "resources", 1, "name", 1))
    assert text.splitlines()[line - 1][column - 1 :].startswith('"x"')
    assert Positions(text).of(("properties", "nothing")) == (1, 1)
    compact = json.dumps(comments.loads(text))
    assert compact[Positions(compact).of(("properties", "template"))[1] - 1 :].startswith('{"Resources"')
