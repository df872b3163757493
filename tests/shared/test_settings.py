"""Parameters files as people write them."""

import json
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field
from support.steps import write_parameters

from aml_actions import parameters as parameters_module
from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.settings import load_parameters, read_inputs
from aml_actions.spec import (
    ActionSpec,
    FreeText,
    Input,
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
    names: list[str] = Field(default_factory=list, description="Names.")
    note: Annotated[str | None, FreeText()] = Field(None, description="Note.")


class Needs(Parameters):
    model: str = Field(description="Model.")


def spec(parameters=Train, required=False, several=False):
    return ActionSpec(
        name="aml-train",
        title="Train",
        description="Trains.",
        inputs=(azure_credentials_input(), parameters_file_input("train.json"), Input("run_id", "Run.", required=True)),
        outputs=(result_output("All."),),
        parameters=parameters,
        parameters_file="train.json",
        parameters_file_required=required,
        several=several,
        work="nothing:here",
    )


class Loaded:
    """What came of a file: its parameters, errors and warnings."""

    def __init__(self, sets, findings):
        self.sets, self.errors, self.warnings = sets, findings.errors, findings.warnings

    @property
    def only(self):
        assert self.errors == []
        (one,) = self.sets
        return one


@pytest.fixture
def read(tmp_path):
    def read(content=None, name="train.json", **options):
        if content is not None:
            write_parameters(tmp_path, name, content)
        chosen, findings = spec(**options), Findings()
        sets, _ = load_parameters(chosen, chosen.parameters, name, tmp_path, findings)
        return Loaded(sets, findings)

    return read


@pytest.fixture
def load(read):
    """The parameters of a file that has no error."""
    return lambda content=None, **options: read(content, **options).only


@pytest.fixture
def problem(read):
    """The only error of a file."""

    def find(content, **options):
        try:
            (one,) = read(content, **options).errors
        except ActionError as error:
            return error
        return one

    return find


def test_no_file_means_the_defaults(load):
    assert load() == Train()


def test_a_file_in_a_sub_folder(load):
    assert load({"epochs": 3}, name="test/quick/train.json").epochs == 3


def test_the_file_may_name_its_schema(load):
    assert load({"$schema": "../../x.json", "epochs": 3}).epochs == 3


def test_a_file_saved_by_an_editor_of_windows(read, tmp_path):
    file = write_parameters(tmp_path, "train.json", "")
    file.write_bytes(b'\xef\xbb\xbf{\r\n  "epochs": 3\r\n}\r\n')
    found = read()
    assert found.only.epochs == 3
    assert "byte-order mark" in found.warnings[0].what


def test_a_named_file_that_is_missing_lists_what_is_there(problem, tmp_path):
    write_parameters(tmp_path, "train_prod.json", {})
    write_parameters(tmp_path, "test/other.yml", "")
    error = problem(None, name="train-prod.json")
    assert "missing" in error.what
    assert "test/other.yml, train_prod.json" in (error.allowed or "")
    assert error.fix == "did you mean train_prod.json?"


def test_an_empty_workspace_hints_at_the_checkout(problem):
    assert "actions/checkout must come first" in str(problem(None, name="other.json"))


def test_a_file_that_must_exist(problem):
    assert "missing" in problem(None, required=True).what


def test_a_missing_file_of_an_action_that_needs_a_parameter(problem):
    assert "The key model in .cloud/.azure/train.json is required." in str(problem(None, parameters=Needs))


@pytest.mark.parametrize("name", ["../../../etc/passwd", "/etc/passwd", "x/../../../../y.json"])
def test_a_file_outside_the_repository_is_refused(problem, name):
    assert "outside the repository" in problem(None, name=name).what


def test_a_link_out_of_the_repository_is_refused(problem, tmp_path):
    outside = tmp_path.parent / "outside.json"
    outside.write_text("{}")
    folder = tmp_path / ".cloud" / ".azure"
    folder.mkdir(parents=True)
    (folder / "train.json").symlink_to(outside)
    assert "outside the repository" in problem(None).what


def test_a_folder_is_no_file(problem, tmp_path):
    (tmp_path / ".cloud" / ".azure" / "train.json").mkdir(parents=True)
    assert "is a folder" in problem(None).what


def test_a_yaml_file(read, tmp_path):
    found = read("# rounds\nepochs: 3\nscale: {max_nodes: 4}\nnote: no\n", name="quick.yml")
    assert (found.only.epochs, found.only.scale.max_nodes, found.only.note) == (3, 4, "no")
    assert found.warnings == []


@pytest.mark.parametrize("suffix", ["yml", "yaml"])
def test_a_yaml_file_under_the_default_name(load, tmp_path, suffix):
    write_parameters(tmp_path, f"train.{suffix}", "epochs: 3")
    assert load().epochs == 3


@pytest.mark.parametrize(
    ("text", "value"), [("yes", "yes"), ("010", 10), ("1_000", "1_000"), ("2024-01-31", "2024-01-31"), ("0x1f", "0x1f")]
)
def test_yaml_values_mean_what_they_mean_in_json(load, text, value):
    assert load(f"tags: {{a: {text}}}", name="train.yml").tags == {"a": value}


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ('{\n  "epochs": 3 // rounds\n}', 2, "a comment"),
        ('{\n  // rounds\n  "epochs": 3\n}', 2, "a comment"),
        ('{\n  /* rounds\n of all */ "epochs": 3\n}', 2, "a comment"),
        ('# rounds\n{"epochs": 3}', 1, "a comment"),
        ('{\n  "epochs": 3,\n}', 2, "a comma before a closing bracket"),
        ('{\n  "names": ["a",\n  "b",\n  ], "epochs": 3}', 3, "a comma before a closing bracket"),
    ],
)
def test_json_with_comments_is_read_with_a_warning(read, text, line, word):
    found = read(text)
    assert found.only.epochs == 3
    (warning,) = found.warnings
    assert f"holds {word}" in warning.what
    assert (warning.file, warning.line) == (".cloud/.azure/train.json", line)
    assert warning.fix


def test_a_key_that_a_comment_took_away_leaves_its_comma(read):
    found = read('{\n  "epochs": 3,\n  // "rate": 0.1\n}')
    assert found.only.epochs == 3
    assert len(found.warnings) == 2


def test_what_looks_like_a_comment_in_a_text_is_none(read):
    found = read('{"note": "https://example.com /* # \\" */ ,}"}')
    assert found.only.note == 'https://example.com /* # " */ ,}'
    assert found.warnings == []


@pytest.mark.parametrize(
    ("text", "line", "shown", "cause"),
    [
        ("{\n  'epochs': 3\n}", 2, "'epochs': 3", "single quotes"),
        ('{\n  "wait": True\n}', 2, '"wait": True', "Python's spelling"),
        ('{\n  "epochs" 3\n}', 2, '"epochs" 3', "Expecting ':' delimiter"),
        ('{\n  "epochs": 3 // rounds\n  "rate": 1\n}', 3, '"rate": 1', "Expecting ',' delimiter"),
        ('{\n  "epochs": 3 /* rounds\n}', 2, '"epochs": 3 /* rounds', "a comment that does not end"),
        ("", 1, None, "the file is empty"),
        ("// nothing", 1, "// nothing", "the file is empty"),
        ('{"epochs": 3', 1, '{"epochs": 3', "Expecting"),
    ],
)
def test_what_is_not_json_is_shown_with_its_line(problem, text, line, shown, cause):
    error = problem(text)
    assert f"is not JSON: line {line}, column" in error.what
    assert error.value == shown
    assert cause in (error.cause or "")
    assert (error.file, error.line) == (".cloud/.azure/train.json", line)


def test_what_is_not_yaml_is_shown_with_its_line(problem):
    error = problem("epochs: 3\n  rate: 1\n", name="train.yml")
    assert error.what == ".cloud/.azure/train.yml is not YAML."
    assert error.line == 2


def test_a_password_on_a_broken_line_is_hidden(problem):
    error = problem('{\n  "admin_password": "hunter22" x\n}')
    assert "hunter22" not in str(error)
    assert error.value == '"admin_password": ***'


@pytest.mark.parametrize("text", ['{"rate": NaN}', '{"rate": -Infinity}'])
def test_numbers_that_json_does_not_have(problem, text):
    assert "which is not JSON" in problem(text).what


def test_a_number_that_no_computer_holds(problem):
    assert problem('{\n"rate": 1e999}').what.endswith("holds a number that is too large.")


def test_text_in_another_encoding(problem, tmp_path):
    write_parameters(tmp_path, "train.json", "").write_bytes(b'{"experiment_name": "k\xfcche"}')
    error = problem(None)
    assert "not UTF-8" in error.what
    assert error.value == "byte 22 is 0xfc"


def test_a_file_that_powershell_wrote(problem, tmp_path):
    write_parameters(tmp_path, "train.json", "").write_bytes('{"epochs": 3}'.encode("utf-16"))
    assert "UTF-16" in (problem(None).value or "")


@pytest.mark.parametrize("content", ["[]", '"text"', "5", "[{}]", "null"])
def test_json_that_is_no_object(problem, content):
    assert "must hold an object" in problem(content).what


def test_a_list_of_objects_where_the_action_takes_one(read):
    found = read([{"epochs": 1}, {"epochs": 2}], several=True)
    assert [one.epochs for one in found.sets] == [1, 2]


def test_a_list_tells_which_of_its_objects_is_wrong(read):
    found = read('[\n  {"epochs": 1},\n  {"epochs": 0},\n  5\n]', several=True)
    assert [(one.key, one.line) for one in found.errors] == [("[1].epochs", 3), ("[2]", 4)]


@pytest.mark.parametrize(
    ("content", "allowed"),
    [
        ({"epochs": "three"}, "an integer"),
        ({"epochs": True}, "an integer"),
        ({"epochs": 1.5}, "an integer"),
        ({"epochs": "1.5"}, "an integer"),
        ({"epochs": 0}, "Input should be greater than or equal to 1"),
        ({"wait": 1}, "true or false"),
        ({"kind": "tpu"}, "'cpu' or 'gpu'"),
        ({"experiment_name": True}, "a string"),
        ({"tags": ["a"]}, "an object"),
        ({"scale": 4}, "an object"),
        ({"names": "a"}, "an array"),
    ],
)
def test_a_wrong_type_says_what_is_right(problem, content, allowed):
    error = problem(content)
    assert error.allowed == allowed
    assert error.line == 1
    assert error.key == next(iter(content))


@pytest.mark.parametrize(
    ("content", "read_as", "fix"),
    [
        ({"epochs": "300"}, 300, "write 300 without quotes"),
        ({"epochs": " 3.0 "}, 3, "write 3 without quotes"),
        ({"rate": "0.5"}, 0.5, "write 0.5 without quotes"),
        ({"wait": "False"}, False, "write false without quotes"),
        ({"experiment_name": 0.22}, "0.22", 'write "0.22" with quotes'),
    ],
)
def test_a_value_of_another_type_with_one_meaning_is_read_with_a_warning(read, content, read_as, fix):
    found = read(content)
    ((key, _),) = content.items()
    assert getattr(found.only, key) == read_as
    (warning,) = found.warnings
    assert (warning.key, warning.fix, warning.line) == (key, fix, 1)


def test_null_counts_as_not_set(read):
    found = read({"epochs": None, "note": None})
    assert (found.only.epochs, found.only.note) == (1, None)
    assert [one.key for one in found.warnings] == ["epochs", "note"]


def test_what_the_legacy_actions_took_is_taken(load):
    """Draft-7 JSON Schema: 1.0 is an integer, an integer is a number."""
    found = load({"epochs": 3.0, "rate": 1, "tags": {"version": 1.0}})
    assert (found.epochs, found.rate) == (3, 1)
    assert repr(found.tags["version"]) == "1.0", "free values stay as they are written"


@pytest.mark.parametrize("key", ["experimentName", "experiment-name", "Experiment_Name"])
def test_another_spelling_of_a_key_is_read_with_a_warning(read, key):
    found = read({key: "forecast"})
    assert found.only.experiment_name == "forecast"
    (warning,) = found.warnings
    assert warning.fix == "write experiment_name"
    assert key in warning.what


def test_another_spelling_beside_the_right_one_is_ignored(read):
    found = read({"experimentName": "a", "experiment_name": "b"})
    assert found.only.experiment_name == "b"
    assert "is ignored: experiment_name is there as well" in found.warnings[0].what


@pytest.mark.parametrize(
    ("key", "fix"),
    [
        ("epoch", "did you mean epochs?"),
        ("experiment", "did you mean experiment_name?"),
        ("zzz", "remove the key"),
    ],
)
def test_an_unknown_key_is_ignored_as_the_legacy_actions_did_but_told(read, key, fix):
    found = read({key: "hunter22"})
    assert found.only == Train()
    (warning,) = found.warnings
    assert warning.what == f"{key} is ignored: aml-train has no such key."
    assert warning.fix == fix
    assert "hunter22" not in str(warning)


def test_a_key_of_another_action_names_that_action(read, tmp_path, monkeypatch):
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"aml-compute": {"file": "compute.json", "keys": ["vm_size"]}}))
    monkeypatch.setattr(parameters_module, "KEYS_FILE", keys)
    parameters_module._keys_of_actions.cache_clear()
    try:
        (warning,) = read({"vm_size": "Standard_DS3_v2"}).warnings
    finally:
        parameters_module._keys_of_actions.cache_clear()
    assert "it is a key of aml-compute (compute.json)" in warning.what
    assert warning.fix == "move it to the parameters file of aml-compute"


def test_another_spelling_in_a_nested_object(read):
    found = read('{"scale": {\n"maxNodes": 3, "x": 1}}')
    assert found.only.scale.max_nodes == 3
    assert [(one.key, one.line) for one in found.warnings] == [("scale.maxNodes", 2), ("scale.x", 2)]


@pytest.mark.parametrize(
    "content",
    [
        {"experiment_name": "<your-experiment-name>"},
        {"experiment_name": "Microsoft.X/<your-thing>/y"},
        {"kind": "<'cpu' or 'gpu'>"},
        {"names": ["<your-name>"]},
    ],
)
def test_a_placeholder_that_nobody_filled_in_is_an_error(problem, content):
    error = problem(content)
    assert "still has the placeholder of a sample" in error.what
    assert "<" in (error.value or "")


@pytest.mark.parametrize("content", [{"note": "<your-note>"}, {"tags": {"<your-tag>": "x"}}])
def test_a_placeholder_in_a_text_for_people_is_a_warning(read, content):
    found = read(content)
    assert found.errors == []
    assert len(found.warnings) == 1


def test_a_text_with_angle_brackets_is_no_placeholder(read):
    found = read({"note": "a < b and c > d", "experiment_name": "x"})
    assert found.warnings == []
    assert found.only.note


def test_all_problems_are_told_at_once_with_their_lines(read):
    found = read('{\n  "epochs": "x",\n  "wait": 3,\n  "kin": 1\n}')
    assert [(one.line, one.key) for one in found.errors] == [(2, "epochs"), (3, "wait")]
    assert [(one.line, one.fix) for one in found.warnings] == [(4, "did you mean kind?")]


def test_a_key_that_stands_twice(read):
    found = read('{\n"epochs": 1,\n"epochs": 2\n}')
    assert found.only.epochs == 2
    assert (found.warnings[0].key, found.warnings[0].line) == ("epochs", 3)


def test_a_password_of_a_wrong_type_is_hidden(read):
    found = read({"admin_password": 4711})
    assert found.only.admin_password == "4711"
    assert "4711" not in str(found.warnings[0])


def test_a_long_value_is_cut(problem):
    assert len(problem({"epochs": "x" * 500}).value or "") <= 100


def test_empty_inputs_get_their_defaults_and_required_ones_are_named():
    values, problems = read_inputs(spec(), {"AML_ACTION_INPUT_PARAMETERS_FILE": "  ", "AML_ACTION_INPUT_RUN_ID": ""})
    assert values == {"azure_credentials": "", "parameters_file": "train.json", "run_id": ""}
    assert [one.what for one in problems] == ["The input run_id is required and empty."]
