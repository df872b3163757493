"""A failure that is known is told with its cause, what to do, and the section of the page that has its words as the heading."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aml_actions.errors import ActionError
from aml_actions.service_error import ServiceError
from aml_run import known_failures, known_failures_page
from aml_run.failure import BUILD_LOG, JobFailed, explain
from aml_run.known import Known, Where
from aml_run.known_failures import TABLE, explained, find
from aml_run.known_script import EXIT_CODES, of_exit_code

PAGE = Path(__file__).resolve().parents[3] / "docs" / "troubleshooting.md"
URL = "https://ml.azure.com/runs/happy_ant"

WORDS = {
    "ClusterCoreQuotaReached": "Operation results in exceeding quota limits of Total Cluster Dedicated Regional vCPUs. Maximum "
    "allowed: 100, Current in use: 98, Additional requested: 6.",
    "ClusterMinNodesExceedCoreQuota": "The specified subscription has a standardNCFamily quota of 0 and cannot accomodate for at least 1 "
    "requested managed compute nodes which maps to 6 vCPUs.",
    "DiskFull": "ComputeNode.Id=tvm1 There is not enough disk space on the node",
    "Nodes of this job got pre-empted": "PreemptionError: Nodes of this job got pre-empted.",
    "FailedPullingImage": "AzureMLCompute job failed. FailedPullingImage: Unable to pull docker image x: unauthorized",
    "execution-wrapper failed with status code": "OrchestrateJobError: Docker container 1a-execution-wrapper failed with status code 1",
    "Kubernetes job failed. 137": "Azure Machine Learning Kubernetes job failed. 137: pod was killed",
    "E45004": "Azure Machine Learning Kubernetes job failed. E45004: training feature is not enabled",
    "Resource Trigger": "Resource Trigger nightly not found",
    "can't be found in this workspace": "Connection my-storage can't be found in this workspace",
    "You don't have permission to alter this storage account": "You don't have permission to alter this storage account. Ensure that you "
    "have been assigned both Storage Blob Data Reader and Storage Blob Data Contributor roles.",
    "CUDA out of memory": "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB",
    "UnsupportedModelRegistryStoreURIException": "mlflow.exceptions.MlflowException: Could not find a store for azureml://x",
    "ModuleNotFoundError": "ModuleNotFoundError: No module named 'xgboost'",
    "FileNotFoundError": "FileNotFoundError: [Errno 2] No such file or directory: '/mnt/azureml/cr/j/1/wd/INPUT_data/x'",
    "NCCL timeout": "Watchdog caught collective operation timeout: NCCL operation timed out",
    "is empty. Skip uploading": "UserErrorException: /tmp/outputs is empty. Skip uploading",
    "ResolvePackageNotFound": "ResolvePackageNotFound: \n  - nosuch=1.0",
    "CondaEnvSpecParserError": 'InvalidSpec: The package "x" is not valid',
    "No matching distribution found for": "ERROR: No matching distribution found for nosuch==1.0",
    "Failed building wheel": "  ERROR: Failed building wheel for mpi4py",
    "It is a distutils installed project": "ERROR: Cannot uninstall 'PyYAML'. It is a distutils installed project and thus we cannot",
    "403 Forbidden": "ERROR: HTTP error 403 Client Error: Forbidden for url: https://x",
    "bash: 20.1.1: No such file": "/bin/sh: 20.1.1: No such file or directory",
    "denied: client with IP": "denied: client with IP '1.2.3.4' is not allowed access",
    "pull access denied": "manifest for mcr.microsoft.com/x:9 not found: manifest unknown",
    "COPY failed": "COPY failed: file not found in build context or excluded by .dockerignore",
    "unknown instruction": "dockerfile parse error line 3: unknown instruction: RUNN",
    "failed to push": "error: failed to push to registry",
    "CondaHTTPError": "CondaHTTPError: HTTP 000 CONNECTION FAILED for url",
    "MemoryError": "Killed",
    "Installing pip dependencies: ...working...": "Preparing transaction: done\nInstalling pip dependencies: ...working... \n",
    "Solving environment": "Collecting package metadata (repodata.json): done\nSolving environment: ...working... \n",
    "AzureIdentityAccessTokenResolution.InvalidResource": "ScriptExecution.StreamAccess.Authentication."
    "AzureIdentityAccessTokenResolution.InvalidResource",
    "FirewallSettingsResolutionFailure": "ScriptExecution.StreamAccess.Authentication.AzureIdentityAccessTokenResolution."
    "FirewallSettingsResolutionFailure",
    "ScriptExecution.StreamAccess.Authentication": "This request is not authorized to perform this operation using this permission.",
    "ScriptExecution.StreamAccess.NotFound": "The requested stream was not found. Please make sure the request uri is correct.",
    "ScriptExecution.StreamAccess.Throttled": "ScriptExecution.StreamAccess.Throttling: too many",
}
"""Messages as they were recorded, documented or reported, where the heading alone is not what the service says."""


def words_of(known: Known) -> str:
    return WORDS.get(known.heading, f"It went wrong: {known.heading}: 'x' (more)")


def told(known: Known, where: Where) -> str:
    """Return what the user reads when the words of a failure come from there."""
    words = words_of(known)
    if where is Where.SUBMISSION:
        error = ActionError("Azure refused while submitting job.yml (400 UserError).", value=words)
        with pytest.raises(ActionError) as raised, explained():
            raise error
        return str(raised.value)
    if where is Where.JOB:
        return str(failed(words, {}))
    if where is Where.BUILD:
        return str(
            failed(f"Image build failed. For more details, check log file {BUILD_LOG}", {BUILD_LOG: words.splitlines()})
        )
    message = "Execution failed. User process 'python' exited with status code 1."
    return str(failed(message, {"user_logs/std_log.txt": ["epoch 1", *words.splitlines()]}))


def failed(message: str, tails: dict[str, list[str]]) -> JobFailed:
    error = ServiceError.from_body({"error": {"code": "UserError", "message": message}})
    return explain("happy_ant", "Failed", URL, error, tails)


CASES = [pytest.param(known, where, id=f"{known.heading} in {where.value}") for known in TABLE for where in known.where]


@pytest.mark.parametrize(("known", "where"), CASES)
def test_its_words_lead_to_cause_fix_and_section(known: Known, where: Where) -> None:
    text = told(known, where)
    assert known.cause in text
    assert known.fix in text
    assert known.anchor in text


@pytest.mark.parametrize("code", sorted(EXIT_CODES))
def test_an_exit_code_is_told_with_its_meaning(code: int) -> None:
    error = failed(f"Execution failed. User process 'python' exited with status code {code}.", {})
    known = EXIT_CODES[code]
    assert f"ended with exit code {code}." in error.what
    assert (error.cause, error.fix, error.anchor) == (known.cause, known.fix, known.anchor)


@pytest.mark.parametrize(("signal", "code"), [(-9, 137), (-15, 143), (-11, 139), (-6, 134)])
def test_the_number_of_a_signal_means_the_same(signal: int, code: int) -> None:
    assert of_exit_code(signal) is EXIT_CODES[code]


def test_the_page_has_a_section_for_each() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert known_failures_page.replaced(page) == page, (
        "run `python -m aml_run.known_failures_page docs/troubleshooting.md`"
    )
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    slugs = [re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings]
    assert len(TABLE) > 120
    assert {known.slug: slugs.count(known.slug) for known in TABLE} == {known.slug: 1 for known in TABLE}
    assert {f"`{known.heading}`" for known in TABLE} <= set(headings)


def test_writing_the_page_twice_changes_nothing() -> None:
    once = known_failures_page.replaced("# Page\n\nText.\n")
    assert once.startswith("# Page\n\nText.\n\n<!--")
    assert known_failures_page.replaced(once) == once
    assert known_failures_page.replaced(once + "After.\n").endswith("After.\n")


@pytest.mark.parametrize(
    "text",
    [
        "Execution failed. User process 'python' exited with status code 3.",
        "the tests of ModuleNotFoundErrors",
        "loss 0.3, Killed 3 processes",
        "E450041",
        "",
    ],
)
def test_other_words_are_not_taken_for_known_ones(text: str) -> None:
    assert find(text) is None


def test_what_the_script_says_is_not_taken_for_what_the_service_says() -> None:
    quoted = "Execution failed. User process 'python' exited with status code 1. Error: requests.HTTPError: InternalServerError of my API"
    assert failed(quoted, {}).cause != find("InternalServerError").cause  # type: ignore[union-attr]


def test_a_word_far_above_the_end_of_a_log_is_not_the_reason() -> None:
    log = [
        "optional: No module named 'tensorboard'",
        *(f"epoch {number}" for number in range(50)),
        "ValueError: no data",
    ]
    message = "Execution failed. User process 'python' exited with status code 1."
    assert failed(message, {"user_logs/std_log.txt": log}).cause == EXIT_CODES[1].cause


@pytest.mark.parametrize("anchor", ["throttled", "policy", "lock", "private-network"])
def test_an_advice_that_is_made_from_the_answer_stays(anchor: str) -> None:
    with pytest.raises(ActionError) as raised, explained():
        raise ActionError(
            "Azure refused (429 TooManyRequests).", fix="after 20 s", anchor=f"docs/troubleshooting.md#{anchor}"
        )
    assert raised.value.fix == "after 20 s"


def test_a_block_without_an_error_says_nothing() -> None:
    with explained():
        pass
    with pytest.raises(ActionError) as raised, explained():
        raise ActionError("Nobody knows this.")
    assert (raised.value.cause, raised.value.fix, raised.value.anchor) == (None, None, None)


@given(st.text())
def test_any_text_is_looked_through(text: str) -> None:
    found = known_failures.find(text)
    assert found is None or found in TABLE
