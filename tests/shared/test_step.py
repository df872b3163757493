"""A whole step: settings, work, and what the user sees when something is wrong."""

import io
import json
import sys
import types

import pytest
from azure.core.exceptions import ClientAuthenticationError
from pydantic import Field
from support.steps import CREDENTIALS, read_outputs, step_environment, write_parameters

from aml_actions.errors import ActionError
from aml_actions.spec import (
    ActionSpec,
    Parameters,
    Secret,
    azure_credentials_input,
    parameters_file_input,
    result_output,
)
from aml_actions.step import main


class Probe(Parameters):
    name: str = Field("x", description="Name.")


SPEC = ActionSpec(
    name="aml-probe",
    title="Probe",
    description="Probes.",
    inputs=(azure_credentials_input(), parameters_file_input("probe.json")),
    outputs=(result_output("All."),),
    parameters=Probe,
    parameters_file="probe.json",
    secrets=(Secret("PROBE_PASSWORD", "A password."),),
    work="probe_work:work",
)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a step whose work is the given function; returns (exit code, log, outputs, summary)."""

    def call(work=lambda step: None, credentials=None, **env):
        module = types.ModuleType("probe_work")
        module.work = work
        monkeypatch.setitem(sys.modules, "probe_work", module)
        environment = step_environment(
            tmp_path / "runner",
            tmp_path,
            {"azure_credentials": json.dumps(CREDENTIALS) if credentials is None else credentials},
            env,
        )
        stream = io.StringIO()
        code = main(SPEC, environment, stream)
        summary = (tmp_path / "runner" / "GITHUB_STEP_SUMMARY").read_text(encoding="utf-8")
        return (
            code,
            stream.getvalue(),
            read_outputs((tmp_path / "runner" / "GITHUB_OUTPUT").read_text(encoding="utf-8")),
            summary,
        )

    return call


def raising(error):
    def work(step):
        raise error

    return work


def test_the_work_gets_typed_settings(run, tmp_path):
    write_parameters(tmp_path, "probe.json", {"name": "given"})

    def work(step):
        step.set_output(
            "result",
            {
                "name": step.parameters.name,
                "file": step.inputs["parameters_file"],
                "subscription": step.credentials.subscription_id,
                "secrets": sorted(step.secrets),
                "repository": step.runner.repository_name,
                "branch": step.runner.branch,
                "link": step.runner.run_link,
                "agent": step.user_agent,
            },
        )

    code, log, outputs, summary = run(work, PROBE_PASSWORD="pass-of-probe", GITHUB_REF="refs/heads/feature/new")
    assert code == 0, log
    assert json.loads(outputs["result"]) == {
        "name": "given",
        "file": "probe.json",
        "subscription": CREDENTIALS["subscriptionId"],
        "secrets": ["PROBE_PASSWORD"],
        "repository": "credit-risk",
        "branch": "new",
        "link": "https://github.com/octo/credit-risk/actions/runs/4711",
        "agent": "aml-probe/1.0.0 (github-actions; run 4711.1)",
    }
    assert summary == ""


def test_secrets_are_masked_before_anything_else_is_said(run):
    code, log, _, _ = run(lambda step: step.workflow.info("first words"), PROBE_PASSWORD="pass-of-probe")
    assert code == 0
    for secret in ("pass-of-probe", CREDENTIALS["clientSecret"]):
        assert f"::add-mask::{secret}" in log
        assert log.index(f"::add-mask::{secret}") < log.index("first words")


def test_the_ids_are_not_masked(run):
    """GitHub drops job outputs that hold a masked text: every Studio link holds the subscription."""
    _, log, _, _ = run()
    for key in ("clientId", "tenantId", "subscriptionId"):
        assert f"::add-mask::{CREDENTIALS[key]}" not in log


def test_everything_wrong_with_the_settings_is_one_error(run, tmp_path):
    write_parameters(tmp_path, "probe.json", {"name": ["<your-name>"], "nam": 1})
    code, log, outputs, summary = run(credentials='{"clientId": "x"}')
    assert code == 1
    assert log.count("::error ") == 1
    for part in (
        "4 settings are not valid",
        "lacks the key clientSecret",
        "lacks the key tenantId",
        "still has the placeholder of a sample",
    ):
        assert part in log
    assert outputs == {}
    assert summary.startswith("### ❌ aml-probe\n")
    assert summary.count("still has the placeholder of a sample") == 1


def test_a_single_problem_is_annotated_in_its_file(run, tmp_path):
    write_parameters(tmp_path, "probe.json", '{\n  "name": true\n}')
    _, log, _, _ = run()
    assert "::error title=aml-probe,file=.cloud/.azure/probe.json,line=2::The value of name" in log


def test_what_is_accepted_but_not_right_is_a_warning_in_its_file(run, tmp_path):
    write_parameters(tmp_path, "probe.json", '{\n  "nam": "x"\n}')
    code, log, _, _ = run()
    assert code == 0
    assert "::warning title=aml-probe,file=.cloud/.azure/probe.json,line=2::nam is ignored" in log
    assert "did you mean name?" in log


def test_an_error_of_the_work_is_annotation_summary_and_exit_code(run):
    error = ActionError("It is wrong.", value="a|b", fix="run `az x` at <once>", details="```text\nlast line\n```")
    code, log, _, summary = run(raising(error))
    assert code == 1
    assert "::error title=aml-probe::It is wrong.%0AGiven: a|b%0AFix: run `az x` at <once>\n" in log
    assert "| Given | `a\\|b` |" in summary
    assert "| Fix | run `az x` at &lt;once&gt; |" in summary
    assert "last line" in summary
    assert "Traceback" not in log + summary


def test_a_refusal_of_azure_is_explained(run):
    refused = ClientAuthenticationError(message="AADSTS7000215: Invalid client secret provided.")
    code, log, _, _ = run(raising(refused))
    assert code == 1
    assert "AADSTS7000215" in log
    assert "Traceback" not in log


def test_a_refusal_names_what_the_step_was_about(run):
    def work(step):
        with step.doing("creating compute cpu"):
            raise_not_found()

    def raise_not_found():
        from azure.core.exceptions import HttpResponseError

        raise HttpResponseError(message="gone")

    _, log, _, _ = run(work)
    assert "Azure refused while creating compute cpu" in log


def test_a_defect_is_one_sentence_with_the_traceback_folded_and_without_secrets(run):
    code, log, _, summary = run(raising(KeyError(f"::error::{CREDENTIALS['clientSecret']}")))
    assert code == 1
    said = log.replace(f"::add-mask::{CREDENTIALS['clientSecret']}", "")
    assert CREDENTIALS["clientSecret"] not in said + summary
    before, group = said.split("::group::debug\n")
    assert "Traceback" not in before
    assert group.startswith("::stop-commands::"), "the traceback may hold text from elsewhere"
    assert "KeyError" in summary
    assert "Traceback" not in summary


def test_debug_logging_shows_where_a_clear_error_came_from(run):
    _, log, _, _ = run(raising(ActionError("It is wrong.")), RUNNER_DEBUG="1")
    assert "::group::debug" in log
    assert "Traceback" in log


def test_a_cancelled_step_says_so(run):
    code, log, _, summary = run(raising(KeyboardInterrupt()))
    assert code == 130
    assert "The step was cancelled." in log
    assert "cancelled" in summary


def test_what_libraries_log_is_for_debugging_only(run):
    import logging

    _, log, _, _ = run(lambda step: logging.getLogger("azure.identity").warning("get_token failed\n::error::x"))
    assert "::debug::azure.identity: get_token failed%0A::error::x" in log


def test_outside_a_workflow_the_missing_variables_are_named(run):
    code, log, _, _ = run(GITHUB_REPOSITORY="")
    assert code == 1
    assert "GITHUB_REPOSITORY not set" in log
