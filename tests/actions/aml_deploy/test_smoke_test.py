"""The user's test function, from the file to the verdict."""

import io
import sys
from pathlib import Path

import pytest

from aml_actions.workflow import Workflow
from aml_deploy.deployment_logs import DeploymentLogs
from aml_deploy.service import DeployedService
from aml_deploy.smoke_test import run_test


@pytest.fixture
def log():
    return io.StringIO()


@pytest.fixture
def run(tmp_path, log):
    def call(source, function="main"):
        file = tmp_path / "code" / "test" / "test.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source, encoding="utf-8")
        service = DeployedService(
            name="credit",
            deployment="v3-1",
            scoring_uri="https://credit.example/score",
            swagger_uri="",
            credentials=lambda: ("key", "key2"),
            logs=lambda: DeploymentLogs("", ""),
        )
        return run_test(file, function, service, tmp_path, Workflow(log))

    return call


def test_a_test_that_returns_has_passed(run, log):
    verdict = run("def main(service):\n    print('asked', service.name)\n")
    assert verdict.passed
    assert verdict.name == "main() of code/test/test.py"
    assert "asked credit" in log.getvalue()


def test_the_test_file_of_the_old_template_imports_and_its_types_hold(run):
    verdict = run(
        "from azureml.core import Webservice\nfrom azureml.core.webservice import AciWebservice\n"
        "from azureml.exceptions import WebserviceException\n"
        "def main(service: Webservice):\n    assert isinstance(service, AciWebservice)\n"
    )
    assert verdict.passed, verdict.failure
    assert "azureml.core" not in sys.modules


def test_other_names_of_sdk_v1_fail_as_imports(run):
    verdict = run("from azureml.core import Workspace\ndef main(service): pass\n")
    assert not verdict.passed
    assert verdict.failure.startswith("ImportError: cannot import name 'Workspace' from 'azureml.core'")
    assert (verdict.file, verdict.line) == ("code/test/test.py", 1)


def test_an_assertion_is_told_with_its_line_and_only_with_the_users_frames(run, log):
    verdict = run(
        "import json\n\ndef main(service):\n    answer = {'predict': 1}\n    assert answer['predict'] == 2, answer\n"
    )
    assert not verdict.passed
    error = verdict.error()
    assert "The test main() of code/test/test.py failed: AssertionError: {'predict': 1}" in str(error)
    assert (error.file, error.line) == ("code/test/test.py", 5)
    assert "assert answer['predict'] == 2, answer" in (error.value or "")
    assert "frames of the repository only" in log.getvalue()
    assert "smoke_test.py" not in log.getvalue()


def test_an_exception_from_below_points_to_the_users_call(run):
    verdict = run("import json\ndef main(service):\n    json.loads('{')\n")
    assert verdict.line == 3
    assert verdict.failure.startswith("json.decoder.JSONDecodeError")
    assert "decoder.py" not in verdict.trace


def test_a_package_that_is_not_in_the_step_is_told_with_what_is(run):
    error = run("import package_of_the_repository_only\ndef main(service): pass\n").error()
    assert "No module named 'package_of_the_repository_only'" in str(error)
    assert "requests" in (error.fix or "")


def test_the_repository_is_the_working_directory_and_on_the_path(run, tmp_path):
    (tmp_path / "sample.json").write_text("[1]")
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "check_it.py").write_text("def check(x): assert x == [1]\n")
    here, path = Path.cwd(), list(sys.path)
    verdict = run(
        "import json\nfrom helpers.check_it import check\n"
        "def main(service):\n    with open('sample.json') as stream:\n        check(json.load(stream))\n"
    )
    assert verdict.passed, verdict.failure
    assert (Path.cwd(), sys.path) == (here, path)


@pytest.mark.parametrize(("code", "passed"), [("0", True), ("None", True), ("1", False), ("'broken'", False)])
def test_a_test_that_exits_is_judged_by_its_code(run, code, passed):
    assert run(f"import sys\ndef main(service):\n    sys.exit({code})\n").passed is passed


def test_what_the_test_prints_is_never_obeyed_by_the_runner(run, log):
    run("def main(service):\n    print('::set-output name=x::y')\n")
    lines = log.getvalue().splitlines()
    command = lines.index("::set-output name=x::y")
    stopped = [line for line in lines[:command] if line.startswith("::stop-commands::")]
    assert stopped
    assert lines[command + 1] == f"::{stopped[-1].removeprefix('::stop-commands::')}::"


def test_a_test_may_ask_for_the_deletion_of_the_service(run):
    assert run("def main(service):\n    service.delete()\n").delete_asked


def test_a_function_of_another_name(run):
    assert run("def smoke(service):\n    pass\n", "smoke").passed
