"""Making and finding Python environments, as the steps and the Makefile do it."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.steps import ROOT

ENVIRONMENT = ROOT / "shared" / "bootstrap" / "environment.py"


@pytest.fixture
def home(tmp_path, home_with_uv):
    """An own home folder, with a space in its name, that shares the installer with the other tests."""
    folder = tmp_path / "home of actions"
    shutil.copytree(home_with_uv / "uv", folder / "uv")
    return folder


@pytest.fixture
def make(tmp_path, home, index):
    """Call environment.py in a bare environment; returns the finished process."""

    def call(lock, *arguments, env=None, cwd=None, home=home):
        return subprocess.run(
            [sys.executable, "-I", "-S", str(ENVIRONMENT), "--lock", str(lock), "--home", str(home), *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "UV_DEFAULT_INDEX": index.url, **(env or {})},
            cwd=cwd or tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return call


def imports(python: str) -> str:
    return subprocess.check_output(
        [python, "-I", "-c", "import tinyprobe_of_tests; print(tinyprobe_of_tests.VERSION)"], text=True
    ).strip()


def environments(home: Path) -> list[Path]:
    return [one for one in (home / "envs").iterdir() if one.is_dir()]


def test_the_first_step_makes_the_environment_and_the_next_one_finds_it(make, index, tmp_path):
    lock = index.lock(tmp_path)
    first = make(lock)
    assert first.returncode == 0, first.stderr
    assert first.stdout.count("\n") == 1, "the path is the only line on standard output"
    assert imports(first.stdout.strip()) == "1.0"
    assert "installing 1 packages" in first.stderr

    second = make(lock)
    assert (second.returncode, second.stdout, second.stderr) == (0, first.stdout, "")


def test_finding_it_costs_a_fraction_of_a_second(make, index, tmp_path):
    lock = index.lock(tmp_path)
    make(lock)
    times = []
    for _ in range(5):
        started = time.perf_counter()
        make(lock)
        times.append(time.perf_counter() - started)
    assert min(times) < 0.2


def test_another_lock_is_another_environment(make, index, tmp_path, home):
    make(index.lock(tmp_path))
    make(index.lock(tmp_path, comment="# changed\n"))
    assert len(environments(home)) == 2


def test_bytecode_is_compiled_so_that_the_first_import_is_fast(make, index, tmp_path):
    python = make(index.lock(tmp_path)).stdout.strip()
    assert list(Path(python).parents[1].rglob("__pycache__/tinyprobe_of_tests.*.pyc"))


def test_programs_of_the_environment_work_under_its_final_name(make, index, tmp_path):
    """The environment is made under a temporary name; the Makefile uses the programs in its bin folder."""
    python = Path(make(index.lock(tmp_path)).stdout.strip())
    config = (python.parents[1] / "pyvenv.cfg").read_text()
    assert "relocatable = true" in config
    assert ".unfinished" not in config.replace(str(tmp_path), "")


def test_junk_of_the_jobs_own_python_does_no_harm(make, index, tmp_path):
    junk = tmp_path / "junk"
    junk.mkdir()
    for name in ("sitecustomize.py", "hashlib.py", "pathlib.py", "installer.py", "tinyprobe_of_tests.py"):
        (junk / name).write_text("raise RuntimeError('the job\\'s own module was imported')\n")
    result = make(
        index.lock(tmp_path),
        cwd=junk,
        env={
            "PYTHONPATH": str(junk),
            "PYTHONSTARTUP": str(junk / "sitecustomize.py"),
            "VIRTUAL_ENV": "/nowhere",
            "PIP_TARGET": str(junk),
            "PIP_NO_BINARY": ":all:",
            "UV_PYTHON": "/nowhere/python",
            "UV_CONSTRAINT": "/nowhere/constraints.txt",
            "UV_EXCLUDE_NEWER": "2001-01-01",
            "UV_SYSTEM_PYTHON": "1",
        },
    )
    assert result.returncode == 0, result.stderr
    assert imports(result.stdout.strip()) == "1.0"


def test_the_uv_configuration_of_the_users_repository_is_not_read(make, index, tmp_path):
    (tmp_path / "uv.toml").write_text('no-index = true\n[pip]\nindex-url = "http://127.0.0.1:9/nothing"\n')
    (tmp_path / "pyproject.toml").write_text("[tool.uv]\nno-index = true\n")
    assert make(index.lock(tmp_path)).returncode == 0


@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL", "pip.conf"])
def test_a_companys_package_mirror_is_used(make, index, tmp_path, variable):
    env = {"UV_DEFAULT_INDEX": "", variable: index.url}
    if variable == "pip.conf":
        (tmp_path / "pip.conf").write_text(f"[global]\nindex-url = {index.url}\n")
        env = {"UV_DEFAULT_INDEX": "", "PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}
    asked = len(index.asked)
    result = make(index.lock(tmp_path), env=env)
    assert result.returncode == 0, result.stderr
    assert any("tinyprobe-of-tests" in path for path in index.asked[asked:])


def test_two_jobs_that_start_at_once_share_one_installation(make, index, tmp_path, home):
    lock = index.lock(tmp_path)
    command = [sys.executable, "-I", "-S", str(ENVIRONMENT), "--lock", str(lock), "--home", str(home)]
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "UV_DEFAULT_INDEX": index.url}
    jobs = [
        subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]
    ended = [(*job.communicate(timeout=120), job.returncode) for job in jobs]
    assert [code for _, _, code in ended] == [0, 0, 0, 0], ended
    assert len({out for out, _, _ in ended}) == 1
    assert sum("installing" in err for _, err, _ in ended) == 1, "only one of them installs"
    assert len(environments(home)) == 1


def test_what_a_killed_job_left_is_cleaned_up(make, index, tmp_path, home):
    lock = index.lock(tmp_path)
    finished = Path(make(lock).stdout.strip()).parents[1]
    half_made = finished.with_name(f".unfinished-{finished.name}-12345")
    finished.rename(half_made)
    assert make(lock).returncode == 0
    assert environments(home) == [finished]


@pytest.mark.parametrize("damage", ["marker", "interpreter"])
def test_a_damaged_environment_is_made_anew(make, index, tmp_path, damage):
    lock = index.lock(tmp_path)
    python = Path(make(lock).stdout.strip())
    if damage == "marker":
        (python.parents[1] / "aml-actions-environment").unlink()
    else:  # the runner's Python was updated and the old one removed
        python.unlink()
        python.symlink_to("/nowhere/python3.11")
    again = make(lock)
    assert again.returncode == 0, again.stderr
    assert "damaged" in again.stderr
    assert imports(again.stdout.strip()) == "1.0"


def test_a_package_that_is_not_the_locked_one_is_refused(make, index, tmp_path, home):
    result = make(index.lock(tmp_path, sha256=hashlib.sha256(b"another wheel").hexdigest()))
    assert result.returncode == 1
    assert result.stdout == ""
    assert "::error title=aml-actions::uv pip failed" in result.stderr
    assert "Fix:" in result.stderr
    assert environments(home) == [], "nothing half-made stays"


def test_an_index_that_cannot_be_reached_is_one_clear_error(make, index, tmp_path):
    result = make(
        index.lock(tmp_path),
        env={"UV_DEFAULT_INDEX": "http://127.0.0.1:9/packages", "UV_HTTP_TIMEOUT": "2", "UV_HTTP_RETRIES": "0"},
    )
    assert result.returncode == 1
    assert "A mirror is set with UV_DEFAULT_INDEX or PIP_INDEX_URL" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_home_that_cannot_be_written_is_one_clear_error(make, index, tmp_path):
    """The tool cache of a container job that does not run as root."""
    blocked = tmp_path / "tool cache"
    blocked.write_text("a file where a folder should be")
    result = make(index.lock(tmp_path), home=blocked / "aml-actions")
    assert result.returncode == 1
    assert f"cannot be made in {blocked}" in result.stderr
    assert "Fix: Set AML_ACTIONS_HOME" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_changed_uv_is_not_run(make, index, tmp_path, home):
    uv = next(home.glob("uv/*/uv"))
    uv.write_text("#!/bin/sh\necho owned; exit 0\n")
    recorded = uv.with_name("uv.sha256").read_text()
    result = make(
        index.lock(tmp_path), env={"UV_DEFAULT_INDEX": "", "PIP_INDEX_URL": index.url, "UV_INDEX_URL": index.url}
    )
    # This index has no uv: what counts is that the changed one was not believed.
    assert "owned" not in result.stdout + result.stderr
    assert result.returncode == 1
    assert "pip could not fetch uv" in result.stderr
    assert uv.with_name("uv.sha256").read_text() == recorded


def test_an_installed_uv_is_used_where_no_index_has_one(make, index, tmp_path, home):
    own = tmp_path / "my uv"
    shutil.copy(next(home.glob("uv/*/uv")), own)
    elsewhere = tmp_path / "another home"
    assert make(index.lock(tmp_path), env={"AML_ACTIONS_UV": str(own)}, home=elsewhere).returncode == 0
    assert not (elsewhere / "uv").exists()


def test_a_uv_that_is_not_there_is_one_clear_error(make, index, tmp_path):
    result = make(index.lock(tmp_path), env={"AML_ACTIONS_UV": "/nowhere/uv"})
    assert result.returncode == 1
    assert "AML_ACTIONS_UV names no program: /nowhere/uv" in result.stderr


def test_an_old_python_says_so_and_lets_another_one_try(tmp_path, index):
    code = (
        f"import sys; sys.path.insert(0, {str(ENVIRONMENT.parent)!r}); import environment; environment.OLDEST = (3, 99);"
        f"sys.exit(environment.main(['--lock', {str(index.lock(tmp_path))!r}, '--home', {str(tmp_path)!r}]))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 64
    assert "3.99 or newer is needed" in result.stderr


def test_it_is_written_in_the_syntax_of_old_interpreters():
    """An interpreter that is too old must still be able to say so."""
    import ast

    ast.parse(ENVIRONMENT.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_another_interpreter_can_be_asked_for(make, index, tmp_path):
    lock = index.lock(tmp_path)
    assert make(lock, "--python", sys.executable).stdout == make(lock).stdout


@pytest.mark.parametrize("arguments", [["--lock"], ["--lock", "x", "--house", "y"], ["--home", "y"]])
def test_a_wrong_call_shows_the_usage(arguments):
    result = subprocess.run([sys.executable, str(ENVIRONMENT), *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "usage: environment.py" in result.stderr


def test_a_missing_lock_is_named(make, tmp_path):
    result = make(tmp_path / "absent.txt")
    assert result.returncode == 1
    assert f"there is no lock file {tmp_path / 'absent.txt'}" in result.stderr
