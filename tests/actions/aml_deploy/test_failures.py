"""Errors in the shapes that Azure gives them, and what a user reads."""

from pathlib import Path

import pytest

from aml_actions.service_error import ServiceError
from aml_deploy.deployment_logs import DeploymentLogs
from aml_deploy.failures import explain_failure
from aml_deploy.sources import Code, Sources

NO_LOGS = DeploymentLogs("", "")
SOURCES = Sources(
    Code(
        directory=Path("code/deploy"),
        entry_script="score.py",
        shown_entry_script="code/deploy/score.py",
        conda_file=Path("code/deploy/environment.yml"),
    ),
    test_file=None,
)
CRASH = (
    "Container logs:\n"
    'Traceback (most recent call last):\n  File "/var/azureml-app/deploy/score.py", line 7, in init\n    model = load()\n'
    "FileNotFoundError: [Errno 2] No such file or directory: 'model.pkl'\n"
)


def failed(code, message):
    body = {"id": "x", "name": "x", "status": "Failed", "error": {"code": code, "message": message, "details": []}}
    return ServiceError.from_body(body, status=200)


def test_a_script_that_crashes_is_told_with_its_exception_and_its_line():
    answer = failed(
        "ResourceNotReady", "User container has crashed or terminated. Please see troubleshooting guide ..."
    )
    error = explain_failure(answer, DeploymentLogs(CRASH, ""), "v3-1", SOURCES)
    text = str(error)
    assert text.startswith("Deployment v3-1 failed (ResourceNotReady).")
    assert (
        "the entry script stopped: FileNotFoundError: [Errno 2] No such file or directory: 'model.pkl' (score.py, line 7)"
        in text
    )
    assert "From the log:" in text
    assert (error.file, error.line) == ("code/deploy/score.py", 7)
    assert "FileNotFoundError" in (error.details or "")


def test_a_missing_package_points_to_the_conda_file():
    logs = DeploymentLogs("Container logs:\nModuleNotFoundError: No module named 'lightgbm'\n", "")
    error = explain_failure(failed("ResourceNotReady", "crashed"), logs, "v3-1", SOURCES)
    assert "environment.yml" in (error.fix or "")


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("ImageBuildFailure", "Image build failed. Build log: azureml/ImageLogs/x/build.log", "image build log"),
        ("BadArgument", "Startup task failed due to authorization error", "AcrPull"),
        ("SubscriptionNotRegistered", "Resource provider isn't registered", "Microsoft.Cdn"),
        ("InternalServerError", "Internal error.", "run the job again"),
    ],
)
def test_codes_of_the_service_come_with_a_fix(code, message, expected):
    error = explain_failure(failed(code, message), NO_LOGS, "v3-1", SOURCES)
    assert f"({code})" in error.what
    assert expected in (error.fix or "")
    assert message in (error.value or "")


def test_quota_within_the_wrapper_of_the_inferencing_service_is_counted_out():
    text = (
        "Not enough quota available for Standard_DS3_v2 in SubscriptionId 1234. Current usage/limit: 20/24. "
        "Additional needed: 8"
    )
    body = {
        "error": {
            "code": "BadRequest",
            "message": "The request is invalid.",
            "details": [
                {
                    "code": "InferencingClientCreateDeploymentFailed",
                    "message": '{"errors":{"VmSize":["'
                    + text
                    + '"]},"title":"One or more validation errors occurred."}',
                }
            ],
        }
    }
    error = explain_failure(ServiceError.from_body(body, status=400), NO_LOGS, "v3-1", SOURCES)
    assert "(OutOfQuota)" in error.what
    assert "20 of 24 cores of Standard_DS3_v2 are in use, 8 more are needed" in (error.cause or "")


def test_the_phase_is_told_when_there_is_no_traceback():
    logs = DeploymentLogs("Instance status:\nSystemSetup: Succeeded\nModelDownload: Failed\n\nContainer logs:\n", "403")
    assert "(phase ModelDownload)" in (explain_failure(failed("BadArgument", "x"), logs, "v3-1", SOURCES).cause or "")


def test_a_code_that_is_not_known_is_still_told():
    error = explain_failure(failed("SomethingNew", "What is this?"), NO_LOGS, "v3-1", SOURCES)
    assert "(SomethingNew)" in error.what
    assert error.value == "What is this?"
