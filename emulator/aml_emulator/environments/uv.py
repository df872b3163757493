"""Where uv and the Python interpreters of this machine are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path


class UvMissingError(RuntimeError):
    """There is no uv to build environments with."""


class PythonMissingError(RuntimeError):
    """A version of Python is not installed on this machine."""


def find_uv(environment: Mapping[str, str] = os.environ) -> Path:
    """The uv binary: `$AML_EMULATOR_UV`, beside this interpreter, where the project's bootstrap keeps it, or on PATH.

    Raises:
        UvMissingError: there is none.

    """
    if explicit := environment.get("AML_EMULATOR_UV"):
        if os.access(explicit, os.X_OK):
            return Path(explicit)
        raise UvMissingError(
            f"AML_EMULATOR_UV is {explicit!r}, which is not an executable file. Set it to the path of uv."
        )
    beside = Path(sys.prefix) / ("Scripts/uv.exe" if os.name == "nt" else "bin/uv")
    if beside.is_file():
        return beside
    # The bootstrap keeps environments and uv in one folder: HOME/<environment>/bin/python and HOME/uv/<version>/uv.
    for parent in list(Path(sys.prefix).resolve().parents)[:3]:
        if kept := sorted(path for name in ("uv", "uv.exe") for path in parent.glob(f"uv/*/{name}") if path.is_file()):
            return kept[-1]
    if found := shutil.which("uv", path=environment.get("PATH")):
        return Path(found)
    raise UvMissingError(
        "Environments of jobs and deployments are built with uv, which is not installed."
        " Install it (`pip install uv`), or set AML_EMULATOR_UV to its path."
    )


def uv_environment(cache_folder: Path, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The process environment uv runs in: the user's network settings, nothing of the user's Python."""
    kept = {
        key: value
        for key, value in environment.items()
        if key not in ("VIRTUAL_ENV", "CONDA_PREFIX") and not key.startswith("PYTHON")
    }
    return kept | {
        "PATH": os.pathsep.join(_interpreter_folders(environment)),
        "UV_CACHE_DIR": environment.get("UV_CACHE_DIR") or str(cache_folder),
        "UV_SYSTEM_CERTS": "1",  # behind a company's proxy only the system knows the certificate authority
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_CONFIG": "1",
        "UV_NO_PROGRESS": "1",
        "NO_COLOR": "1",
        "COLUMNS": "10000",  # a log is no terminal: the resolver's sentences stay whole
    }


def _interpreter_folders(environment: Mapping[str, str]) -> list[str]:
    """Folders with interpreters: ours, PATH, those of pyenv and of a runner's tool cache.

    pyenv's shims are left out: each is a program of the name `python3.x`, whether that version is selected or not.
    """
    folders = [str(Path(sys.base_prefix) / "bin")]
    folders += [
        folder for folder in environment.get("PATH", os.defpath).split(os.pathsep) if not folder.endswith("shims")
    ]
    pyenv = environment.get("PYENV_ROOT") or str(Path.home() / ".pyenv")
    folders += map(str, sorted(Path(pyenv).glob("versions/3.*/bin"), reverse=True))
    if tools := environment.get("RUNNER_TOOL_CACHE") or environment.get("AGENT_TOOLSDIRECTORY"):
        folders += map(str, sorted(Path(tools).glob("Python/*/*/bin"), reverse=True))
    return list(dict.fromkeys(folders))


@cache
def find_python(uv: Path, request: str, cache_folder: Path) -> Path:
    """An installed interpreter of a version; none is downloaded. Asked of uv once a version, as it takes 0.1 s.

    Raises:
        PythonMissingError: there is none; uv's words are in the message.

    """
    found = subprocess.run(
        [uv, "python", "find", "--system", "--no-project", request],
        env=uv_environment(cache_folder),
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode != 0:
        raise PythonMissingError(
            f"{found.stderr.strip()}\nThe emulator uses the Python versions that are installed on this machine."
            f" Install Python {request}, or name another version."
        )
    return Path(found.stdout.strip())
