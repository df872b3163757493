"""A repository of the legacy actions keeps its pipeline.yml: what becomes of its steps, parameters and data."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from aml_actions.errors import InvalidSettings
from aml_run import pipeline_v1, yaml_text
from aml_run.pipeline_v1_model import Pipeline, Step
from aml_run.report import Report

RUN_CONFIG = """\
script: ignored.py
arguments: [--ignored]
target: cpu-cluster
environment:
  environmentVariables: {EXAMPLE: value}
  python: {condaDependenciesFile: environment.yml}
  docker: {baseImage: 'registry.example.com/train:1'}
"""
NAME = "pipelines/train.yml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The repository with two scripts and a run configuration."""
    files = {
        "code/prepare/prepare.py": "",
        "code/train/train.py": "",
        "envs/run.yml": RUN_CONFIG,
        "envs/environment.yml": "dependencies:\n- python=3.11\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def step(**keys: Any) -> dict[str, Any]:
    """A step that runs; a value of None leaves a key out."""
    usual = {
        "type": "PythonScriptStep",
        "script_name": "train.py",
        "source_directory": "code/train",
        "runconfig": "envs/run.yml",
    }
    return {key: value for key, value in {**usual, **keys}.items() if value is not None}


def document(*steps: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """A pipeline with steps named `step_1`, `step_2` and so on."""
    named = {f"step_{number}": one for number, one in enumerate(steps, 1)}
    return {"pipeline": {"default_compute": "cpu-cluster", "steps": named, **keys}}


def translated(root: Path, content: dict[str, Any], report: Report | None = None) -> Pipeline:
    """Translate a pipeline by way of its YAML."""
    file = root / NAME
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump(content))
    return pipeline_v1.translate(yaml_text.load(file, NAME), root, report or Report(NAME, pipeline_v1.ANCHOR))


def one_step(root: Path, content: dict[str, Any]) -> Step:
    (found,) = translated(root, content).steps
    return found


def report_of(root: Path, content: dict[str, Any]) -> Report:
    report = Report(NAME, pipeline_v1.ANCHOR)
    translated(root, content, report)
    return report


def problems_of(root: Path, content: dict[str, Any]) -> list[str]:
    with pytest.raises(InvalidSettings) as caught:
        translated(root, content)
    return [f"{problem}\n{problem.details or ''}" for problem in caught.value.problems]


# --- steps


def test_a_step_runs_its_script_in_what_its_run_configuration_says(root: Path) -> None:
    found = one_step(root, document(step(arguments=["--alpha", "0.10", "two words", "$HOME; `id`"])))
    assert found.settings.command == "python train.py --alpha 0.10 'two words' '$HOME; `id`'"
    assert found.settings.code == root / "code/train"
    assert found.settings.environment.image == "registry.example.com/train:1"
    assert found.settings.environment.conda == root / "envs/environment.yml"
    assert found.settings.environment_variables == {"EXAMPLE": "value"}


@pytest.mark.parametrize(
    ("keys", "name"), [({}, "train.py"), ({"name": "model training"}, "model training"), ({"name": ""}, "train.py")]
)
def test_a_step_is_called_as_in_v1(root: Path, keys: dict[str, str], name: str) -> None:
    assert one_step(root, document(step(**keys))).name == name


@pytest.mark.parametrize(
    ("written", "node"),
    [("TrainStep", "train_step"), ("Step 1", "step_1"), ("1st", "_1st"), ("modèle", "mod_le"), ("train", "train")],
)
def test_the_name_of_a_node_is_one_that_v2_takes(root: Path, written: str, node: str) -> None:
    assert one_step(root, {"pipeline": {"default_compute": "c", "steps": {written: step()}}}).key == node


def test_steps_whose_names_become_the_same_stay_apart(root: Path) -> None:
    content = {"pipeline": {"default_compute": "c", "steps": {"a-b": step(), "a.b": step(), "A_B": step()}}}
    assert [one.key for one in translated(root, content).steps] == ["a_b", "a_b_2", "a_b_3"]


def test_the_old_spelling_of_a_step_means_the_same(root: Path) -> None:
    old = {
        "runconfig": "envs/run.yml",
        "arguments": ["--x"],
        "python_script_step": {
            "name": "train",
            "script_name": "train.py",
            "source_directory": "code/train",
            "allow_reuse": False,
        },
    }
    found = one_step(root, document(old))
    assert (found.name, found.settings.command, found.allow_reuse) == ("train", "python train.py --x", False)


def test_a_step_without_a_source_directory_uploads_the_repository(root: Path) -> None:
    found = one_step(root, document(step(source_directory=None, script_name="code/train/train.py")))
    assert (found.settings.code, found.settings.command) == (root, "python code/train/train.py")


@pytest.mark.parametrize(("value", "reuse"), [(None, True), (True, True), (False, False)])
def test_reuse_is_kept(root: Path, value: bool | None, reuse: bool) -> None:
    assert one_step(root, document(step(allow_reuse=value))).allow_reuse is reuse


@pytest.mark.parametrize(
    ("default", "own", "compute"),
    [("big", None, ""), ("big", "small", "small"), (None, "small", "small"), (None, None, "cpu-cluster")],
)
def test_the_compute_is_the_step_s_then_the_pipeline_s_then_the_run_configuration_s(
    root: Path, default: str | None, own: str | None, compute: str
) -> None:
    found = translated(root, document(step(compute=own), default_compute=default))
    assert found.default_compute == (default or "")
    assert found.steps[0].settings.compute == compute


def test_a_run_configuration_keeps_nodes_and_launcher(root: Path) -> None:
    (root / "envs/run.yml").write_text(
        RUN_CONFIG + "communicator: OpenMpi\nnodeCount: 3\nmpi: {processCountPerNode: 2}\n"
    )
    settings = one_step(root, document(step())).settings
    assert settings.nodes == 3
    assert settings.distribution is not None
    assert settings.distribution.processes_per_node == 2


# --- parameters


def test_a_parameter_of_the_pipeline_reaches_the_script_as_a_variable_and_where_an_argument_names_it(
    root: Path,
) -> None:
    content = document(
        step(parameters={"lr": {"source": "LearningRate"}}, arguments=["--lr", "parameter:lr"]),
        parameters={"LearningRate": {"type": "float", "default": 0.1}},
    )
    found = one_step(root, content)
    assert found.settings.command == "AML_PARAMETER_lr='${{inputs.lr}}' python train.py --lr '${{inputs.lr}}'"
    (parameter,) = found.parameters
    assert parameter.parameter is not None
    assert parameter.parameter.input == "LearningRate"


def test_a_constant_of_a_step_reaches_the_script_likewise(root: Path) -> None:
    found = one_step(root, document(step(parameters={"N-1": "it's 7"}, arguments=["--n", "parameter:N-1"])))
    assert found.settings.environment_variables == {"EXAMPLE": "value", "AML_PARAMETER_N_1": "it's 7"}
    assert found.settings.command == """python train.py --n 'it'"'"'s 7'"""


@pytest.mark.parametrize(
    ("section", "type_", "value"),
    [
        ({"type": "string", "default": "010"}, "string", "010"),
        ({"type": "int", "default": "010"}, "integer", 10),
        ({"type": "int", "default": -3}, "integer", -3),
        ({"type": "int"}, "integer", 0),
        ({"type": "float", "default": "1e-3"}, "number", 0.001),
        ({"type": "float", "default": 2}, "number", 2.0),
        ({"type": "float"}, "number", 0.0),
        ({"type": "bool", "default": True}, "boolean", True),
        ({"type": "bool"}, "boolean", False),
    ],
)
def test_a_parameter_keeps_type_and_default(root: Path, section: dict[str, Any], type_: str, value: object) -> None:
    (parameter,) = translated(root, document(step(), parameters={"p": section})).parameters
    assert (parameter.type, parameter.value, type(parameter.value)) == (type_, value, type(value))


def test_an_empty_text_is_a_constant_since_a_v2_job_has_no_empty_inputs(root: Path) -> None:
    content = document(
        step(parameters={"a": {"source": "p"}}, arguments=["--a", "parameter:a"]),
        parameters={"p": {"type": "string", "default": ""}},
    )
    pipeline = translated(root, content)
    assert pipeline.parameters == ()
    assert pipeline.steps[0].settings.command == "python train.py --a ''"
    assert pipeline.steps[0].settings.environment_variables["AML_PARAMETER_a"] == ""


def test_a_text_without_a_default_matters_only_to_a_step_that_asks_for_it(root: Path) -> None:
    parameters = {"p": {"type": "string"}}
    assert translated(root, document(step(), parameters=parameters)).parameters == ()
    (problem,) = problems_of(root, document(step(parameters={"a": {"source": "p"}}), parameters=parameters))
    assert "p has no default" in problem


def test_parameters_of_the_run_configuration_are_fixed_with_a_warning(root: Path) -> None:
    content = document(
        step(runconfig_parameters={"NodeCount": {"source": "Nodes"}}),
        parameters={"Nodes": {"type": "int", "default": 4}},
    )
    assert one_step(root, content).settings.nodes == 4
    (warning,) = report_of(root, content).warnings
    assert "fixed to 4" in warning


# --- data


def test_a_data_reference_is_bound_with_its_mode(root: Path) -> None:
    content = document(
        step(inputs={"raw": {"source": "in", "bind_mode": "download"}}, arguments=["--data", "input:raw"]),
        data_references={"in": {"datastore": "store", "path_on_datastore": "/a/b/"}},
    )
    pipeline = translated(root, content)
    (data,) = pipeline.data
    assert (data.input, data.type, data.path) == ("in", "uri_folder", "azureml://datastores/store/paths/a/b/")
    (binding,) = pipeline.steps[0].inputs
    assert (binding.data, binding.mode) == ("in", "download")
    assert pipeline.steps[0].settings.command == "python train.py --data '${{inputs.raw}}'"


@pytest.mark.parametrize(
    ("path", "type_", "meant"),
    [
        ("a", "uri_folder", "a"),
        ("a/v1.0", "uri_folder", "a/v1.0"),
        ("a.csv", "uri_file", "a.csv"),
        ("a.csv/", "uri_folder", "a.csv/"),
        ("./a", "uri_folder", "a"),
        ("/", "uri_folder", ""),
    ],
)
def test_a_file_is_told_from_a_folder(root: Path, path: str, type_: str, meant: str) -> None:
    content = document(
        step(inputs={"i": {"source": "d"}}), data_references={"d": {"datastore": "s", "path_on_datastore": path}}
    )
    pipeline = translated(root, content)
    assert (pipeline.data[0].type, pipeline.data[0].path) == (type_, f"azureml://datastores/s/paths/{meant}")
    assert pipeline.steps[0].inputs[0].type == type_


def test_a_dataset_is_the_data_asset_of_its_name(root: Path) -> None:
    content = document(step(inputs={"i": {"source": "d"}}), data_references={"d": {"dataset_name": "iris"}})
    assert translated(root, content).data[0].path == "azureml:iris@latest"
    assert "dataset iris" in report_of(root, content).warnings[0]


def test_a_parameter_that_is_a_path_is_data(root: Path) -> None:
    default = {"datastore": "store", "path_on_datastore": "a/b.csv"}
    content = document(
        step(inputs={"i": {"source": "where"}}), parameters={"where": {"type": "datapath", "default": default}}
    )
    pipeline = translated(root, content)
    assert (pipeline.data[0].input, pipeline.data[0].type) == ("where", "uri_file")
    assert pipeline.parameters == ()


def test_data_that_no_step_reads_is_left_out(root: Path) -> None:
    content = document(step(), data_references={"d": {"datastore": "s", "path_on_datastore": "x"}})
    assert translated(root, content).data == ()
    assert "no step reads the data d" in report_of(root, content).notes[0]


def test_the_output_of_one_step_is_the_input_of_another_whatever_their_order(root: Path) -> None:
    consumer = step(inputs={"clean": {"source": "clean_data"}}, arguments=["input:clean"])
    producer = step(
        source_directory="code/prepare",
        script_name="prepare.py",
        outputs={"out": {"destination": "clean_data", "bind_mode": "upload"}},
        arguments=["output:out"],
    )
    first, second = translated(root, document(consumer, producer)).steps
    (binding,) = first.inputs
    assert (binding.step, binding.output, binding.mode) == ("step_2", "out", "ro_mount")
    (output,) = second.outputs
    assert (output.mode, output.path) == ("upload", "")
    assert second.settings.command == "python prepare.py '${{outputs.out}}'"


@pytest.mark.parametrize(
    ("datastore", "path"),
    [
        ("workspaceblobstore", ""),
        ("other", "azureml://datastores/other/paths/azureml/${{name}}/${{output_name}}"),
    ],
)
def test_an_output_is_kept_on_its_datastore(root: Path, datastore: str, path: str) -> None:
    found = one_step(root, document(step(outputs={"o": {"destination": "x", "datastore": datastore}})))
    assert (found.outputs[0].mode, found.outputs[0].path) == ("rw_mount", path)


def test_what_no_argument_names_reaches_the_script_as_the_variable_of_v1(root: Path) -> None:
    content = document(
        step(inputs={"raw-1": {"source": "d"}}, outputs={"o": {"destination": "x"}}),
        data_references={"d": {"datastore": "s", "path_on_datastore": "x"}},
    )
    assert one_step(root, content).settings.command == (
        "AZUREML_DATAREFERENCE_raw_1='${{inputs.raw_1}}' AZUREML_DATAREFERENCE_o='${{outputs.o}}' python train.py"
    )


def test_side_inputs_are_inputs(root: Path) -> None:
    content = document(
        step(side_inputs={"s": {"source": "d", "type": "download"}}, arguments=["side_input:s"]),
        data_references={"d": {"datastore": "s", "path_on_datastore": "x"}},
    )
    found = one_step(root, content)
    assert (found.inputs[0].data, found.inputs[0].mode) == ("d", "download")
    assert found.settings.command == "python train.py '${{inputs.s}}'"


# --- what is said and left out


@pytest.mark.parametrize("argument", ["input:x", "output:x", "parameter:x", "side_input:x"])
def test_an_argument_that_names_nothing_stays_text_as_in_v1(root: Path, argument: str) -> None:
    content = document(step(arguments=[argument]))
    assert one_step(root, content).settings.command == f"python train.py {argument}"
    (warning,) = report_of(root, content).warnings
    assert "has no " in warning


def test_paths_from_the_root_of_the_container_are_taken_from_the_repository(root: Path) -> None:
    content = document(step(source_directory="/code/train/", runconfig="/envs/run.yml"))
    assert one_step(root, content).settings.code == root / "code/train"
    assert [warning.rsplit(" ", 1)[-1] for warning in report_of(root, content).warnings] == [
        "`code/train/`.",
        "`envs/run.yml`.",
    ]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"hash_paths": ["a"]}, "`pipeline.steps.step_1.hash_paths`"),
        ({"version": "1"}, "`pipeline.steps.step_1.version`"),
        ({"outputs": {"o": {"destination": "x", "as_dataset": True}}}, "outputs.o.as_dataset`"),
    ],
)
def test_a_key_that_changes_nothing_is_noted(root: Path, keys: dict[str, Any], said: str) -> None:
    report = report_of(root, document(step(**keys)))
    assert said in "\n".join(report.notes)
    assert report.warnings == []


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"script_nam": "x"}, "Do you mean `script_name`?"),
        ({"outputs": {"o": {"destination": "x", "path_on_compute": "/tmp/x"}}}, "outputs.o.path_on_compute`"),
        ({"outputs": {"o": {"destination": "x", "overwrite": True}}}, "outputs.o.overwrite`"),
    ],
)
def test_a_key_without_effect_is_named_in_a_warning(root: Path, keys: dict[str, Any], said: str) -> None:
    assert said in "\n".join(report_of(root, document(step(**keys))).warnings)


def test_warnings_of_a_run_configuration_that_several_steps_share_are_told_once(root: Path) -> None:
    (root / "envs/run.yml").write_text(RUN_CONFIG + "priority: 3\nnodeCounts: 2\n")
    assert len(report_of(root, document(step(), step())).warnings) == 2


# --- what stops the step


def test_the_enterprise_template_s_indentation_is_shown_as_it_should_be(root: Path) -> None:
    text = """\
pipeline:
    description: SamplePipelineFromYaml
    parameters:
        PipelineParam1:
        type: int
        default: 3
    default_compute: igniteCluster
    steps:
        TrainingStep:
            type: PythonScriptStep
            script_name: train.py
            source_directory: /code/train/
            runconfig: envs/run.yml
            parameters: {NUM: {source: PipelineParam1}}
"""
    (problem,) = problems_of(root, yaml.safe_load(text))
    assert "PipelineParam1: {type: int, default: 3}" in problem
    assert "    PipelineParam1:\n      type: int\n      default: 3\n" in problem


@pytest.mark.parametrize(
    "kind",
    [
        "ModuleStep",
        "ParallelRunStep",
        "AdlaStep",
        "DataTransferStep",
        "DatabricksStep",
        "AzureBatchStep",
        "HyperDriveStep",
    ],
)
def test_a_step_of_another_type_is_refused_by_name(root: Path, kind: str) -> None:
    (problem,) = problems_of(root, document(step(type=kind)))
    assert f"a {kind} has no translation" in problem
    assert "v2 pipeline job" in problem


@pytest.mark.parametrize(
    ("section", "kind"),
    [("module", "ModuleStep"), ("databricks_step", "DatabricksStep"), ("azurebatch_step", "AzureBatchStep")],
)
def test_a_step_of_another_type_in_the_old_spelling_likewise(root: Path, section: str, kind: str) -> None:
    (problem,) = problems_of(root, document({section: {"name": "x"}}))
    assert f"a {kind} has no translation" in problem


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"type": "PythonScript"}, "the type of the step is not known"),
        ({"script_name": None}, "no `script_name`"),
        ({"script_name": "missing.py"}, "missing.py"),
        ({"source_directory": "missing"}, "`source_directory` does not exist"),
        ({"source_directory": "../.."}, "outside the repository"),
        ({"runconfig": None}, "no `runconfig`"),
        ({"runconfig": "missing.yml"}, "`runconfig` does not exist"),
        ({"runconfig": "../../etc/passwd"}, "outside the repository"),
        ({"runconfig": "code/train/train.py"}, "no run configuration"),
        ({"compute": "local"}, "no compute of the workspace"),
        ({"allow_reuse": "perhaps"}, "`allow_reuse` is neither true nor false"),
        ({"arguments": "--a b"}, "`arguments` must be a list"),
        ({"arguments": [{"--a": "b"}]}, "`arguments` must be a list"),
        ({"arguments": ["${{ inputs.x }}"]}, "${{"),
        ({"parameters": {"p": "${{ x }}"}}, "${{"),
        ({"parameters": {"p": {"source": "nope"}}}, "{source: nope}"),
        ({"parameters": {"p": None}}, "the parameter p has neither"),
        ({"inputs": {"i": {"source": "nope"}}}, "the source of the input i"),
        ({"inputs": {"i": {"bind_mode": "mount"}}}, "the input i has no `source`"),
        ({"inputs": {"i": None}}, "`i` holds nothing"),
        ({"inputs": ["i"]}, "inputs` must hold keys"),
        ({"outputs": {"o": {"bind_mode": "mount"}}}, "no `destination`"),
        ({"outputs": {"o": {"destination": "x", "bind_mode": "download"}}}, "`bind_mode` is not known"),
        ({"runconfig_parameters": {"Target": "x"}}, "`Target` cannot be set here"),
        ({"parallel_run_config": "x.yml"}, "ParallelRunStep"),
        ({"models_id": ["a:1"]}, "ParallelRunStep"),
    ],
)
def test_a_step_that_cannot_run_says_why(root: Path, keys: dict[str, Any], said: str) -> None:
    assert any(said in problem for problem in problems_of(root, document(step(**keys))))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"parameters": {"p": {"type": "text"}}}, "not known: text"),
        ({"parameters": {"p": {"default": 3}}}, "is missing"),
        ({"parameters": {"p": "3"}}, "p: {type: string, default: 3}"),
        ({"parameters": {"p": {"type": "int", "default": "1.5"}}}, "p is no int"),
        ({"parameters": {"p": {"type": "float", "default": "nan"}}}, "p is no float"),
        ({"parameters": {"p": {"type": "int", "default": "9" * 5000}}}, "p is no int"),
        ({"parameters": {"p": {"type": "bool", "default": "perhaps"}}}, "neither true nor false"),
        ({"parameters": {"p": {"type": "string", "default": "${{x}}"}}}, "${{"),
        ({"parameters": {"p": {"type": "datapath"}}}, "no default"),
        ({"parameters": {"p": {"type": "datapath", "default": {"datastore": "d"}}}}, "no `path_on_datastore`"),
        ({"data_references": {"d": {"datastore": "s"}}}, "no `path_on_datastore`"),
        ({"data_references": {"d": {"path_on_datastore": "s"}}}, "no `datastore`"),
        ({"data_references": {"d": {"datastore": "a b", "path_on_datastore": "s"}}}, "a b"),
        ({"data_references": {"d": {"dataset_id": "0000"}}}, "dataset_name"),
        (
            {"data_references": {"d": {"datastore": "s", "sql_query": "select 1"}}},
            "`pipeline.data_references.d.sql_query`",
        ),
        ({"data_references": {"d": {"datastore": "s", "sql_table": "t"}}}, "SQL"),
        ({"description": ["a"]}, "`description` must be one value"),
        ({"default_compute": ["a"]}, "`default_compute` must be one value"),
        ({"steps": None}, "there is no step"),
        ({"steps": {}}, "there is no step"),
        ({"steps": [1]}, "steps` must hold keys"),
        ({"steps": {"a": None}}, "`a` holds nothing"),
        ({"steps": {"a": {"name": "x"}}}, "the step has no type"),
    ],
)
def test_a_pipeline_that_cannot_run_says_why(root: Path, keys: dict[str, Any], said: str) -> None:
    assert any(said in problem for problem in problems_of(root, document(step(), **keys)))


@pytest.mark.parametrize("content", [{"pipeline": None}, {"pipeline": []}, {"pipeline": "x"}])
def test_a_file_without_a_pipeline_says_so(root: Path, content: dict[str, Any]) -> None:
    assert problems_of(root, content)


def test_a_default_that_would_end_its_quotes_is_refused(root: Path) -> None:
    content = document(
        step(parameters={"p": {"source": "q"}}), parameters={"q": {"type": "string", "default": "'; rm -rf /; '"}}
    )
    (problem,) = problems_of(root, content)
    assert "single quote" in problem


def test_steps_that_wait_for_each_other_are_refused(root: Path) -> None:
    content = document(
        step(name="one", inputs={"i": {"source": "b"}}, outputs={"o": {"destination": "a"}}),
        step(name="two", inputs={"i": {"source": "a"}}, outputs={"o": {"destination": "b"}}),
        step(name="three", inputs={"i": {"source": "a"}}),
    )
    (problem,) = problems_of(root, content)
    assert "wait for each other: one, two." in problem


def test_two_outputs_with_one_destination_are_refused(root: Path) -> None:
    outputs = {"o": {"destination": "x"}}
    (problem,) = problems_of(root, document(step(outputs=outputs), step(outputs=outputs)))
    assert "two outputs have the destination x" in problem


def test_problems_of_a_run_configuration_name_its_file(root: Path) -> None:
    (root / "envs/run.yml").write_text(RUN_CONFIG + "spark: {configuration: {a: b}}\n")
    (problem,) = problems_of(root, document(step(), step()))
    assert problem.startswith("envs/run.yml: `spark.configuration`")


def test_all_problems_are_told_at_once(root: Path) -> None:
    content = document(step(script_name="no.py"), step(inputs={"i": {"source": "x"}}), parameters={"p": {"type": "x"}})
    assert len(problems_of(root, content)) == 3
