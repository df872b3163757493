"""Everything that is generated from the specs is what lies in the repository, and is what the runner accepts."""

import json
import re
import shutil
import subprocess
import sys
from importlib.metadata import entry_points

import jsonschema
import pytest
import tomllib
import yaml
from support.steps import ROOT

from aml_actions import __version__, generate, pages
from aml_actions.schema import file_schema, parameters_schema
from aml_actions.spec import Output

ACTIONS = generate.find_actions()
NAMES = [action.name for action in ACTIONS]


def action_yml(spec):
    return yaml.safe_load((ROOT / "actions" / spec.name / "action.yml").read_text(encoding="utf-8"))


@pytest.fixture
def repository(tmp_path):
    """A copy of what the generator reads and writes, up to date."""
    for name in NAMES:
        (tmp_path / "actions" / name).mkdir(parents=True)
        for file in ("action.yml", "README.md", "parameters.schema.json"):
            if (ROOT / "actions" / name / file).exists():
                shutil.copy(ROOT / "actions" / name / file, tmp_path / "actions" / name / file)
    assert generate.main([], tmp_path) == 0
    return tmp_path


def test_the_repository_is_up_to_date():
    done = subprocess.run(
        [sys.executable, "-m", "aml_actions.generate", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_actions_are_found():
    assert NAMES == ["aml-compute", "aml-configure", "aml-deploy", "aml-registermodel", "aml-run", "aml-workspace"]
    assert {point.name for point in entry_points(group="aml_actions.actions")} == set(NAMES)


@pytest.mark.parametrize("file", ["action-catalog.md", "actions/aml-run/action.yml", "actions/aml-compute/README.md"])
def test_a_change_by_hand_is_found_and_undone(repository, capsys, file):
    path = repository / file
    text = path.read_text(encoding="utf-8")
    changed = (
        text.replace("azure_credentials", "azure_credential", 1)
        if file != "actions/aml-compute/README.md"
        else text.replace("| `name` |", "| `nom` |")
    )
    assert changed != text
    path.write_text(changed, encoding="utf-8")
    assert generate.main(["--check"], repository) == 1
    assert f"drifted: {file}" in capsys.readouterr().out
    assert generate.main([], repository) == 0
    assert path.read_text(encoding="utf-8") == text


def test_prose_by_hand_is_kept(repository):
    readme = repository / "actions" / "aml-compute" / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8") + "\nA sentence of mine.\n", encoding="utf-8")
    assert generate.main(["--check"], repository) == 0


@pytest.mark.parametrize(("marker", "said"), [("inputs", "lacks the markers"), ("outputs", "lacks the markers")])
def test_a_lost_marker_is_named(repository, capsys, marker, said):
    readme = repository / "actions" / "aml-compute" / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8").replace(f"<!-- generated:{marker} -->", ""), encoding="utf-8")
    assert generate.main(["--check"], repository) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("spec", ACTIONS, ids=NAMES)
def test_action_yml_declares_what_the_spec_declares(spec):
    found = action_yml(spec)
    assert list(found["inputs"]) == [one.name for one in spec.inputs]
    assert list(found["outputs"]) == [one.name for one in spec.outputs]
    for one in spec.inputs:
        assert found["inputs"][one.name]["required"] is one.required
        assert found["inputs"][one.name].get("default", "") == one.default


@pytest.mark.parametrize("spec", ACTIONS, ids=NAMES)
def test_every_input_is_forwarded_and_every_output_comes_from_the_step(spec):
    found = action_yml(spec)
    (step,) = found["runs"]["steps"]
    assert step["env"] == {
        **{f"AML_ACTION_INPUT_{one.name.upper()}": f"${{{{ inputs.{one.name} }}}}" for one in spec.inputs},
        **{name: f"${{{{ {expression} }}}}" for name, expression in spec.variables.items()},
    }
    for name, output in found["outputs"].items():
        assert output["value"] == f"${{{{ steps.{step['id']}.outputs.{name} }}}}"


@pytest.mark.parametrize("spec", ACTIONS, ids=NAMES)
def test_no_expression_reaches_the_shell_and_the_step_ends_in_exec(spec):
    (step,) = action_yml(spec)["runs"]["steps"]
    assert "${{" not in step["run"]
    assert step["run"] == f'exec "$GITHUB_ACTION_PATH/../shared/bootstrap/run.sh" {spec.name}'
    assert step["shell"] == "bash"


@pytest.mark.parametrize("spec", ACTIONS, ids=NAMES)
def test_the_file_is_valid_for_github(spec):
    program = shutil.which("check-jsonschema", path=f"{sys.prefix}/bin")
    assert program, "check-jsonschema is in requirements/dev.txt"
    file = ROOT / "actions" / spec.name / "action.yml"
    done = subprocess.run(
        [program, "--builtin-schema", "vendor.github-actions", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("spec", ACTIONS, ids=NAMES)
def test_the_schema_accepts_the_examples_and_refuses_what_the_action_refuses(spec, tmp_path):
    schema = parameters_schema(spec)
    validator = jsonschema.Draft202012Validator(schema)
    jsonschema.Draft202012Validator.check_schema(schema)
    required = {name: spec.parameters.model_fields[name].examples[0] for name in schema.get("required", ())}
    assert validator.is_valid({"$schema": "parameters.schema.json", **required})
    for name, field in schema["properties"].items():
        for example in field.get("examples", ()):
            assert validator.is_valid({**required, name: example}), f"example of {name}: {example!r}"
    assert not validator.is_valid({**required, "unknown_key": 1})
    for name in schema["properties"]:
        if name != "$schema" and not any(
            one.get("type") == "null" for one in schema["properties"][name].get("anyOf", ())
        ):
            assert not validator.is_valid({**required, name: None}), f"{name}: null"


@pytest.mark.parametrize("spec", ACTIONS, ids=NAMES)
def test_every_parameter_is_documented(spec):
    for name, field in spec.parameters.model_fields.items():
        assert field.description, name
        assert field.examples, name


@pytest.mark.parametrize("spec", ACTIONS, ids=NAMES)
def test_every_action_has_its_json_output(spec):
    assert "result" in {one.name for one in spec.outputs}


@pytest.mark.parametrize("spec", ACTIONS, ids=NAMES)
def test_reading_a_spec_is_cheap(spec):
    """The specs are read by every tool that spans the actions; the Azure SDK must not come with them."""
    module = f"{spec.name.replace('-', '_')}.spec"
    heavy = "sorted(name for name in sys.modules if name.split('.')[0] in ('azure', 'requests', 'yaml'))"
    code = f"import sys, {module}; sys.exit(', '.join({heavy}) or None)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_expression_in_a_description_is_refused():
    """GitHub would evaluate it, and fail on `secrets`."""
    with pytest.raises(ValueError, match="expression"):
        pages._output(Output("x", "Use ${{ secrets.X }}."))


def test_one_version_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert __version__ == project["project"]["version"]


def test_the_actions_do_not_know_the_emulator():
    program = "aml_" + "emulator"
    found = [
        file
        for folder in ("actions", "shared")
        for file in (ROOT / folder).rglob("*")
        if file.is_file()
        and "__pycache__" not in file.parts
        and program in file.read_text(encoding="utf-8", errors="ignore")
    ]
    assert found == []


def test_an_action_imports_no_other_action():
    packages = {name.replace("-", "_") for name in NAMES}
    for name in NAMES:
        own = name.replace("-", "_")
        others = packages - {own}
        for file in (ROOT / "actions" / name).rglob("*.py"):
            imported = set(re.findall(r"^\s*(?:from|import) (\w+)", file.read_text(encoding="utf-8"), re.MULTILINE))
            assert not imported & others, file


def test_the_shared_package_names_no_action():
    for file in (ROOT / "shared").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        for name in NAMES:
            assert not re.search(rf"^\s*(?:from|import) {name.replace('-', '_')}\b", text, re.MULTILINE), file


def test_json_schemas_are_stable_text():
    for spec in (spec for spec in ACTIONS if spec.parameters_file):
        file = ROOT / "actions" / spec.name / "parameters.schema.json"
        assert json.loads(file.read_text(encoding="utf-8")) == file_schema(spec)
