"""Which file says what to run, and what a user is told when there is none."""

from pathlib import Path

import pytest

from aml_actions.errors import ActionError
from aml_run import definition
from aml_run.definition import Definition
from aml_run.parameters import RunParameters

V1 = "script: train.py\ntarget: cpu\n"
V2 = "$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json\ncommand: echo\n"
PIPELINE = "pipeline: {steps: {}}\n"
PYTHON = "def main(workspace): ...\n"
BEFORE_2019 = (
    "ArgumentVector:\n- train.py\nTarget: cpu-cluster\nFramework: Python\nCondaDependenciesFile: environment.yml\n"
)
DEFAULTS = {
    "code/train/run_config.yml": V1,
    "code/train/pipeline.yml": PIPELINE,
    "code/train/run_config.py": PYTHON,
}


def repository(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def chosen(root: Path, warnings: list[ActionError] | None = None, **parameters: object) -> Definition:
    heard = [] if warnings is None else warnings
    return definition.choose(RunParameters(**parameters), root, heard.append, parameters_file=".cloud/.azure/run.json")  # type: ignore[arg-type]


def refusal(root: Path, **parameters: object) -> ActionError:
    with pytest.raises(ActionError) as caught:
        chosen(root, **parameters)
    return caught.value


# --- without a key


@pytest.mark.parametrize(
    ("missing", "name", "kind"),
    [
        ([], "code/train/run_config.yml", "runconfig"),
        (["code/train/run_config.yml"], "code/train/pipeline.yml", "pipeline"),
        (["code/train/run_config.yml", "code/train/pipeline.yml"], "code/train/run_config.py", "python"),
    ],
)
def test_without_a_key_the_legacy_defaults_are_tried_in_their_order(
    tmp_path: Path, missing: list[str], name: str, kind: str
) -> None:
    warnings: list[ActionError] = []
    found = chosen(
        repository(tmp_path, {file: text for file, text in DEFAULTS.items() if file not in missing}), warnings
    )
    assert (found.name, found.kind, warnings) == (name, kind, [])


def test_a_default_that_is_wrong_is_an_error_and_the_next_one_is_not_taken(tmp_path: Path) -> None:
    error = refusal(repository(tmp_path, {**DEFAULTS, "code/train/run_config.yml": "- a\n"}))
    assert "code/train/run_config.yml cannot be run" in error.what


def test_without_any_file_there_is_nothing_to_run(tmp_path: Path) -> None:
    text = str(refusal(tmp_path))
    assert "There is nothing to run" in text
    assert all(name in text for name in DEFAULTS)


# --- with a key


@pytest.mark.parametrize(
    ("key", "file", "text", "kind"),
    [
        ("job_file", "job.yml", V2, "v2"),
        ("runconfig_yaml_file", "own.yml", V1, "runconfig"),
        ("pipeline_yaml_file", "own.yml", PIPELINE, "pipeline"),
        ("runconfig_python_file", "own.py", PYTHON, "python"),
    ],
)
def test_a_file_that_the_user_names_wins_over_the_defaults(
    tmp_path: Path, key: str, file: str, text: str, kind: str
) -> None:
    found = chosen(repository(tmp_path, {**DEFAULTS, file: text}), **{key: file})
    assert (found.name, found.kind, found.key) == (file, kind, key)
    assert found.root == tmp_path
    assert (found.document is None) == (kind == "python")


@pytest.mark.parametrize("key", ["job_file", *definition.LEGACY_ORDER])
def test_a_named_file_that_is_missing_is_an_error_although_a_default_is_there(tmp_path: Path, key: str) -> None:
    error = refusal(repository(tmp_path, DEFAULTS), **{key: "jobs/train.yml"})
    assert (error.file, error.key) == (".cloud/.azure/run.json", key)
    assert "does not exist" in error.what
    assert error.value == "jobs/train.yml"


def test_a_python_file_may_be_named_without_its_ending(tmp_path: Path) -> None:
    found = chosen(repository(tmp_path, {"src/make_job.py": PYTHON}), runconfig_python_file="src/make_job")
    assert found.name == "src/make_job.py"


def test_a_python_file_that_is_yaml_is_told_where_it_belongs(tmp_path: Path) -> None:
    error = refusal(repository(tmp_path, {"job.yml": V2}), runconfig_python_file="job.yml")
    assert "job_file" in str(error.fix)


def test_a_yaml_file_that_is_python_is_told_where_it_belongs(tmp_path: Path) -> None:
    error = refusal(repository(tmp_path, {"job.py": PYTHON}), runconfig_yaml_file="job.py")
    assert "runconfig_python_file" in str(error.fix)


# --- several keys


def test_a_job_file_stands_alone(tmp_path: Path) -> None:
    root = repository(tmp_path, {"a.yml": V1, "b.yml": V2})
    error = refusal(root, job_file="b.yml", runconfig_yaml_file="a.yml")
    assert "Both job_file and runconfig_yaml_file" in error.what
    assert error.value == "b.yml, a.yml"


def test_of_several_legacy_keys_the_first_whose_file_exists_is_run_with_a_warning(tmp_path: Path) -> None:
    root = repository(tmp_path, {"p.yml": PIPELINE, "j.py": PYTHON})
    warnings: list[ActionError] = []
    found = chosen(
        root, warnings, runconfig_yaml_file="r.yml", pipeline_yaml_file="p.yml", runconfig_python_file="j.py"
    )
    assert (found.name, found.kind) == ("p.yml", "pipeline")
    (warning,) = warnings
    assert "pipeline_yaml_file decides" in warning.what
    assert warning.value == "not run: runconfig_yaml_file (r.yml), runconfig_python_file (j.py)"


def test_the_defaults_do_not_help_when_none_of_several_named_files_exists(tmp_path: Path) -> None:
    error = refusal(repository(tmp_path, DEFAULTS), runconfig_yaml_file="r.yml", pipeline_yaml_file="p.yml")
    assert "None of the files" in error.what
    assert error.value == "runconfig_yaml_file: r.yml, pipeline_yaml_file: p.yml"


# --- paths


@pytest.mark.parametrize("folder", ["/code", "/definitely-not-on-this-machine", "//code"])
def test_a_path_from_the_root_of_the_container_is_taken_from_the_repository(tmp_path: Path, folder: str) -> None:
    warnings: list[ActionError] = []
    inside = folder.lstrip("/")
    found = chosen(repository(tmp_path, {f"{inside}/a.yml": V1}), warnings, runconfig_yaml_file=f"{folder}/a.yml")
    assert found.name == f"{inside}/a.yml"
    (warning,) = warnings
    assert warning.fix == f"write {inside}/a.yml"
    assert warning.key == "runconfig_yaml_file"


def test_an_absolute_path_into_the_repository_is_one_of_it(tmp_path: Path) -> None:
    warnings: list[ActionError] = []
    root = repository(tmp_path, {"a.yml": V1})
    assert chosen(root, warnings, runconfig_yaml_file=str(root / "a.yml")).name == "a.yml"
    assert warnings == []


def test_a_folder_above_the_repository_is_out_of_bounds(tmp_path: Path) -> None:
    repository(tmp_path, {"secret.yml": V1, "repo/x": ""})
    assert "outside the repository" in refusal(tmp_path / "repo", runconfig_yaml_file="../secret.yml").what


def test_a_link_out_of_the_repository_is_out_of_bounds(tmp_path: Path) -> None:
    repository(tmp_path, {"secret.yml": V1, "repo/x": ""})
    (tmp_path / "repo" / "a.yml").symlink_to(tmp_path / "secret.yml")
    assert "outside the repository" in refusal(tmp_path / "repo", runconfig_yaml_file="a.yml").what


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000, "a/../../..", "."])
def test_a_name_that_no_file_can_have_is_an_error_like_any_other(tmp_path: Path, path: str) -> None:
    assert refusal(tmp_path, job_file=path).key == "job_file"


def test_links_in_a_circle_are_an_error_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "a.yml").symlink_to(tmp_path / "b.yml")
    (tmp_path / "b.yml").symlink_to(tmp_path / "a.yml")
    assert refusal(tmp_path, job_file="a.yml").key == "job_file"


# --- what kind of file it is


@pytest.mark.parametrize("key", ["job_file", "runconfig_yaml_file", "pipeline_yaml_file"])
@pytest.mark.parametrize(
    "text",
    [V2, "type: command\ncommand: echo\n", "command: echo\ncompute: azureml:cpu\n", "type: pipeline\njobs: {}\n"],
)
def test_a_v2_job_is_recognised_under_every_key(tmp_path: Path, key: str, text: str) -> None:
    warnings: list[ActionError] = []
    assert chosen(repository(tmp_path, {"a.yml": text}), warnings, **{key: "a.yml"}).kind == "v2"
    assert warnings == []


@pytest.mark.parametrize("text", [V1, "command: echo\ntarget: cpu\n", "node_count: 1\n", "environment: {python: {}}\n"])
def test_a_run_configuration_is_recognised(tmp_path: Path, text: str) -> None:
    assert chosen(repository(tmp_path, {"a.yml": text}), runconfig_yaml_file="a.yml").kind == "runconfig"


@pytest.mark.parametrize(
    ("key", "text", "kind", "better"),
    [
        ("runconfig_yaml_file", PIPELINE, "pipeline", "pipeline_yaml_file"),
        ("pipeline_yaml_file", V1, "runconfig", "runconfig_yaml_file"),
    ],
)
def test_files_of_sdk_v1_under_each_others_key_are_run_with_a_warning(
    tmp_path: Path, key: str, text: str, kind: str, better: str
) -> None:
    warnings: list[ActionError] = []
    assert chosen(repository(tmp_path, {"a.yml": text}), warnings, **{key: "a.yml"}).kind == kind
    (warning,) = warnings
    assert better in str(warning.fix)


@pytest.mark.parametrize(("text", "better"), [(V1, "runconfig_yaml_file"), (PIPELINE, "pipeline_yaml_file")])
def test_a_file_of_sdk_v1_as_job_file_is_told_where_it_belongs(tmp_path: Path, text: str, better: str) -> None:
    assert better in str(refusal(repository(tmp_path, {"a.yml": text}), job_file="a.yml").fix)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BEFORE_2019, "before 2019"),
        ("name: conda\ndependencies: []\n", "of no such file: name, dependencies"),
        ("type: {a: b}\n", "of no such file: type"),
        ("- a\n", "no keys"),
        ("", "no keys"),
        ("just text\n", "no keys"),
    ],
)
def test_a_file_of_another_kind_is_named_for_what_it_is(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(repository(tmp_path, {"a.yml": text}), runconfig_yaml_file="a.yml").what
