"""Expressions that GitHub evaluates before a run begins."""

from __future__ import annotations

import pytest

from aml_emulator.github.evaluate import CannotEvaluate, evaluate_text

CONTEXTS = {
    "github": {
        "ref": "refs/heads/main",
        "ref_name": "main",
        "event": {"repository": {"default_branch": "main"}, "list": ["a", "b"], "n": 3},
    },
    "inputs": {"run_id": "", "word": "O'Neill"},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no expression", "no expression"),
        ("train-${{ github.ref }}-x", "train-refs/heads/main-x"),
        ("${{ github.ref_name != github.event.repository.default_branch }}", "false"),
        ("${{ GitHub['REF_name'] == 'MAIN' }}", "true"),
        ("${{ inputs.run_id || github.event.n }}", "3"),
        ("${{ github.event.nothing.below || 'other' }}", "other"),
        ("${{ inputs.word == 'O''Neill' && 'yes' || 'no' }}", "yes"),
        ("${{ !inputs.run_id }}", "true"),
        ("${{ (1 < 2) == true }}", "true"),
        ("${{ 0x10 >= 16 }}", "true"),
        ("${{ '3' == 3 }}", "true"),
        ("${{ null == 0 }}", "true"),
        ("${{ 'a' == 0 }}", "false"),
        ("${{ github.event.list[1] }}", "b"),
        ("${{ contains(github.event.list, 'A') }}", "true"),
        ("${{ contains(github.ref, 'heads') }}", "true"),
        ("${{ startsWith(github.ref, 'refs/HEADS') && !endsWith(github.ref, 'x') }}", "true"),
        ("${{ format('{0}-{1}{{}}', github.ref_name, 2.5) }}", "main-2.5{}"),
        ("${{ join(github.event.list, '+') }}", "a+b"),
        ("${{ github.event.list }}", '["a", "b"]'),
        ("${{ '}}' }}", "}}"),
    ],
)
def test_an_expression_has_the_value_it_has_on_github(text: str, value: str) -> None:
    assert evaluate_text(text, CONTEXTS) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("${{ secrets.TOKEN }}", "'secrets' is not known before a run begins"),
        ("${{ hashFiles('x') }}", "the function hashFiles"),
        ("${{ github.ref ref }}", "'ref' is too much"),
        ("${{ github.ref == }}", "something is missing at its end"),
        ("${{ (github.ref }}", "is missing"),
        ("${{ 1 + 1 }}", "is not understood"),
        ("${{ format('{3}', 1) }}", "does not take these arguments"),
    ],
)
def test_an_expression_that_cannot_be_evaluated_says_why(text: str, reason: str) -> None:
    with pytest.raises(CannotEvaluate) as refused:
        evaluate_text(text, CONTEXTS)
    assert reason in str(refused.value)
