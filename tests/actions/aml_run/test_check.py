"""What a user learns of run.json and the files it points at before anything is asked of Azure."""

from pathlib import Path
from typing import Any

import pytest

from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.spec import CheckContext
from aml_run.check import check
from aml_run.parameters import RunParameters

FILE = ".cloud/.azure/run.json"
RUN_CONFIG = """\
script: train.py
target: cpu-cluster
environment:
  python: {condaDependenciesFile: environment.yml}
  docker: {baseImage: 'registry.example.com/train:1'}
"""
PIPELINE = """\
pipeline:
  default_compute: cpu-cluster
  steps:
    train:
      type: PythonScriptStep
      script_name: train.py
      source_directory: code/train
      runconfig: code/train/run_config.yml
"""
JOB = """\
$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
type: command
code: train
command: python train.py --data ${{inputs.data}}
inputs:
  data: {type: uri_folder, path: azureml://datastores/workspaceblobstore/paths/iris}
environment: {image: 'registry.example.com/train:1', conda_file: train/environment.yml}
compute: azureml:cpu-cluster
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(
        tmp_path,
        {
            "code/train/train.py": "",
            "code/train/environment.yml": "dependencies:\n- python=3.11\n",
            "code/train/run_config.yml": RUN_CONFIG,
        },
    )


def write(root: Path, files: dict[str, str | bytes]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def found(root: Path, **parameters: Any) -> Findings:
    return check(RunParameters(**parameters), CheckContext(root, FILE))


def error_of(root: Path, **parameters: Any) -> ActionError:
    findings = found(root, **parameters)
    assert len(findings.errors) == 1, [str(error) for error in findings.errors]
    return findings.errors[0]


def warning_of(root: Path, **parameters: Any) -> ActionError:
    findings = found(root, **parameters)
    assert findings.errors == []
    (warning,) = findings.warnings
    return warning


def test_a_repository_that_is_right_has_no_findings(root: Path) -> None:
    findings = found(root)
    assert (findings.errors, findings.warnings) == ([], [])


def test_a_repository_with_nothing_to_run(tmp_path: Path) -> None:
    assert "nothing to run" in error_of(tmp_path).what


# --- keys together


def test_artifacts_without_waiting_are_warned_of(root: Path) -> None:
    warning = warning_of(root, wait_for_completion=False, download_artifacts=True)
    assert "download_artifacts has no effect" in warning.what
    assert (warning.file, warning.key) == (FILE, "download_artifacts")


@pytest.mark.parametrize(
    "parameters",
    [{"python_requirements": "requirements.txt"}, {"runconfig_python_function_name": "make"}],
)
def test_keys_of_a_python_file_without_one_are_warned_of(root: Path, parameters: dict[str, str]) -> None:
    assert warning_of(root, **parameters).key == next(iter(parameters))


def test_the_choice_between_several_keys_is_told(root: Path) -> None:
    write(root, {"p.yml": PIPELINE})
    warning = warning_of(root, pipeline_yaml_file="p.yml", runconfig_python_file="nothing.py")
    assert "pipeline_yaml_file decides" in warning.what
    assert (warning.file, warning.key) == (FILE, "pipeline_yaml_file")


# --- files of SDK v1


def test_a_mistake_in_a_run_configuration_is_shown_at_its_line(root: Path) -> None:
    write(root, {"code/train/run_config.yml": RUN_CONFIG + "nodeCount: two\n"})
    error = error_of(root)
    assert "`nodeCount`" in error.what
    assert (error.file, error.line) == ("code/train/run_config.yml", 6)


def test_a_warning_of_a_run_configuration_is_told(root: Path) -> None:
    write(root, {"code/train/run_config.yml": RUN_CONFIG + "nodeCounts: 2\n"})
    warning = warning_of(root)
    assert "`nodeCounts`" in warning.what
    assert warning.file == "code/train/run_config.yml"


def test_a_mistake_in_a_pipeline_is_shown_at_its_line(root: Path) -> None:
    write(root, {"p.yml": PIPELINE.replace("script_name: train.py", "script_name: missing.py")})
    error = error_of(root, pipeline_yaml_file="p.yml")
    assert error.value == "missing.py"
    assert (error.file, error.line) == ("p.yml", 6)


def test_a_mistake_in_the_run_configuration_of_a_step_is_shown_there(root: Path) -> None:
    write(root, {"p.yml": PIPELINE, "code/train/run_config.yml": RUN_CONFIG + "nodeCount: two\n"})
    error = error_of(root, pipeline_yaml_file="p.yml")
    assert (error.file, error.line) == ("code/train/run_config.yml", 6)


def test_all_mistakes_of_a_pipeline_are_told_at_once(root: Path) -> None:
    write(root, {"p.yml": PIPELINE.replace("train.py", "no.py") + "      allow_reuse: perhaps\n"})
    assert len(found(root, pipeline_yaml_file="p.yml").errors) == 2


@pytest.mark.parametrize("key", ["runconfig_yaml_file", "pipeline_yaml_file"])
@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe\x00\x01",
        b"[" * 100_000,
        b"a: &a [*a]\n",
        b"pipeline: {steps: &s {a: *s}}\n",
        b"pipeline: {steps: {a: {type: PythonScriptStep, runconfig: bad.yml, script_name: x}}}\n",
        b"target: x\nscript: x\nenvironment: bad.yml\n",
        b"script: [x]\ntarget: {a: b}\nenvironment: [1]\n",
        b"pipeline: {parameters: [1], steps: [1], data_references: x, default_compute: [1]}\n",
    ],
)
def test_no_content_is_more_than_a_finding(root: Path, key: str, data: bytes) -> None:
    write(root, {"a.yml": data, "bad.yml": b"[" * 1000})
    assert found(root, **{key: "a.yml"}).errors


# --- v2 jobs


def test_a_v2_job_that_is_right_has_no_findings(root: Path) -> None:
    findings = found(write(root, {"code/job.yml": JOB}), job_file="code/job.yml")
    assert (findings.errors, findings.warnings) == ([], [])


@pytest.mark.parametrize(
    ("old", "new", "key", "line"),
    [
        ("code: train", "code: ./nowhere", "code", 3),
        ("conda_file: train/environment.yml", "conda_file: nowhere.yml", "environment.conda_file", 7),
        (
            "environment: {image: 'registry.example.com/train:1', conda_file: train/environment.yml}",
            "environment: {build: {path: nowhere}}",
            "environment.build.path",
            7,
        ),
        (
            "environment: {image: 'registry.example.com/train:1', conda_file: train/environment.yml}",
            "environment: file:nowhere.yml",
            "environment",
            7,
        ),
        ("path: azureml://datastores/workspaceblobstore/paths/iris", "path: ./nowhere", "inputs.data.path", 6),
    ],
)
def test_a_path_of_a_v2_job_that_leads_nowhere_is_shown_at_its_line(
    root: Path, old: str, new: str, key: str, line: int
) -> None:
    error = error_of(write(root, {"code/job.yml": JOB.replace(old, new)}), job_file="code/job.yml")
    assert "nowhere" in str(error.value)
    assert (error.file, error.key, error.line) == ("code/job.yml", key, line)


@pytest.mark.parametrize(
    "line",
    [
        "code: https://github.com/octo/code.git",
        "code: git+https://github.com/octo/code.git",
        "code: azureml:code:1",
        "environment: azureml:train@latest",
        "tags: {code: none, conda_file: none}",
        "inputs: {code: 3, environment: {path: azureml:data:1}, x: {path: 'https://example.com/x.csv'}}",
    ],
)
def test_what_is_no_path_of_the_repository_is_left_to_the_sdk(root: Path, line: str) -> None:
    write(root, {"job.yml": f"type: command\ncommand: echo\ncompute: azureml:c\n{line}\n"})
    assert found(root, job_file="job.yml").errors == []


def test_the_files_that_a_pipeline_names_are_read_too(root: Path) -> None:
    write(
        root,
        {
            "jobs/pipeline.yml": "type: pipeline\njobs:\n"
            "  a: {type: command, component: parts/a.yml}\n"
            "  b: {type: command, component: file:parts/b.yml}\n",
            "jobs/parts/a.yml": "type: command\ncode: ../nowhere\ncommand: x\n",
            "jobs/parts/b.yml": "type: command\n code: x\n",
        },
    )
    errors = found(root, job_file="jobs/pipeline.yml").errors
    assert sorted((error.file, error.line) for error in errors) == [("jobs/parts/a.yml", 2), ("jobs/parts/b.yml", 2)]


def test_files_that_name_each_other_end(root: Path) -> None:
    write(
        root, {"a.yml": "type: pipeline\njobs: {x: {component: b.yml}}\n", "b.yml": "jobs: {x: {component: a.yml}}\n"}
    )
    assert found(root, job_file="a.yml").errors == []


@pytest.mark.parametrize("kind", ["environment", "commandComponent", "managedOnlineEndpoint", "data"])
def test_the_yaml_of_something_else_is_named_for_what_it_is(root: Path, kind: str) -> None:
    write(root, {"x.yml": f"$schema: https://azuremlschemas.azureedge.net/latest/{kind}.schema.json\nname: x\n"})
    error = error_of(root, job_file="x.yml")
    assert kind in error.what
    assert error.line == 1


@pytest.mark.parametrize("value", ["2020-13-45", "9" * 5000, "2020-01-01T99:99:99Z"])
def test_a_value_that_the_sdk_would_stumble_over_is_told(root: Path, value: str) -> None:
    write(root, {"job.yml": f"type: command\ncommand: echo\ncompute: azureml:c\ndescription: {value}\n"})
    assert "quotes" in str(error_of(root, job_file="job.yml").fix)


# --- overrides


@pytest.mark.parametrize("name", ["code/job.yml", "code/train/run_config.yml", "p.yml"])
def test_an_override_that_leads_through_a_value_is_told(root: Path, name: str) -> None:
    write(root, {"code/job.yml": JOB, "p.yml": PIPELINE})
    assert found(root, runconfig_yaml_file=name, set={"description": "x"}).errors == []
    assert error_of(root, runconfig_yaml_file=name, set={"type.x": 1}).key == "set.type.x"


def test_the_check_leaves_nothing_behind(root: Path, tmp_path_factory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    temp = tmp_path_factory.mktemp("temp")
    monkeypatch.setattr("tempfile.tempdir", str(temp))
    docker = "environment:\n  python: {userManagedDependencies: true}\n  docker: {baseDockerfile: 'FROM x'}\n"
    write(root, {"code/train/run_config.yml": "script: train.py\ntarget: c\n" + docker})
    before = sorted(root.rglob("*"))
    assert found(root, set={"description": "x"}).errors == []
    assert (list(temp.iterdir()), sorted(root.rglob("*"))) == ([], before)


# --- Python files


@pytest.mark.parametrize(
    "text",
    [
        "def main(workspace): ...\n",
        "async def main(workspace): ...\n",
        "from jobs import main\n",
        "from jobs import make as main\n",
        "from jobs import *\n",
        "main = print\n",
        "try:\n    from jobs import main\nexcept ImportError:\n    main = None\n",
        "if True:\n    def main(workspace): ...\n",
        "x = '\\d'\ndef main(w): ...\n",
    ],
)
def test_a_python_file_with_its_function_has_no_findings(tmp_path: Path, text: str) -> None:
    findings = found(write(tmp_path, {"job.py": text}), runconfig_python_file="job.py")
    assert (findings.errors, findings.warnings) == ([], [])


def test_a_function_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    write(tmp_path, {"job.py": "def make(): ...\nclass Job:\n    def main(self): ...\n"})
    error = error_of(tmp_path, runconfig_python_file="job.py")
    assert "no function main" in error.what
    assert error.value == "it defines Job, make"


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"x = 1\ndef main(:\n", 2),
        (b"x = \x00", None),
        (b"\xff\xfe", None),
        (b"(" * 100_000, None),
        (b"x = " + b"-" * 100_000 + b"1\n", None),
    ],
)
def test_a_file_that_is_no_python_is_told(tmp_path: Path, data: bytes, line: int | None) -> None:
    error = error_of(write(tmp_path, {"job.py": data}), runconfig_python_file="job.py")
    assert error.file == "job.py"
    if line:
        assert error.line == line


def test_the_file_is_not_run(tmp_path: Path) -> None:
    write(tmp_path, {"job.py": "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\ndef main(w): ...\n"})
    assert found(tmp_path, runconfig_python_file="job.py").errors == []
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("path", "said"), [("missing.txt", "does not exist"), ("../x.txt", "outside"), (".", "does not exist")]
)
def test_requirements_that_are_not_there_are_told(tmp_path: Path, path: str, said: str) -> None:
    write(tmp_path, {"job.py": "def main(w): ...\n"})
    error = error_of(tmp_path, runconfig_python_file="job.py", python_requirements=path)
    assert said in error.what
    assert (error.file, error.key) == (FILE, "python_requirements")


def test_requirements_that_are_there_are_not(tmp_path: Path) -> None:
    write(tmp_path, {"job.py": "def main(w): ...\n", "requirements.txt": "numpy\n"})
    assert found(tmp_path, runconfig_python_file="job.py", python_requirements="requirements.txt").errors == []
