"""What is said of a parameters file before anything is asked of Azure, as a step and `validate` say it."""

import pytest

from aml_actions.spec import CheckContext
from aml_deploy.check import check
from aml_deploy.parameters import DeployParameters
from aml_deploy.spec import ACTION

from .conftest import CONDA, SCORE

FILE = ".cloud/.azure/deploy.json"


@pytest.fixture
def checked(tmp_path):
    for name, text in (("score.py", SCORE), ("environment.yml", CONDA)):
        file = tmp_path / "code/deploy" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def run(secrets=None, **parameters):
        return check(DeployParameters(**parameters), CheckContext(tmp_path, FILE, secrets or {}))

    run.root = tmp_path
    return run


def test_the_spec_names_this_check(tmp_path):
    found = ACTION.run_check(DeployParameters(), CheckContext(tmp_path, FILE))
    assert [one.key for one in found.errors] == ["inference_source_directory"]


def test_a_good_file_has_nothing_to_be_said_of(checked):
    found = checked(authentication_enabled=True)
    assert (found.errors, found.warnings) == ([], [])


def test_keys_secrets_files_and_sizes_are_judged_in_one_go(checked):
    (checked.root / "code/deploy/score.py").unlink()
    found = checked(
        {"CMK_KEY_NAME": "k", "CONTAINER_REGISTRY_ADDRESS": "r"},
        runtime="spark-py",
        cpu_cores=64.0,
        num_replicas=2,
        authentication_enabled=True,
    )
    assert [one.key for one in found.errors] == ["runtime", None, "inference_entry_script", "cpu_cores"]
    assert [one.key for one in found.warnings] == ["num_replicas", None]
    assert {one.file for one in found.errors if one.key} == {FILE}


def test_no_size_of_machine_is_needed_on_kubernetes(checked):
    found = checked(cpu_cores=64.0, memory_gb=512.0, deployment_compute_target="aks")
    assert (found.errors, found.warnings) == ([], [])


def test_a_skipped_deployment_needs_no_files(checked):
    (checked.root / "code/deploy/score.py").unlink()
    found = checked(skip_deployment=True, ssl_cname="a.example")
    assert (found.errors, found.warnings) == ([], [])


def test_a_skipped_deployment_with_an_image_is_refused_for_the_image(checked):
    (error,) = checked(skip_deployment=True, create_image="docker").errors
    assert error.what.startswith("create_image is refused")
