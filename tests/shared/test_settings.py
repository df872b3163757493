"""Parameters files as people write them."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field
from support.steps import write_parameters

from aml_actions.errors import ActionError, InvalidSettings
from aml_actions.settings import load_parameters, read_inputs
from aml_actions.spec import (
    ActionSpec,
    Input,
    NullAllowed,
    Parameters,
    azure_credentials_input,
    parameters_file_input,
    result_output,
)


class Scale(Parameters):
    min_nodes: int = Field(0, ge=0, description="Least.")
    max_nodes: int = Field(1, description="Most.")


class Train(Parameters):
    experiment_name: str | None = Field(None, description="Name.")
    epochs: int = Field(1, ge=1, description="Rounds.")
    rate: float = Field(0.1, description="Step.")
    wait: bool = Field(True, description="Wait.")
    kind: Literal["cpu", "gpu"] = Field("cpu", description="Kind.")
    tags: dict[str, Any] = Field(default_factory=dict, description="Tags.")
    scale: Scale = Field(default_factory=Scale, description="Scale.")
    admin_password: str | None = Field(None, description="Password.")
    note: Annotated[str | None, NullAllowed()] = Field(None, description="Note.")


class Needs(Parameters):
    model: str = Field(description="Model.")


def spec(parameters=Train, required=False):
    return ActionSpec(
        name="aml-train",
        title="Train",
        description="Trains.",
        inputs=(azure_credentials_input(), parameters_file_input("train.json"), Input("run_id", "Run.", required=True)),
        outputs=(result_output("All."),),
        parameters=parameters,
        parameters_file="train.json",
        parameters_file_required=required,
        work="nothing:here",
    )


@pytest.fixture
def load(tmp_path):
    def read(content=None, name="train.json", **options):
        if content is not None:
            write_parameters(tmp_path, name, content)
        chosen = spec(**options)
        return load_parameters(chosen, chosen.parameters, name, tmp_path)

    return read


def problem(load, content, **options):
    with pytest.raises(ActionError) as caught:
        load(content, **options)
    return caught.value


def test_no_file_means_the_defaults(load):
    assert load() == Train()


def test_a_file_in_a_sub_folder(load):
    assert load({"epochs": 3}, name="test/quick/train.json").epochs == 3


def test_the_file_may_name_its_schema(load):
    assert load({"$schema": "../../x.json", "epochs": 3}).epochs == 3


def test_a_file_saved_by_an_editor_of_windows(load, tmp_path):
    file = write_parameters(tmp_path, "train.json", "")
    file.write_bytes(b'\xef\xbb\xbf{\r\n  "epochs": 3\r\n}\r\n')
    assert load().epochs == 3


def test_a_named_file_that_is_missing_lists_what_is_there(load, tmp_path):
    write_parameters(tmp_path, "train_prod.json", {})
    write_parameters(tmp_path, "test/other.json", {})
    error = problem(load, None, name="train-prod.json")
    assert "missing" in error.what
    assert "test/other.json, train_prod.json" in (error.allowed or "")
    assert error.fix == "did you mean train_prod.json?"


def test_an_empty_workspace_hints_at_the_checkout(load):
    assert "actions/checkout must come first" in str(problem(load, None, name="other.json"))


def test_a_file_that_must_exist(load):
    assert "missing" in problem(load, None, required=True).what


def test_a_missing_file_of_an_action_that_needs_a_parameter(load):
    assert "The key model in .cloud/.azure/train.json is required." in str(problem(load, None, parameters=Needs))


@pytest.mark.parametrize("name", ["../../../etc/passwd", "/etc/passwd", "x/../../../../y.json"])
def test_a_file_outside_the_repository_is_refused(load, name):
    assert "outside the repository" in problem(load, None, name=name).what


def test_a_link_out_of_the_repository_is_refused(load, tmp_path):
    outside = tmp_path.parent / "outside.json"
    outside.write_text("{}")
    folder = tmp_path / ".cloud" / ".azure"
    folder.mkdir(parents=True)
    (folder / "train.json").symlink_to(outside)
    assert "outside the repository" in problem(load, None).what


def test_a_folder_is_no_file(load, tmp_path):
    (tmp_path / ".cloud" / ".azure" / "train.json").mkdir(parents=True)
    assert "is a folder" in problem(load, None).what


@pytest.mark.parametrize(
    ("text", "line", "shown", "cause"),
    [
        ('{\n  "epochs": 3 // rounds\n}', 2, '"epochs": 3 // rounds', "a comment"),
        ('{\n  // rounds\n  "epochs": 3\n}', 2, "// rounds", "a comment"),
        ('{\n  /* rounds */ "epochs": 3\n}', 2, '/* rounds */ "epochs": 3', "a comment"),
        ('# rounds\n{"epochs": 3}', 1, "# rounds", "a comment"),
        ('{\n  "epochs": 3,\n}', 2, '"epochs": 3,', "trailing comma"),
        ('{\n  "tags": [1,\n  2,\n  ]\n}', 3, "2,", "trailing comma"),
        ("{\n  'epochs': 3\n}", 2, "'epochs': 3", "single quotes"),
        ('{\n  "wait": True\n}', 2, '"wait": True', "Python's spelling"),
        ('{\n  "epochs" 3\n}', 2, '"epochs" 3', "Expecting ':' delimiter"),
        ("", 1, None, "the file is empty"),
        ('{"epochs": 3', 1, '{"epochs": 3', "Expecting"),
    ],
)
def test_what_is_not_json_is_shown_with_its_line(load, text, line, shown, cause):
    error = problem(load, text)
    assert f"is not JSON: line {line}, column" in error.what
    assert error.value == shown
    assert cause in (error.cause or "")
    assert (error.file, error.line) == (".cloud/.azure/train.json", line)


def test_a_password_on_a_broken_line_is_hidden(load):
    error = problem(load, '{\n  "admin_password": "hunter22" // the old one\n}')
    assert "hunter22" not in str(error)
    assert error.value == '"admin_password": ***'


@pytest.mark.parametrize("text", ['{"rate": NaN}', '{"rate": -Infinity}'])
def test_numbers_that_json_does_not_have(load, text):
    assert "which is not JSON" in problem(load, text).what


def test_text_in_another_encoding(load, tmp_path):
    write_parameters(tmp_path, "train.json", "").write_bytes(b'{"experiment_name": "k\xfcche"}')
    error = problem(load, None)
    assert "not UTF-8" in error.what
    assert error.value == "byte 22 is 0xfc"


@pytest.mark.parametrize("content", ["[]", '"text"', "5"])
def test_json_that_is_no_object(load, content):
    assert "must hold a JSON object" in problem(load, content).what


@pytest.mark.parametrize(
    ("content", "allowed", "fix"),
    [
        ({"epochs": "3"}, "an integer", "write 3 without quotes"),
        ({"epochs": True}, "an integer", None),
        ({"epochs": 1.5}, "an integer", None),
        ({"epochs": 0}, "Input should be greater than or equal to 1", None),
        ({"rate": "0.5"}, "a number", "write 0.5 without quotes"),
        ({"wait": "True"}, "true or false", "write true without quotes"),
        ({"wait": 1}, "true or false", None),
        ({"kind": "tpu"}, "'cpu' or 'gpu'", None),
        ({"experiment_name": 5}, "a string", None),
        ({"experiment_name": None}, "null is not allowed; leave the key out to get its default", None),
        ({"tags": ["a"]}, "an object", None),
        ({"scale": 4}, "an object", None),
        ({"scale": {"max_nodes": "4"}}, "an integer", "write 4 without quotes"),
    ],
)
def test_a_wrong_type_says_what_is_right(load, content, allowed, fix):
    error = problem(load, content)
    assert isinstance(error, InvalidSettings)
    (single,) = error.problems
    assert (single.allowed, single.fix) == (allowed, fix)
    assert single.line == 1


def test_what_the_legacy_actions_took_is_taken(load):
    """Draft-7 JSON Schema: 1.0 is an integer, an integer is a number."""
    found = load({"epochs": 3.0, "rate": 1, "tags": {"version": 1.0}, "note": None})
    assert (found.epochs, found.rate) == (3, 1)
    assert repr(found.tags["version"]) == "1.0", "free values stay as they are written"


@pytest.mark.parametrize(
    ("key", "fix"),
    [
        ("experimentName", "did you mean experiment_name?"),
        ("experiment-name", "did you mean experiment_name?"),
        ("epoch", "did you mean epochs?"),
        ("zzz", "remove the key"),
    ],
)
def test_an_unknown_key_gets_the_nearest_known_one(load, key, fix):
    (single,) = problem(load, {key: "hunter22"}).problems
    assert single.what == f"Unknown key {key} in .cloud/.azure/train.json."
    assert single.fix == fix
    assert "experiment_name" in (single.allowed or "")
    assert "hunter22" not in str(single)


def test_an_unknown_key_of_a_nested_object(load):
    (single,) = problem(load, {"scale": {"maxNodes": 3}}).problems
    assert single.what.startswith("Unknown key scale.maxNodes")
    assert single.fix == "did you mean max_nodes?"
    assert single.allowed == "max_nodes, min_nodes"


def test_all_problems_are_told_at_once_with_their_lines(load):
    error = problem(load, '{\n  "epochs": "x",\n  "wait": 3,\n  "kin": 1\n}')
    assert [(one.line, one.fix) for one in error.problems] == [(2, None), (3, None), (4, "did you mean kind?")]
    assert str(error).startswith("3 settings are not valid.\n1. ")


def test_a_password_of_a_wrong_type_is_hidden(load):
    assert "4711" not in str(problem(load, {"admin_password": 4711}))


def test_a_long_value_is_cut(load):
    (single,) = problem(load, {"epochs": "9" * 500}).problems
    assert len(single.value or "") <= 100


def test_empty_inputs_get_their_defaults_and_required_ones_are_named():
    values, problems = read_inputs(spec(), {"AML_ACTION_INPUT_PARAMETERS_FILE": "  ", "AML_ACTION_INPUT_RUN_ID": ""})
    assert values == {"azure_credentials": "", "parameters_file": "train.json", "run_id": ""}
    assert [one.what for one in problems] == ["The input run_id is required and empty."]
