"""What a step refuses before it asks Azure anything. Its credentials lead nowhere, so a question would be another error."""


def test_missing_files_are_told_at_once_and_azure_is_not_asked(offline_repository):
    for name in ("score.py", "environment.yml"):
        (offline_repository.folder / "code/deploy" / name).unlink()
    result = offline_repository.deploy(test_enabled=True, test_file_path="code/test/tests.py")
    assert result.code == 1
    assert "3 settings are not valid" in result.error
    for text in (
        "code/deploy/score.py",
        "code/deploy/environment.yml",
        "code/test/tests.py",
        "code/test holds test.py",
    ):
        assert text in result.error
    assert "❌ aml-deploy" in result.summary
    assert "Traceback" not in result.log
    assert result.outputs == {}


def test_a_broken_entry_script_is_marked_in_its_file(offline_repository):
    offline_repository.write("code/deploy/score.py", "def init():\n    pass\n\ndef run(data)\n    return data\n")
    result = offline_repository.deploy()
    assert result.code == 1
    assert "file=code/deploy/score.py" in result.error_command
    assert "line=4" in result.error_command
    assert "not valid Python" in result.error


def test_keys_that_cannot_be_honoured_and_broken_files_come_in_one_error(offline_repository):
    (offline_repository.folder / "code/deploy/score.py").unlink()
    result = offline_repository.deploy(runtime="spark-py", create_image="docker")
    assert result.code == 1
    for text in ("runtime is refused", "create_image is refused", "code/deploy/score.py"):
        assert text in result.error


def test_an_unknown_key_is_named_with_the_nearest_one(offline_repository):
    result = offline_repository.deploy(instance_typ="Standard_DS3_v2")
    (warning,) = result.warnings
    assert "instance_typ is ignored" in warning
    assert "did you mean instance_type?" in warning


def test_a_warning_is_given_once_and_where_the_key_stands(offline_repository):
    result = offline_repository.deploy(num_replicas=2)
    (warning,) = result.warnings
    assert "num_replicas has no effect" in warning
    assert "file=.cloud/.azure/deploy.json" in warning


def test_a_step_without_a_model_name_says_so(offline_repository):
    result = offline_repository.deploy(model_name="")
    assert result.code == 1
    assert "model_name is required" in result.error


def test_a_skipped_deployment_says_so_and_is_green(offline_repository):
    result = offline_repository.deploy(skip_deployment=True)
    assert result.code == 0
    assert "::notice" in result.log
    assert "nothing was deployed" in result.summary
    assert result.outputs == {"result": '{"skipped": true}'}


def test_a_skipped_deployment_with_an_image_is_refused(offline_repository):
    result = offline_repository.deploy(skip_deployment=True, create_image="docker")
    assert result.code == 1
    assert "create_image is refused" in result.error


def test_words_in_the_variables_of_a_function_stay_readable_in_the_log(offline_repository, monkeypatch):
    monkeypatch.setitem(offline_repository._environment, "FUNCTION_HTTP_AUTH_LEVEL", "function")
    result = offline_repository.deploy(create_image="function_http")
    assert result.code == 1
    assert 'create_image: "function_http"' in result.error
    assert "FUNCTION_HTTP_AUTH_LEVEL: no Azure Function is made" in result.error
    assert "add-mask::function" not in result.log


def test_good_files_and_nobody_to_ask_is_an_error_of_the_network(offline_repository):
    result = offline_repository.deploy()
    assert result.code == 1
    assert "aml_arm_config.json" in result.error or "127.0.0.1:9" in result.error
    assert "not-a-secret" not in result.log.replace("::add-mask::not-a-secret", "")
