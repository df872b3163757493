"""run.sh as a step calls it, in a tree like the published one: org/actions with the folders of the actions, shared, requirements."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support.steps import ROOT, run_step, step_environment

SPEC = """
from aml_actions.spec import ActionSpec, Parameters, azure_credentials_input, parameters_file_input, result_output

ACTION = ActionSpec(
    name="aml-probe", title="Probe", description="Tells how it runs.",
    inputs=(azure_credentials_input(), parameters_file_input("probe.json")), outputs=(result_output("Facts."),),
    parameters=Parameters, parameters_file="probe.json", work="aml_probe.action:work",
)
"""
ACTION = """
import os, sys, time

def work(step):
    junk = [name for name in os.environ if name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")]
    step.set_output("result", {"pid": os.getpid(), "prefix": sys.prefix, "isolated": sys.flags.isolated, "utf8": sys.flags.utf8_mode,
                               "junk": junk, "encoding": sys.stdout.encoding, "file": __file__})
    step.workflow.info("working")
    if os.environ.get("PROBE_SLEEPS"):
        time.sleep(60)
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The published tree, under a path with spaces."""
    root = tmp_path_factory.mktemp("published tree") / "org" / "actions"
    probe = root / "aml-probe" / "aml_probe"
    probe.mkdir(parents=True)
    (probe / "__init__.py").touch()
    (probe / "spec.py").write_text(SPEC)
    (probe / "action.py").write_text(ACTION)
    shutil.copytree(ROOT / "shared", root / "shared", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "requirements", root / "requirements")
    return root


@pytest.fixture
def run(tree, tmp_path, actions_home):
    """Run the probe as its action.yml does; returns the outcome."""

    def call(action="aml-probe", workspace=None, **env):
        here = workspace or tmp_path / "work space"
        here.mkdir(exist_ok=True)
        script = f"{tree}/aml-probe/../shared/bootstrap/run.sh"
        return run_step(
            action,
            here,
            tmp_path / "runner",
            env={"AML_ACTIONS_HOME": str(actions_home), **env},
            command=["bash", script],
        )

    return call


def test_a_step_runs_isolated_in_the_locked_environment(run, actions_home):
    outcome = run()
    assert outcome.code == 0, outcome.log
    facts = outcome.result
    assert Path(facts["prefix"]).is_relative_to(actions_home)
    assert facts["isolated"] == 1
    assert facts["utf8"] == 1


def test_the_jobs_own_python_variables_do_not_reach_it(run, tmp_path):
    junk = tmp_path / "junk"
    junk.mkdir()
    for name in ("sitecustomize.py", "pydantic.py", "aml_actions.py", "json.py"):
        (junk / name).write_text("raise RuntimeError('junk')\n")
    outcome = run(PYTHONPATH=str(junk), PYTHONHOME="/nowhere", VIRTUAL_ENV=str(junk), PIP_REQUIRE_VIRTUALENV="1")
    assert outcome.code == 0, outcome.log
    assert outcome.result["junk"] == []


def test_an_action_inside_the_users_repository_leaves_no_files_there(tree, run):
    """`uses: ./actions/aml-run`: the action's own folder is the workspace."""
    before = sorted(tree.rglob("*"))
    outcome = run(workspace=tree)
    assert outcome.code == 0, outcome.log
    assert sorted(tree.rglob("*")) == before


def test_the_tool_cache_of_the_runner_keeps_the_environment(run, tmp_path, actions_home):
    tool_cache = tmp_path / "tool cache"
    tool_cache.mkdir()
    (tool_cache / "aml-actions").symlink_to(actions_home)
    outcome = run(AML_ACTIONS_HOME="", RUNNER_TOOL_CACHE=str(tool_cache))
    assert outcome.code == 0, outcome.log
    assert outcome.result["prefix"].startswith(str(tool_cache))


def started(tree, tmp_path, actions_home):
    """Start the probe and wait until it works; returns the process and its output file."""
    environment = step_environment(
        tmp_path / "runner",
        tmp_path,
        {
            "azure_credentials": '{"clientId":"a","clientSecret":"secret-of-the-probe","tenantId":"c","subscriptionId":"d"}'
        },
        {"AML_ACTIONS_HOME": str(actions_home), "PROBE_SLEEPS": "1"},
    )
    # As the runner starts it: a script of bash whose only line is the exec of action.yml.
    command = ["bash", "-eo", "pipefail", "-c", f'exec "{tree}/aml-probe/../shared/bootstrap/run.sh" aml-probe']
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + 60
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("working"):
            return process, Path(environment["GITHUB_OUTPUT"])
        assert time.monotonic() < deadline
    raise AssertionError("the probe ended early")


def test_the_process_of_the_step_becomes_the_action(tree, tmp_path, actions_home):
    """The runner signals only that process: a bash in between would swallow the cancellation."""
    process, outputs = started(tree, tmp_path, actions_home)
    try:
        assert f'"pid": {process.pid}' in outputs.read_text()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_cancelled_step_ends_at_once_and_says_so(tree, tmp_path, actions_home, number, code):
    process, _ = started(tree, tmp_path, actions_home)
    process.send_signal(number)
    rest, _ = process.communicate(timeout=10)
    assert process.returncode == code
    assert "::error title=aml-probe::The step was cancelled." in rest
    assert "Traceback" not in rest


def test_a_machine_without_python_gets_the_fix(tree, tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "bash").symlink_to(shutil.which("bash") or "/bin/bash")
    stub = programs / "python3"  # the stub of Windows, or of a version manager without a version
    stub.write_text(f"#!{programs}/bash\necho 'python3: command not found' >&2\nexit 127\n")
    stub.chmod(0o755)
    done = subprocess.run(
        [str(programs / "bash"), str(tree / "shared/bootstrap/run.sh"), "aml-probe"],
        env={"PATH": str(programs), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert (
        "::error title=aml-actions::No Python 3.10 or newer was found on PATH.%0AFix: Put actions/setup-python"
        in done.stdout
    )


def test_a_machine_without_any_folder_to_keep_things_gets_the_fix(tree):
    done = subprocess.run(
        ["bash", str(tree / "shared/bootstrap/run.sh"), "aml-probe"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Fix: Set AML_ACTIONS_HOME." in done.stdout


def test_an_action_that_does_not_exist_is_named(run):
    outcome = run("aml-prob")
    assert outcome.code == 1
    assert "there is no action aml-prob in" in outcome.log


def test_the_repository_itself_has_the_shape_of_the_published_tree(tmp_path):
    """In the repository actions/shared is a link; run.sh must find the actions beside it and the locks behind it."""
    assert (ROOT / "actions" / "shared").resolve() == ROOT / "shared"
    outcome = run_step("aml-workspace", tmp_path, tmp_path / "runner", inputs={"azure_credentials": ""})
    assert outcome.code == 1
    assert outcome.annotations[0].startswith("The input azure_credentials is empty.")
