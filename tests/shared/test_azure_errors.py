"""What Azure says when it refuses, in its recorded shapes, and what the user reads."""

import json
from types import SimpleNamespace

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
)

from aml_actions.azure_errors import explain, explain_answer
from aml_actions.errors import ActionError
from aml_actions.roles import needed_role
from aml_actions.service_error import ServiceError

AUTHORIZATION = (
    "The client '7d3a' with object id '9f1b' does not have authorization to perform action "
    "'Microsoft.MachineLearningServices/workspaces/computes/write' over scope "
    "'/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws/computes/cpu' or the scope is invalid. "
    "If access was recently granted, please refresh your credentials."
)


def answer(status, body, headers=None, kind=HttpResponseError):
    text = body if isinstance(body, str) else json.dumps(body)
    response = SimpleNamespace(
        status_code=status, reason="because", headers=headers or {}, text=lambda: text, content_type="application/json"
    )
    return kind(message="(outer) text of azure-core", response=response)


def explained(*arguments, doing=None, **options):
    error = explain(answer(*arguments, **options), doing=doing)
    assert error is not None
    return error


def test_the_deepest_code_is_the_one_that_counts():
    """The Azure ML front end wraps everything in UserError."""
    chain = {
        "code": "BadArgument",
        "innerError": {"code": "ArgumentInvalid", "innerError": {"code": "InvalidPipelineJob"}},
    }
    body = {
        "error": {
            "code": "UserError",
            "message": "The pipeline is wrong.",
            "details": [],
            "additionalInfo": [
                {"type": "InnerError", "info": {"value": chain}},
                {"type": "Correlation", "info": {"value": {"operation": "op-1", "request": "req-1"}}},
            ],
        }
    }
    error = explained(400, body, doing="submitting the job")
    assert error.what == "Azure refused while submitting the job (400 InvalidPipelineJob)."
    assert error.value == "The pipeline is wrong."
    assert "UserError > BadArgument > ArgumentInvalid > InvalidPipelineJob" in (error.details or "")
    assert "operation op-1" in (error.details or "")


def test_a_missing_role_comes_with_the_command_that_grants_it():
    error = explained(
        403, {"error": {"code": "AuthorizationFailed", "message": AUTHORIZATION}}, doing="creating compute cpu"
    )
    assert error.what == "Azure refused while creating compute cpu (403 AuthorizationFailed)."
    assert "Microsoft.MachineLearningServices/workspaces/computes/write" in (error.cause or "")
    assert error.fix == (
        "`az role assignment create --assignee-object-id 9f1b --assignee-principal-type ServicePrincipal "
        '--role "AzureML Compute Operator" --scope '
        "/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws/computes/cpu`"
    )


@pytest.mark.parametrize(
    ("action", "role"),
    [
        ("Microsoft.MachineLearningServices/workspaces/jobs/write", "AzureML Data Scientist"),
        (
            "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments/getLogs/action",
            "AzureML Data Scientist",
        ),
        ("Microsoft.MachineLearningServices/workspaces/computes/start/action", "AzureML Compute Operator"),
        ("Microsoft.MachineLearningServices/workspaces/computes/read", "Reader"),
        ("Microsoft.MachineLearningServices/workspaces/write", "Contributor"),
        ("Microsoft.MachineLearningServices/workspaces/read", "Reader"),
        ("Microsoft.Resources/subscriptions/resourcegroups/write", "Contributor"),
        ("Microsoft.Authorization/roleAssignments/write", "Role Based Access Control Administrator"),
        ("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", "Managed Identity Operator"),
        ("Microsoft.Network/virtualNetworks/subnets/join/action", "Network Contributor"),
    ],
)
def test_the_smallest_role(action, role):
    assert needed_role(action) == role


@pytest.mark.parametrize("resource", ["", "/providers/Microsoft.KeyVault/vaults/kv"])
def test_a_role_that_a_template_may_not_assign_is_granted_on_its_resource_group(resource):
    """The assignment that was refused is not there, and what it is for may not be there either."""
    group = "/subscriptions/s/resourceGroups/rg"
    assignment = f"{group}{resource}/providers/Microsoft.Authorization/roleAssignments/5134459b"
    message = (
        "Deployment failed with multiple errors: 'Authorization failed for template resource '5134459b' of type "
        "'Microsoft.Authorization/roleAssignments'. The client '7d3a' with object id '9f1b' does not have permission to perform "
        f"action 'Microsoft.Authorization/roleAssignments/write' at scope '{assignment}'.'"
    )
    error = explained(403, {"error": {"code": "InvalidTemplateDeployment", "message": message}})
    assert (error.fix or "").endswith(f'--role "Role Based Access Control Administrator" --scope {group}`')


def test_a_failed_deployment_tells_its_innermost_reason():
    """ARM nests JSON as text in messages."""
    inner = json.dumps({"error": {"code": "QuotaExceeded", "message": "Total vCPUs exceeded."}})
    outer = {"code": "Conflict", "message": inner}
    error = explained(
        409,
        {
            "status": "Failed",
            "error": {"code": "DeploymentFailed", "message": "At least one resource failed.", "details": [outer]},
        },
    )
    assert "QuotaExceeded: Total vCPUs exceeded." in (error.details or "")


def test_a_validation_map_of_the_endpoint_service_is_readable():
    found = ServiceError.from_body(
        {"errors": {"VmSize": ["Not allowed."]}, "title": "One or more validation errors occurred.", "status": 400}
    )
    assert found.message == "One or more validation errors occurred.: VmSize: Not allowed."


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<html><h1>502 Bad Gateway</h1><hr>nginx</html>", "502 Bad Gateway"),
        ("", "(outer) text of azure-core"),
        ("plain words", "plain words"),
    ],
)
def test_an_answer_that_is_no_json(body, message):
    error = explained(502, body)
    assert error.value is not None
    assert message in error.value
    assert "a failure inside Azure" in (error.cause or "")


def test_the_xml_of_storage():
    body = "\ufeff<?xml version='1.0'?><Error><Code>ContainerNotFound</Code><Message>No such container.\nRequestId:1</Message></Error>"
    error = explained(404, body)
    assert error.what == "Azure refused (404 ContainerNotFound)."
    assert error.value == "No such container."


def test_an_empty_404_of_a_compute():
    error = explained(404, "", kind=ResourceNotFoundError, doing="looking for compute cpu")
    assert error.what == "Azure refused while looking for compute cpu (404)."


def test_an_error_of_mlflow():
    error = explained(404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No run x"})
    assert error.what == "Azure refused (404 RESOURCE_DOES_NOT_EXIST)."


@pytest.mark.parametrize(
    ("status", "body", "cause", "fix"),
    [
        (
            409,
            {"error": {"code": "MissingSubscriptionRegistration", "message": "x"}},
            "never used",
            "az provider register",
        ),
        (409, {"error": {"code": "Conflict", "message": "busy"}}, "still running", "run the job again"),
        (429, {"error": {"code": "TooManyRequests", "message": "slow"}}, "too many requests", "run the job again"),
        (401, {"error": {"code": "InvalidAuthenticationToken", "message": "x"}}, "another tenant", "az account show"),
        (403, {"error": {"code": "RequestDisallowedByPolicy", "message": "x"}}, "Azure Policy", "az policy"),
        (
            409,
            {
                "error": {
                    "code": "ScopeLocked",
                    "message": "cannot perform write operation because following scope(s) are locked: '/s'",
                }
            },
            "a lock on /s forbids write",
            "az lock list",
        ),
        (
            403,
            {
                "error": {
                    "code": "UserError",
                    "message": "Access to workspace was denied based on workspace private link configuration.",
                }
            },
            "outside its network",
            "self-hosted runner",
        ),
    ],
)
def test_the_usual_refusals_have_cause_and_fix(status, body, cause, fix):
    error = explained(status, body)
    assert cause in (error.cause or "")
    assert fix in (error.fix or "")


def test_the_wait_that_the_service_asks_for_is_passed_on():
    assert "after 17 s" in (
        explained(429, {"error": {"code": "TooManyRequests", "message": "x"}}, {"Retry-After": "17"}).fix or ""
    )


@pytest.mark.parametrize(
    ("number", "part"),
    [
        (7000215, "the secret is wrong"),
        (7000222, "expired"),
        (700016, "swapped"),
        (90002, "no such tenant"),
        (53003, "policy"),
        (12345, ""),
    ],
)
def test_a_refused_sign_in_says_which_part_is_wrong(number, part):
    message = (
        f"Authentication failed: AADSTS{number}: Something is wrong with it. Trace ID: 01234567-89ab-cdef-0123-456789abcdef "
        "Correlation ID: 01234567-89ab-cdef-0123-456789abcdef Timestamp: 2026-11-23 10:00:00Z"
    )
    error = explain(ClientAuthenticationError(message=message))
    assert error is not None
    assert f"AADSTS{number}" in error.what
    assert part in (error.cause or "")
    assert error.fix
    assert "Timestamp" not in str(error)
    assert "Correlation ID: 01234567" in (error.details or "")


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("HTTP Error: 503", "Microsoft Entra ID answers with 503: an incident"),
        ("HTTP Error: 429", "too many sign-ins at once"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "a proxy that inspects TLS"),
        (
            "Failed to establish a new connection: [Errno -2] Name or service not known",
            "the host name does not resolve",
        ),
        ("('Connection aborted.', RemoteDisconnected('Remote end closed connection'))", "a proxy or a firewall"),
    ],
)
def test_a_sign_in_that_got_no_answer_is_no_refusal(said, cause):
    error = explain(ClientAuthenticationError(message=f"Authentication failed: {said}"), "creating compute c")
    assert error is not None
    assert error.what == "The sign-in to Azure failed while creating compute c."
    assert cause in (error.cause or "")
    assert error.fix
    assert error.anchor == "docs/troubleshooting.md#sign-in"


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("[SSL: CERTIFICATE_VERIFY_FAILED] unable to get local issuer certificate", "not trusted"),
        ("[Errno -2] Name or service not known", "does not resolve"),
        ("[Errno 111] Connection refused", "nothing listens"),
        ("timed out", "proxy or a firewall"),
    ],
)
def test_a_machine_without_a_way_to_azure(reason, cause):
    error = explain(ServiceRequestError(reason), doing="looking for x")
    assert error is not None
    assert error.what == "Azure could not be reached while looking for x."
    assert cause in (error.cause or "")


def test_the_sdks_own_refusal_loses_its_colours():
    from azure.ai.ml.exceptions import ValidationException

    refused = ValidationException(message="\x1b[31mError:\x1b[39m bad file\ndetails", no_personal_data_message="x")
    error = explain(refused, doing="reading job.yml")
    assert error is not None
    assert error.what == "The Azure ML SDK refused while reading job.yml (ValidationException)."
    assert error.value == "Error: bad file"
    assert "\x1b" not in (error.details or "")


def test_a_defect_of_ours_is_not_blamed_on_azure():
    assert explain(KeyError("x")) is None


def test_an_error_that_is_clear_already_stays_as_it_is():
    clear = ActionError("Clear.")
    assert explain(clear, doing="x") is clear


def test_the_error_of_a_job_needs_no_exception():
    error = explain_answer(
        ServiceError.from_body({"error": {"code": "UserError", "message": "exit code 1"}}), doing="running it"
    )
    assert error.what == "Azure refused while running it (UserError)."


@pytest.mark.parametrize(
    "body", [None, [], 5, {"error": "text"}, {"error": {"code": 5, "details": "x", "additionalInfo": {"a": 1}}}]
)
def test_an_unexpected_shape_is_no_crash(body):
    assert ServiceError.from_body(body).status == 0
