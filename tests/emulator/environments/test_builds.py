"""Environments are really built: by uv, from a package index, once."""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

import pytest
from support.emulator import ROOT

from aml_emulator.environments.builder import BuildCanceled, BuildFailed, EnvironmentBuilder
from aml_emulator.environments.uv import UvMissingError, find_uv

SIX = "dependencies: [python=3.11, pip, {pip: [six==1.17.0]}]"


@pytest.fixture
def builder(tmp_path: Path) -> EnvironmentBuilder:
    return EnvironmentBuilder(tmp_path / "environments", ROOT / ".build" / "uv-cache")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "build.log"


def test_the_environment_has_the_packages_and_the_python_of_the_file(builder: EnvironmentBuilder, log: Path) -> None:
    made = builder.build(SIX, log)
    program = "import six, sys; print(six.__version__, sys.version_info[:2])"
    shown = subprocess.run([made.bin / "python", "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "1.17.0 (3, 11)"
    assert made.has("six")
    assert not made.has("numpy")
    words = log.read_text()
    assert "pip install" in words
    assert "+ six==1.17.0" in words  # uv's own words
    assert "Environment ready after" in words


def test_the_same_definition_is_built_once_and_another_one_apart(builder: EnvironmentBuilder, log: Path) -> None:
    assert builder.cached(SIX) is None
    first = builder.build(SIX, log)
    said = log.read_text()
    again = builder.build(f"name: renamed\nchannels: [conda-forge]\n{SIX}", log)
    assert again.folder == first.folder
    assert log.read_text() == said
    assert builder.cached(SIX) == first
    other = builder.build(SIX.replace("1.17.0", "1.16.0"), log)
    assert other.folder != first.folder


def test_jobs_that_need_the_same_new_environment_build_it_once(builder: EnvironmentBuilder, tmp_path: Path) -> None:
    logs = [tmp_path / f"{number}.log" for number in range(3)]
    folders = []
    threads = [threading.Thread(target=lambda log=log: folders.append(builder.build(SIX, log).folder)) for log in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(folders) == 3
    assert len(set(folders)) == 1
    assert sum("+ six==1.17.0" in log.read_text() for log in logs) == 1


def test_a_package_that_does_not_exist_fails_with_the_resolvers_own_words(
    builder: EnvironmentBuilder, log: Path
) -> None:
    with pytest.raises(BuildFailed, match="was not found in the package registry") as caught:
        builder.build("dependencies: [python=3.11, {pip: [this-package-does-not-exist-anywhere==1]}]", log)
    assert str(caught.value) in log.read_text()
    assert not [path for path in (log.parent / "environments").iterdir() if path.is_dir()]


def test_a_python_version_that_is_not_installed_fails_and_says_so(builder: EnvironmentBuilder, log: Path) -> None:
    with pytest.raises(BuildFailed, match=r"Install Python 3\.99, or name another version"):
        builder.build("dependencies: [python=3.99]", log)
    assert "3.99" in log.read_text()


def test_a_broken_conda_file_fails_with_its_reason_in_the_log(builder: EnvironmentBuilder, log: Path) -> None:
    with pytest.raises(BuildFailed, match="must have 'dependencies'"):
        builder.build("name: x", log)
    assert "must have 'dependencies'" in log.read_text()


def test_a_password_of_a_package_index_is_not_in_the_log(builder: EnvironmentBuilder, log: Path) -> None:
    with pytest.raises(BuildFailed) as caught:
        builder.build(
            "dependencies: [python=3.11, {pip: ['-i https://user:pass-word@127.0.0.1:9/packages', six==1.16.0]}]", log
        )
    assert "pass-word" not in log.read_text() + str(caught.value)
    assert "***@127.0.0.1:9" in log.read_text()


def test_a_build_that_was_cut_short_is_made_anew(builder: EnvironmentBuilder, log: Path) -> None:
    made = builder.build(SIX, log)
    (made.folder / "ready").unlink()
    (made.folder / "bin" / "python").unlink()
    assert builder.cached(SIX) is None
    assert builder.build(SIX, log) == made
    assert (made.bin / "python").exists()


def test_a_canceled_job_ends_its_build(builder: EnvironmentBuilder, log: Path) -> None:
    canceled = threading.Event()
    threading.Timer(0.3, canceled.set).start()
    began = time.monotonic()
    # An index that takes the connection and never answers keeps uv waiting.
    with pytest.raises(BuildCanceled), _silent_server() as address:
        builder.build(f"dependencies: [python=3.11, {{pip: ['-i {address}', six==1.15.0]}}]", log, canceled)
    assert time.monotonic() - began < 10
    assert not [path for path in (log.parent / "environments").iterdir() if path.is_dir()]


def test_without_uv_the_user_is_told_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(UvMissingError, match="is not an executable file"):
        find_uv({"AML_EMULATOR_UV": str(tmp_path / "uv")})
    (tmp_path / "uv").touch(mode=0o755)
    assert find_uv({"AML_EMULATOR_UV": str(tmp_path / "uv")}) == tmp_path / "uv"


class _silent_server:
    def __enter__(self) -> str:
        import socket

        self._socket = socket.create_server(("127.0.0.1", 0))
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/packages"

    def __exit__(self, *_: object) -> None:
        self._socket.close()
