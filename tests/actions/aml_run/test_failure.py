"""What a data scientist reads when a job failed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aml_actions.run_history import ChildRun
from aml_actions.service_error import ServiceError
from aml_run.failure import BUILD_LOG, JobFailed, exit_code, explain, failing_log

URL = "https://ml.azure.com/runs/happy_ant?wsid=/subscriptions/s&tid=t"
SCRIPT_FAILED = {
    "error": {
        "code": "UserError",
        "message": "Execution failed. User process 'python' exited with status code 3. Please check log file "
        "'user_logs/std_log.txt' for error details. Error: ValueError: no data",
        "innerError": {"code": "ExecutionFailed"},
    }
}
BUILD_FAILED = {
    "error": {"code": "UserError", "message": f"Image build failed. For more details, check log file {BUILD_LOG}"}
}
TRACEBACK = ["Traceback (most recent call last):", '  File "train.py", line 3', "ValueError: no data", ""]


def failed(
    body: dict[str, object] | None,
    tails: dict[str, list[str]],
    status: str = "Failed",
    children: tuple[ChildRun, ...] = (),
) -> JobFailed:
    return explain("happy_ant", status, URL, ServiceError.from_body(body) if body else None, tails, children)


def test_a_script_that_fails() -> None:
    error = failed(SCRIPT_FAILED, {"user_logs/std_log.txt": ["epoch 1", *TRACEBACK], BUILD_LOG: ["built"]})
    text = str(error)
    assert error.what == "Job happy_ant failed: its script ended with exit code 3."
    assert text.index("Execution failed") < text.index("Last lines of user_logs/std_log.txt") < text.index(URL)
    assert "ValueError: no data" in text.split("Last lines")[1]
    assert error.details is not None
    assert "```text\nepoch 1\n" in error.details


def test_an_environment_that_cannot_be_solved() -> None:
    error = failed(BUILD_FAILED, {BUILD_LOG: ["Because nosuch was not found in the package registry ..."]})
    assert "environment could not be built" in error.what
    assert "nosuch" in str(error)


def test_a_build_that_fails_without_its_log_still_has_its_message() -> None:
    assert "Image build failed" in str(failed(BUILD_FAILED, {}))


def test_of_several_processes_the_one_with_the_exception_is_shown() -> None:
    tails = {
        "user_logs/std_log_process_0.txt": ["waiting for rank 1", "connection reset"],
        "user_logs/std_log_process_1.txt": TRACEBACK,
        "user_logs/std_log_process_2.txt": ["waiting for rank 1"],
    }
    assert failing_log(tails) == "user_logs/std_log_process_1.txt"


def test_without_an_exception_it_is_the_first_process() -> None:
    assert (
        failing_log({"user_logs/std_log_1.txt": ["b"], "user_logs/std_log_0.txt": ["a"]}) == "user_logs/std_log_0.txt"
    )


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("User process 'python' exited with status code 137. ", 137),
        ("User process '/bin/sh' exited with status code -9", -9),
        ("Submitted script failed with a non-zero exit code: 2", 2),
        ("something else", None),
    ],
)
def test_the_exit_code_is_in_the_message(message: str, code: int | None) -> None:
    assert exit_code(message) == code


def test_a_killed_process_is_told_what_kills_processes() -> None:
    body = {"error": {"code": "UserError", "message": "User process 'python' exited with status code 137."}}
    assert "memory" in str(failed(body, {"user_logs/std_log.txt": ["epoch 1"]}))


def test_a_cancelled_job_is_no_success_and_says_so() -> None:
    assert "was cancelled" in str(failed(None, {}, status="Canceled"))


def test_a_pipeline_names_the_step_that_failed() -> None:
    pointer = {
        "error": {"code": "ServiceError", "message": "Pipeline has some failed steps. See child run or execution logs."}
    }
    child = ChildRun("guid", "train", "Failed", ServiceError.from_body(SCRIPT_FAILED))
    assert "Child job train (guid) failed. Execution failed." in str(failed(pointer, {}, children=(child,)))


def test_a_failure_without_a_reason_is_still_a_failure() -> None:
    error = failed(None, {})
    assert error.what == "Job happy_ant failed."
    assert URL in str(error)


def test_the_annotation_stays_small() -> None:
    error = failed(SCRIPT_FAILED, {"user_logs/std_log.txt": ["x" * 1000] * 30})
    assert len(str(error)) < 7000


def test_a_log_cannot_leave_its_block_in_the_summary() -> None:
    error = failed(None, {"user_logs/std_log.txt": ["```", "![x](https://evil.example/p.png)", "```"]})
    assert error.details is not None
    assert "````text\n```\n![x]" in error.details


def test_an_exception_that_azure_quotes_is_not_shown_twice() -> None:
    quoted = "User process 'python' exited with status code 1. Error: " + "\n".join(TRACEBACK)
    error = failed({"error": {"code": "UserError", "message": quoted}}, {"user_logs/std_log.txt": TRACEBACK})
    assert str(error).count("Traceback") == 1
    assert "exited with status code 1." in str(error)


def test_the_codes_are_a_chain_that_is_told_once() -> None:
    chain = {"code": "BadArgument", "innerError": {"code": "ArgumentInvalid", "innerError": {"code": "UserError"}}}
    body = {"error": {"code": "UserError", "message": "wrong", "target": "inputs", "innerError": chain}}
    error = failed(body, {})
    assert "Error: UserError > BadArgument > ArgumentInvalid (target: inputs)\n" in str(error)
    assert error.details is not None
    assert "- `UserError > BadArgument > ArgumentInvalid (target: inputs)`" in error.details


def test_child_jobs_that_failed_alike_share_a_line() -> None:
    children = tuple(
        ChildRun(f"c{number}", f"trial {number}", "Failed", ServiceError.from_body(SCRIPT_FAILED))
        for number in range(200)
    )
    text = str(failed({"error": {"code": "ServiceError", "message": "Some failed."}}, {}, children=children))
    assert "Error: ServiceError\n  trial 0, trial 1, trial 2 and 197 more: UserError > ExecutionFailed" in text
    assert "190 more child jobs failed." in text
    assert len(text) < 7000


def test_the_log_that_the_service_names_is_shown() -> None:
    tails = {"user_logs/std_log_process_0.txt": ["ValueError: a"], "user_logs/std_log_process_1.txt": ["ValueError: b"]}
    assert failing_log(tails, "user_logs/std_log_process_1.txt") == "user_logs/std_log_process_1.txt"


def test_a_process_that_lost_another_one_is_not_the_reason() -> None:
    tails = {
        "user_logs/std_log_process_0.txt": [
            *TRACEBACK[:2],
            "ConnectionResetError: [Errno 104] Connection reset by peer",
        ],
        "user_logs/std_log_process_1.txt": TRACEBACK,
    }
    assert failing_log(tails, "user_logs/std_log_process_0.txt") == "user_logs/std_log_process_1.txt"


def test_the_first_error_of_a_build_is_shown_above_its_end() -> None:
    tails = {BUILD_LOG: [f"cleaning up {number}" for number in range(40)]}
    first = ["ERROR: No matching distribution found for nosuch==1"]
    error = explain("happy_ant", "Failed", URL, ServiceError.from_body(BUILD_FAILED), tails, first_error=first)
    assert f"First error in {BUILD_LOG}:\n{first[0]}" in str(error)
    assert (error.details or "").index(first[0]) < (error.details or "").index("cleaning up 39")


@given(
    message=st.text(),
    tails=st.dictionaries(
        st.sampled_from(["user_logs/std_log.txt", BUILD_LOG, "system_logs/x"]) | st.text(),
        st.lists(st.text(max_size=5000)),
    ),
    status=st.sampled_from(["Failed", "Canceled", "NotResponding", ""]),
    child=st.text(),
)
def test_whatever_service_and_script_say_the_failure_is_told(
    message: str, tails: dict[str, list[str]], status: str, child: str
) -> None:
    body = {"error": {"code": message, "message": message, "innerError": {"code": child}}}
    error = failed(body, tails, status, (ChildRun(child, child, "Failed", ServiceError.from_body(body)),))
    assert error.what.startswith("Job happy_ant")
    assert URL in str(error)
    assert len(str(error)) < 20_000


def test_an_exit_code_keeps_its_meaning_beside_a_cause_that_is_nearer() -> None:
    body = {
        "error": {
            "code": "UserError",
            "message": "Execution failed. User process 'python' exited with status code 134.",
        }
    }
    text = str(failed(body, {"user_logs/std_log.txt": ["RuntimeError: CUDA out of memory."]}))
    assert "Exit code 134: the process aborted itself" in text
    assert "Likely cause: the memory of the GPU ran out" in text
