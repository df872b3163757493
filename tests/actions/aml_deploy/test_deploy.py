"""Whole steps against the emulator: real environments, real inference servers, real requests."""

import json
import signal
import time

import pytest
import requests

from aml_actions.tags import as_texts

from .conftest import CONDA, SCORE, TEST, endpoint


def ask(uri, key, factor=1, deployment=None):
    headers = {"Authorization": f"Bearer {key}"}
    if deployment:
        headers["azureml-model-deployment"] = deployment
    return requests.post(uri, json={"data": [1, 2]}, headers=headers, timeout=60)


def serving(azure, name):
    """Return what the live endpoint answers, asked as any caller does."""
    found = endpoint(azure, name)
    key = azure.online_endpoints.get_keys(name).primary_key
    answer = ask(found.scoring_uri, key)
    assert answer.status_code == 200, answer.text
    return answer.json()["predict"]


def deployments(azure, name):
    return {one.name: one for one in azure.online_deployments.list(name)}


def test_a_model_is_deployed_tested_and_replaced_by_its_next_version(repository, azure):
    first = repository.deploy(
        "1", test_enabled=True, tags={"team": "risk", "level": 2}, description="Scores", instance_count=1
    )
    assert first.code == 0, first.log
    name = first.outputs["deployment_name"]
    assert first.outputs["endpoint_name"] == repository.endpoint
    assert name == "v1-4711-1"
    assert "the service says {'predict': [10, 20]}" in first.log
    assert serving(azure, repository.endpoint) == [10, 20]
    found = endpoint(azure, repository.endpoint)
    assert first.outputs["service_scoring_uri"] == found.scoring_uri
    assert first.outputs["service_swagger_uri"] == found.openapi_uri
    assert found.traffic == {name: 100}
    assert found.tags["team"] == "risk"
    assert found.tags["repository"] == "octo/credit-risk"
    made = deployments(azure, repository.endpoint)[name]
    assert (made.instance_type, made.instance_count) == ("Standard_DS1_v2", 1)
    assert made.tags["level"] == "2"
    result = json.loads(first.outputs["result"])
    assert result["model"]["version"] == "1"
    assert result["traffic"] == {name: 100}
    assert result["endpoint_created"] is True
    assert result["test"]["passed"] is True
    for text in (repository.endpoint, "scores:1", "100 %", "curl", "passed in", found.scoring_uri):
        assert text in first.summary

    second = repository.deploy("2", test_enabled=True)
    assert second.code == 0, second.log
    newer = second.outputs["deployment_name"]
    assert newer == "v2-4711-1"
    assert endpoint(azure, repository.endpoint).traffic == {newer: 100}
    assert list(deployments(azure, repository.endpoint)) == [newer]
    assert serving(azure, repository.endpoint) == [100, 200]
    assert json.loads(second.outputs["result"])["removed_deployments"] == [name]
    assert endpoint(azure, repository.endpoint).tags["team"] == "risk"

    for secret in azure.online_endpoints.get_keys(repository.endpoint).__dict__.values():
        for result in (first, second):
            shown = result.log.replace(f"::add-mask::{secret}", "")
            assert secret not in shown + result.summary + json.dumps(result.outputs)


def test_an_entry_script_that_does_not_import_leaves_nothing_behind(repository, azure):
    repository.write("code/deploy/score.py", "import lightgbm\n" + SCORE)
    result = repository.deploy()
    assert result.code == 1
    assert (
        "the entry script stopped: ModuleNotFoundError: No module named 'lightgbm' (score.py, line 1)" in result.error
    )
    assert "environment.yml" in result.error
    assert f"Endpoint {repository.endpoint} was deleted." in result.error
    assert "file=code/deploy/score.py" in result.error_command
    assert "Log of the inference server" in result.summary
    assert "::group::Log of the inference server" in result.log
    assert "debug" not in result.log.split("::error")[0].split("::group::")[-1]
    assert endpoint(azure, repository.endpoint) is None
    assert "service_scoring_uri" not in result.outputs


def test_a_rollout_that_fails_leaves_the_old_one_serving(repository, azure):
    assert repository.deploy("1").code == 0
    before = endpoint(azure, repository.endpoint)
    repository.write("code/deploy/score.py", SCORE.replace("model.json", "no_such_model.json"))
    result = repository.deploy("2")
    assert result.code == 1
    assert "FileNotFoundError" in result.error
    assert "Deployment v2-4711-1 was deleted. Traffic now: v1-4711-1 100 %." in result.error
    after = endpoint(azure, repository.endpoint)
    assert after.traffic == before.traffic
    assert list(deployments(azure, repository.endpoint)) == ["v1-4711-1"]
    assert serving(azure, repository.endpoint) == [10, 20]


def test_a_failed_test_leaves_the_traffic_where_it_was(repository, azure):
    assert repository.deploy("1").code == 0
    repository.write("code/test/test.py", TEST + '    assert answer["predict"] == [1, 1], "not what was expected"\n')
    result = repository.deploy("2", test_enabled=True)
    assert result.code == 1
    assert "The test main() of code/test/test.py failed: AssertionError: not what was expected" in result.error
    assert "Traffic now: v1-4711-1 100 %" in result.error
    assert "frames of the repository only" in result.log
    assert "aml_deploy/" not in result.log
    assert endpoint(azure, repository.endpoint).traffic == {"v1-4711-1": 100}
    assert list(deployments(azure, repository.endpoint)) == ["v1-4711-1"]
    assert serving(azure, repository.endpoint) == [10, 20]


def test_a_failed_first_test_takes_the_new_endpoint_with_it(repository, azure):
    repository.write("code/test/test.py", "def main(service):\n    service.run('no json')\n")
    result = repository.deploy(test_enabled=True)
    assert result.code == 1
    assert "WebserviceException" in result.error
    assert "JSONDecodeError" in result.error or "500" in result.error or "424" in result.error
    assert endpoint(azure, repository.endpoint) is None


def test_a_smoke_test_deletes_the_service_when_it_passed_and_when_it_failed(repository, azure):
    passed = repository.deploy(test_enabled=True, delete_service_after_deployment=True)
    assert passed.code == 0, passed.log
    assert endpoint(azure, repository.endpoint) is None
    assert "service_scoring_uri" not in passed.outputs
    assert json.loads(passed.outputs["result"])["endpoint_deleted"] is True
    assert "was deleted again" in passed.summary
    repository.write("code/test/test.py", "def main(service):\n    raise ValueError('bad')\n")
    failed = repository.deploy(test_enabled=True, delete_service_after_deployment=True)
    assert failed.code == 1
    assert "ValueError: bad" in failed.error
    assert f"Endpoint {repository.endpoint} was deleted" in failed.error
    assert endpoint(azure, repository.endpoint) is None


@pytest.fixture
def foreign(repository, azure, tmp_path):
    """A deployment that somebody else made on the endpoint, with all of its traffic."""
    from azure.ai.ml.entities import CodeConfiguration, Environment, ManagedOnlineDeployment, ManagedOnlineEndpoint

    code = tmp_path / "theirs"
    code.mkdir()
    (code / "score.py").write_text(SCORE)
    (code / "environment.yml").write_text(CONDA)
    name = repository.endpoint
    azure.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name=name, tags={"owner": "them"})).result()
    azure.online_deployments.begin_create_or_update(
        ManagedOnlineDeployment(
            name="theirs",
            endpoint_name=name,
            model="azureml:scores:1",
            code_configuration=CodeConfiguration(code=str(code), scoring_script="score.py"),
            environment=Environment(image="ubuntu", conda_file=str(code / "environment.yml")),
            instance_type="Standard_DS3_v2",
            instance_count=1,
        )
    ).result()
    theirs = azure.online_endpoints.get(name)
    theirs.traffic = {"theirs": 100}
    azure.online_endpoints.begin_create_or_update(theirs).result()
    return "theirs"


def test_what_somebody_else_made_is_never_deleted(repository, azure, foreign):
    refused = repository.deploy("2", delete_service_after_deployment=True)
    assert refused.code == 1
    assert "delete_service_after_deployment would delete the endpoint" in refused.error
    assert "theirs" in refused.error
    assert list(deployments(azure, repository.endpoint)) == ["theirs"]

    result = repository.deploy("2")
    assert result.code == 0, result.log
    assert endpoint(azure, repository.endpoint).traffic == {"v2-4711-1": 100, "theirs": 0}
    assert endpoint(azure, repository.endpoint).tags == as_texts({"owner": "them"})
    assert serving(azure, repository.endpoint) == [100, 200]
    assert "`theirs`" in result.summary


def test_a_step_that_is_cancelled_takes_back_what_it_made(repository, azure):
    repository.write(
        "code/deploy/score.py",
        SCORE.replace("    global model\n", "    global model\n    import time; time.sleep(60)\n"),
    )
    process = repository.start()
    for line in process.stdout:
        if "Creating deployment" in line:
            break
    deadline = time.monotonic() + 60
    while "v1-4711-1" not in deployments(azure, repository.endpoint) and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    log, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "The step was cancelled." in log
    assert endpoint(azure, repository.endpoint) is None


def test_a_model_that_does_not_exist_is_told_with_those_that_do(repository, azure):
    result = repository.deploy(model_name="score")
    assert result.code == 1
    assert "There is no model score in workspace " in result.error
    assert "did you mean scores?" in result.error
    assert endpoint(azure, repository.endpoint) is None


def test_a_version_that_does_not_exist_is_told_with_those_that_do(repository, azure):
    result = repository.deploy("9")
    assert result.code == 1
    assert "Model scores has no version 9 in workspace " in result.error
    assert "2, 1" in result.error or "1, 2" in result.error
    assert endpoint(azure, repository.endpoint) is None


def test_a_version_that_is_no_number_gives_the_latest_with_a_warning(repository, azure):
    result = repository.deploy("newest", delete_service_after_deployment=True)
    assert result.code == 0, result.log
    assert any("'newest' is no number" in warning and "deployed, 2" in warning for warning in result.warnings)
    assert json.loads(result.outputs["result"])["model"]["version"] == "2"


def test_an_endpoint_that_takes_tokens_is_tested_with_one(repository, azure):
    repository.write(
        "code/test/test.py", TEST + "    token, _ = service.get_token()\n    assert token.count('.') == 2\n"
    )
    del repository.parameters["authentication_enabled"]
    result = repository.deploy(token_auth_enabled=True, test_enabled=True, delete_service_after_deployment=True)
    assert result.code == 0, result.log
    assert json.loads(result.outputs["result"])["auth_mode"] == "aml_token"
    assert result.warnings == []
