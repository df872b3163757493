import sys

import pytest

from aml_actions.errors import ActionError
from aml_deploy.parameters import DeployParameters
from aml_deploy.sources import check, inspect, no_code

SCORE = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"
CONDA = "dependencies:\n  - python=3.11\n  - pip:\n      - azureml-inference-server-http\n"


@pytest.fixture
def repository(tmp_path):
    def write(**changed):
        files = {"code/deploy/score.py": SCORE, "code/deploy/environment.yml": CONDA, **changed}
        for name, text in files.items():
            if text is not None:
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write


FILE = ".cloud/.azure/deploy.json"


def refusals(parameters, root):
    found, findings = inspect(parameters, root, FILE)
    assert found is None
    return [str(problem) for problem in findings.errors]


def warnings(parameters, root):
    found, findings = inspect(parameters, root, FILE)
    assert found is not None
    return [str(warning) for warning in findings.warnings]


def test_the_template_is_found_without_any_parameter(repository):
    root = repository()
    found = check(DeployParameters(), root)
    assert found.code.directory == root / "code/deploy"
    assert found.code.entry_script == "score.py"
    assert found.code.shown_entry_script == "code/deploy/score.py"
    assert found.code.docker_steps is None
    assert found.test_file is None
    assert warnings(DeployParameters(), root) == []


def test_an_entry_script_in_a_sub_folder(repository):
    root = repository(**{"code/deploy/api/score.py": SCORE})
    found = check(DeployParameters(inference_entry_script="api/score.py"), root).code
    assert (found.entry_script, found.shown_entry_script) == ("api/score.py", "code/deploy/api/score.py")


def test_an_empty_checkout_names_the_missing_folder_and_checkout(tmp_path):
    (text,) = refusals(DeployParameters(), tmp_path)
    assert "inference_source_directory" in text
    assert "Given: code/deploy" in text
    assert "the repository holds nothing" in text
    assert "actions/checkout" in text


def test_missing_files_are_told_all_at_once_with_what_is_there(repository):
    root = repository(
        **{"code/deploy/score.py": None, "code/deploy/environment.yml": None, "code/deploy/scores.py": SCORE}
    )
    texts = refusals(DeployParameters(test_enabled=True), root)
    assert len(texts) == 3
    assert "code/deploy/environment.yml" in texts[0]
    assert "code/deploy holds scores.py" in texts[0]
    assert "code/deploy/score.py" in texts[1]
    assert "code/test/test.py" in texts[2]


def test_an_entry_script_that_does_not_compile_names_the_line(repository):
    root = repository(**{"code/deploy/score.py": "def init():\n    pass\n\ndef run(data)\n    return data\n"})
    with pytest.raises(ActionError) as caught:
        check(DeployParameters(), root)
    problem = caught.value
    assert (problem.file, problem.line) == ("code/deploy/score.py", 4)
    assert "not valid Python" in problem.what


def test_an_entry_script_for_a_newer_python_is_a_warning_only(repository):
    newer = f"{sys.version_info[0]}.{sys.version_info[1] + 1}"
    root = repository(
        **{
            "code/deploy/score.py": "this is no syntax yet\n",
            "code/deploy/environment.yml": CONDA.replace("3.11", newer),
        }
    )
    (warning,) = warnings(DeployParameters(), root)
    assert "code/deploy/score.py, line 1" in warning


@pytest.mark.parametrize(
    ("source", "lacking"),
    [
        ("def init(): pass\n", "run()"),
        ("x = 1\n", "init() and run()"),
        ("class Model:\n    def init(self): pass\n    def run(self, data): pass\n", "init() and run()"),
        ("def init():\n    def run(data): pass\n", "run()"),
    ],
)
def test_an_entry_script_without_its_functions_is_refused(repository, source, lacking):
    (text,) = refusals(DeployParameters(), repository(**{"code/deploy/score.py": source}))
    assert f"does not define {lacking}" in text


@pytest.mark.parametrize(
    "source",
    [
        "from other import init, run\n",
        "from other import *\n",
        "import mlflow\ninit = print\nrun: object = print\n",
        "try:\n    def init(): pass\nexcept ImportError:\n    pass\nif True:\n    async def run(data): pass\n",
    ],
)
def test_functions_may_come_from_anywhere(repository, source):
    assert check(DeployParameters(), repository(**{"code/deploy/score.py": source}))


def test_a_conda_file_without_a_server_is_a_warning_with_the_fix(repository):
    root = repository(**{"code/deploy/environment.yml": "dependencies: [python=3.11, {pip: [scikit-learn]}]\n"})
    (warning,) = warnings(DeployParameters(), root)
    assert "code/deploy/environment.yml" in warning
    assert "azureml-inference-server-http" in warning


@pytest.mark.parametrize(
    "dependencies",
    [
        "[azureml-defaults]",
        "[{pip: ['azureml_inference_server_http==1.5.*']}]",
        "['conda-forge::azureml-defaults>=1.50']",
    ],
)
def test_a_server_is_recognised_however_it_is_spelled(repository, dependencies):
    root = repository(**{"code/deploy/environment.yml": f"dependencies: {dependencies}\n"})
    assert warnings(DeployParameters(), root) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("dependencies:\n  - a\n - b\n", "is not YAML"),
        ("- python\n", "no list `dependencies`"),
        ("", "no list `dependencies`"),
        ("dependencies: python\n", "no list `dependencies`"),
    ],
)
def test_a_conda_file_that_is_none_is_refused(repository, text, reason):
    (message,) = refusals(DeployParameters(), repository(**{"code/deploy/environment.yml": text}))
    assert reason in message
    assert "code/deploy/environment.yml" in message


@pytest.mark.parametrize("outside", ["..", "../elsewhere", "/etc", ""])
def test_a_folder_outside_the_repository_is_refused(repository, outside):
    (text,) = refusals(DeployParameters(inference_source_directory=outside), repository())
    assert "inside the repository" in text


def test_a_link_out_of_the_repository_is_refused(repository, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    root = repository()
    (root / "linked").symlink_to(outside, target_is_directory=True)
    (text,) = refusals(DeployParameters(inference_source_directory="linked"), root)
    assert "inside the repository" in text


def test_an_entry_script_above_the_uploaded_folder_is_refused(repository):
    root = repository(**{"code/score.py": SCORE})
    (text,) = refusals(DeployParameters(inference_entry_script="../score.py"), root)
    assert "only that folder is uploaded" in text


def test_a_leading_slash_of_the_legacy_container_means_the_repository(repository):
    parameters, root = DeployParameters(inference_source_directory="/code/deploy/"), repository()
    assert check(parameters, root).code.entry_script == "score.py"
    assert "starts with a slash" in warnings(parameters, root)[0]


def test_the_test_file_is_found_without_its_suffix(repository):
    root = repository(**{"code/test/test.py": "def check(service): pass\n"})
    parameters = DeployParameters(test_enabled=True, test_file_path="code/test/test", test_file_function_name="check")
    assert check(parameters, root).test_file == root / "code/test/test.py"


def test_a_test_file_without_the_function_is_refused_before_anything_is_deployed(repository):
    root = repository(**{"code/test/test.py": "def mian(service): pass\n"})
    (text,) = refusals(DeployParameters(test_enabled=True), root)
    assert "does not define main()" in text


def test_what_is_wrong_names_the_key_and_its_file(repository):
    root = repository(**{"code/deploy/score.py": None})
    (problem,) = inspect(DeployParameters(), root, FILE)[1].errors
    assert (problem.file, problem.key) == (FILE, "inference_entry_script")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"dependencies:\n  - a\n - b\n", "is not YAML"),
        (b"\xff\xfed\x00", "is not UTF-8 text"),
        (b"\x00\x01", "is no text file"),
        (b"[" * 5000, "nested more than"),
        (b"a: &a [*a, *a]\n", "contains itself"),
    ],
)
def test_a_conda_file_that_cannot_be_read_is_named_and_nothing_else_happens(repository, content, reason):
    root = repository()
    (root / "code/deploy/environment.yml").write_bytes(content)
    (problem,) = inspect(DeployParameters(), root, FILE)[1].errors
    assert reason in str(problem) or "stands for more than" in str(problem)
    assert problem.file == "code/deploy/environment.yml"


@pytest.mark.parametrize("content", [b"\x00", b"\xff\xfe", b"(" * 5000, b"x = " + b"-" * 50_000 + b"1\n"])
def test_an_entry_script_that_is_no_python_is_an_error_whatever_it_holds(repository, content):
    root = repository()
    (root / "code/deploy/score.py").write_bytes(content)
    (problem,) = inspect(DeployParameters(), root, FILE)[1].errors
    assert "is not valid Python" in problem.what
    assert problem.file == "code/deploy/score.py"


def test_lines_of_a_dockerfile_are_read(repository):
    root = repository(**{"code/deploy/steps": "RUN true\n"})
    found = check(DeployParameters(extra_docker_file_steps="steps"), root)
    assert found.code.docker_steps == "RUN true\n"


@pytest.mark.parametrize(
    ("steps", "reason"),
    [(None, "extra_docker_file_steps names does not exist"), ("FROM ubuntu\n", "begins another image")],
)
def test_lines_of_a_dockerfile_that_cannot_work_are_refused(repository, steps, reason):
    root = repository(**({"code/deploy/steps": steps} if steps else {}))
    (text,) = refusals(DeployParameters(extra_docker_file_steps="steps"), root)
    assert reason in text


def test_without_the_default_folder_and_without_keys_the_type_of_the_model_decides(repository):
    root = repository(**{"code/deploy/score.py": None, "code/deploy/environment.yml": None, "README.md": "x"})
    assert check(DeployParameters(), root).code is None
    (warning,) = warnings(DeployParameters(), root)
    assert "Only an MLflow or a Triton model" in warning
    text = str(no_code(DeployParameters(), root, "custom_model"))
    assert "The folder that inference_source_directory names does not exist. The model is a custom_model" in text
    assert "the repository holds README.md" in text


@pytest.mark.parametrize(
    "given",
    [
        {"inference_source_directory": "code/deploy/"},
        {"inference_entry_script": "score.py"},
        {"conda_file": "environment.yml"},
        {"custom_base_image": "image:1"},
        {"extra_docker_file_steps": "steps"},
    ],
)
def test_a_key_that_names_code_or_environment_makes_the_missing_folder_an_error(repository, given):
    root = repository(**{"code/deploy/score.py": None, "code/deploy/environment.yml": None, "README.md": "x"})
    (text,) = refusals(DeployParameters(**given), root)
    assert "The folder that inference_source_directory names does not exist." in text
