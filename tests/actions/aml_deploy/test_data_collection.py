"""Entry scripts with the data collector of SDK v1: warned about, and served without one."""

import subprocess
import sys

import pytest

from aml_deploy import data_collection
from aml_deploy.parameters import DeployParameters
from aml_deploy.sources import check, inspect

CONDA = "dependencies:\n  - python=3.11\n  - pip:\n      - azureml-defaults\n"
SCORE = """\
from helper import factor
from azureml.monitoring import ModelDataCollector


def init():
    global inputs
    inputs = ModelDataCollector("model", designation="inputs", feature_names=["a"])


def run(data):
    print("collected:", inputs.collect(data), inputs.add_correlations(data, {}) is data)
    return data * factor
"""
PLAIN = "def init(): ...\n\n\ndef run(data):\n    return data\n"

SERVE = """\
import importlib.util, sys
sys.path.insert(0, sys.argv[1].rpartition("/")[0])
spec = importlib.util.spec_from_file_location("entry_module", sys.argv[1])
entry = importlib.util.module_from_spec(spec)
spec.loader.exec_module(entry)
entry.init()
print("answer:", entry.run(21))
"""
"""What an inference server does with an entry script."""


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "repository"
    (root / "code/deploy/api").mkdir(parents=True)
    (root / "code/deploy/environment.yml").write_text(CONDA)
    (root / "code/deploy/api/helper.py").write_text("factor = 2\n")
    return root


def code_of(root, script):
    (root / "code/deploy/api/score.py").write_text(script)
    return check(DeployParameters(inference_entry_script="api/score.py"), root).code


def serve(path, **variables):
    return subprocess.run(
        [sys.executable, "-I", "-c", SERVE, str(path)], env=variables, capture_output=True, text=True, check=False
    )


def test_the_import_is_told_with_file_and_line(repository):
    code_of(repository, SCORE)
    parameters = DeployParameters(inference_entry_script="api/score.py")
    [told] = inspect(parameters, repository, "deploy.json")[1].warnings
    assert (told.file, told.line) == ("code/deploy/api/score.py", 2)
    assert "azureml.monitoring collects nothing on an online endpoint" in str(told)


def test_the_script_serves_with_a_stand_in_that_collects_nothing(repository, tmp_path):
    staged = data_collection.stage(code_of(repository, SCORE), tmp_path / "staged")
    assert (staged.directory, staged.entry_script) == (tmp_path / "staged", "api/aml_deploy_entry.py")
    served = serve(staged.directory / staged.entry_script)
    assert served.stdout.splitlines() == ["collected: None True", "answer: 42"], served.stderr
    assert "nothing is collected" in served.stderr


def test_the_collector_stays_in_a_container_that_was_made_for_it(repository, tmp_path):
    staged = data_collection.stage(code_of(repository, SCORE), tmp_path / "staged")
    served = serve(staged.directory / staged.entry_script, AML_MODEL_DC_STORAGE_ENABLED="true")
    assert "No module named 'azureml" in served.stderr  # it is not installed here, and nothing stands in for it


def test_what_fails_in_the_script_is_told_with_its_own_name_and_line(repository, tmp_path):
    script = SCORE.replace("def init():", "def init():\n    raise ValueError('no model')")
    staged = data_collection.stage(code_of(repository, script), tmp_path / "staged")
    served = serve(staged.directory / staged.entry_script)
    assert 'api/score.py", line 6, in init' in served.stderr
    assert "ValueError: no model" in served.stderr


def test_code_without_the_collector_is_uploaded_as_it_is(repository, tmp_path):
    code = code_of(repository, PLAIN + "# azureml.monitoring was here\n")
    assert data_collection.stage(code, tmp_path / "staged") is code
    assert not (tmp_path / "staged").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "import azureml.monitoring",
        "import azureml.monitoring as monitoring",
        "from azureml import monitoring",
        "from azureml.monitoring.modeldatacollector import ModelDataCollector",
        "try:\n    from azureml.monitoring import ModelDataCollector\nexcept ImportError:\n    pass",
        "def later():\n    from azureml.monitoring import ModelDataCollector",
    ],
)
def test_every_form_of_the_import_is_found_in_every_file(repository, statement):
    (repository / "code/deploy/api/helper.py").write_text(f"{statement}\nfactor = 2\n")
    assert [found.file for found in data_collection.imports(repository / "code/deploy")] == ["api/helper.py"]


@pytest.mark.parametrize(
    "statement", ["import azureml.core", "from .azureml import monitoring", "from azureml import core", "def (:"]
)
def test_other_imports_and_what_is_no_python_are_not_taken_for_it(repository, statement):
    (repository / "code/deploy/api/helper.py").write_text(f"{statement}\n")
    assert data_collection.imports(repository / "code/deploy") == []
