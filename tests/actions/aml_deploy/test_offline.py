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
    result = offline_repository.deploy(deployment_compute_target="aks", create_image="docker")
    assert result.code == 1
    for text in ("deployment_compute_target is refused", "create_image is refused", "code/deploy/score.py"):
        assert text in result.error


def test_an_unknown_key_is_refused_with_the_nearest_one(offline_repository):
    result = offline_repository.deploy(instance_typ="Standard_DS3_v2")
    assert result.code == 1
    assert "instance_typ" in result.error
    assert "instance_type" in result.error


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


def test_good_files_and_nobody_to_ask_is_an_error_of_the_network(offline_repository):
    result = offline_repository.deploy()
    assert result.code == 1
    assert "aml_arm_config.json" in result.error or "127.0.0.1:9" in result.error
    assert "not-a-secret" not in result.log.replace("::add-mask::not-a-secret", "")
