"""The error of an AutoML job, a text among its properties."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aml_run.automl_error import parse

RESPONSE = {
    "error": {
        "code": "UserError",
        "message": "For forecasting, n_cross_validations or validation data is needed.",
        "details_uri": "https://aka.ms/automl",
        "target": "n_cross_validations",
        "inner_error": {"code": "NotFound", "inner_error": {"code": "MissingValidationConfig"}},
    }
}


def test_the_deepest_code_and_the_message_are_found() -> None:
    message = "ErrorResponse \n" + json.dumps(RESPONSE, indent=4)
    text = "Setup iteration failed: " + json.dumps({"run_error": {"exception": {"message": message}}})
    error = parse(text)
    assert error is not None
    assert error.codes == ("UserError", "NotFound", "MissingValidationConfig")
    assert error.message.startswith("For forecasting")
    assert error.target == "n_cross_validations"


@pytest.mark.parametrize("text", ["", "   "])
def test_no_text_is_no_error(text: str) -> None:
    assert parse(text) is None


@given(
    st.one_of(
        st.text(min_size=1),
        st.recursive(
            st.none() | st.text(),
            lambda inner: st.dictionaries(
                st.sampled_from(["run_error", "exception", "message", "error", "code", "inner_error"]), inner
            ),
        ).map(json.dumps),
    )
)
def test_any_text_is_told_somehow(text: str) -> None:
    error = parse("Setup iteration failed: " + text)
    assert error is not None
    assert error.message or error.codes
