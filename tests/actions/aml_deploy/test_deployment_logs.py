"""Logs in the form that getLogs has: a table of phases, events, then what the container wrote."""

from aml_deploy.deployment_logs import DeploymentLogs

HEAD = """Instance status:
SystemSetup: Succeeded
UserContainerImagePull: Succeeded
ModelDownload: Succeeded
UserContainerStart: InProgress

Container events:
Kind: Pod, Name: Downloading, Type: Normal, Time: 2026-11-23T10:00:00Z, Message: Start downloading models

Container logs:
"""

IMPORT_FAILS = (
    HEAD
    + """Azure ML Inferencing HTTP server v1.5.1

2026-11-23 10:00:02,657 I [7] gunicorn.error - Booting worker with pid: 12
2026-11-23 10:00:03,748 I [12] azmlinfsrv - Starting up app insights client
2026-11-23 10:00:03,750 E [12] azmlinfsrv - Traceback (most recent call last):
  File "/venv/lib/python3.11/site-packages/azureml_inference_server_http/server/user_script.py", line 77, in load_script
    main_module_spec.loader.exec_module(user_module)
  File "<frozen importlib._bootstrap_external>", line 940, in exec_module
  File "/var/azureml-app/deploy/score.py", line 3, in <module>
    import lightgbm
ModuleNotFoundError: No module named 'lightgbm'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/venv/lib/python3.11/site-packages/azureml_inference_server_http/server/aml_blueprint.py", line 91, in setup
    self.user_script.load_script(config.app_root)
azureml_inference_server_http.server.user_script.UserScriptImportException: Failed to import user script

2026-11-23 10:00:03,750 I [12] gunicorn.error - Worker exiting (pid: 12)
2026-11-23 10:00:04,036 E [7] gunicorn.error - Reason: Worker failed to boot.
"""
)


def test_the_exception_of_the_users_script_is_told_not_the_servers():
    logs = DeploymentLogs(server=IMPORT_FAILS, initializer="")
    assert logs.exception() == "ModuleNotFoundError: No module named 'lightgbm'"
    assert logs.script_line("score.py") == 3
    assert logs.failed_phase() == "UserContainerStart"


def test_the_excerpt_ends_with_the_users_exception():
    assert DeploymentLogs(server=IMPORT_FAILS, initializer="").excerpt(3).splitlines() == [
        '  File "/var/azureml-app/deploy/score.py", line 3, in <module>',
        "    import lightgbm",
        "ModuleNotFoundError: No module named 'lightgbm'",
    ]


def test_without_an_exception_the_excerpt_is_the_end_of_what_the_container_wrote():
    logs = DeploymentLogs(server=HEAD + "one\ntwo\nthree\n", initializer="")
    assert logs.excerpt(2) == "two\nthree"
    assert logs.excerpt(50) == "one\ntwo\nthree"


def test_the_storage_initializer_speaks_when_the_server_never_started():
    logs = DeploymentLogs(server="", initializer=HEAD + "downloading\nfailed: 403\n")
    assert logs.excerpt(1) == "failed: 403"
    assert logs.exception() is None
    assert logs.failed_phase() is None
    assert [title for title, _ in logs.shown()] == ["storage initializer"]


def test_a_log_that_only_repeats_the_phases_is_not_shown():
    assert [title for title, _ in DeploymentLogs(server=HEAD + "x\n", initializer=HEAD).shown()] == ["inference server"]


def test_a_log_without_a_traceback_tells_no_exception():
    assert (
        DeploymentLogs(server=HEAD + "Booting worker\nListening at: http://0.0.0.0:31311\n", initializer="").exception()
        is None
    )
