"""Packages for the Python code of a user's repository: into a folder of their own."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support.steps import ROOT

PROGRAM = ROOT / "shared" / "bootstrap" / "packages.py"


def wheel(folder: Path, name: str, version: str, *, requires: str = "") -> Path:
    """Make a wheel with one module that holds its version."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}.py", f"VERSION = {version!r}\n")
        needed = f"Requires-Dist: {requires}\n" if requires else ""
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needed}")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return file


def install(requirements: Path, target: Path, home: Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "UV_CACHE_DIR") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-I", "-B", str(PROGRAM), "--requirements", str(requirements), "--target", str(target)],
        env={**kept, "HOME": str(home), "AML_ACTIONS_HOME": str(home), **env},
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def offline_requirements(tmp_path: Path) -> Path:
    file = tmp_path / "requirements.txt"
    file.write_text("--no-index\n./wheels/of_mine-1.5-py3-none-any.whl\n")
    return file


def test_they_are_installed_beside_the_environment(
    tmp_path: Path, actions_home: Path, offline_requirements: Path
) -> None:
    wheel(tmp_path / "wheels", "of_mine", "1.5")
    done = install(offline_requirements, tmp_path / "target", actions_home, tmp_path)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "target/of_mine.py").read_text() == "VERSION = '1.5'\n"
    missing = subprocess.run(
        [sys.executable, "-I", "-c", "import of_mine"], capture_output=True, text=True, check=False
    )
    assert "No module named 'of_mine'" in missing.stderr


def test_what_contradicts_the_environment_is_refused(
    tmp_path: Path, actions_home: Path, offline_requirements: Path
) -> None:
    # Both would be imported into the process of the step.
    wheel(tmp_path / "wheels", "of_mine", "1.5", requires="pydantic<2")
    done = install(offline_requirements, tmp_path / "target", actions_home, tmp_path)
    assert done.returncode == 1
    assert "pydantic" in done.stdout
    assert not (tmp_path / "target/of_mine.py").exists()


def test_what_a_step_was_given_is_not_for_the_code_of_packages(tmp_path: Path, actions_home: Path) -> None:
    """Building a package runs its code: it must not find the credentials of the step."""
    source = tmp_path / "package"
    source.mkdir()
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "peeks"\nversion = "1"\n'
    )
    (source / "backend.py").write_text(
        "import os, pathlib, zipfile\n"
        "def build_wheel(folder, config_settings=None, metadata_directory=None):\n"
        "    seen = sorted(name for name in os.environ if 'CREDENTIALS' in name)\n"
        "    name = 'peeks-1-py3-none-any.whl'\n"
        "    with zipfile.ZipFile(pathlib.Path(folder) / name, 'w') as archive:\n"
        "        archive.writestr('peeks.py', f'SEEN = {seen!r}\\n')\n"
        "        archive.writestr('peeks-1.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: peeks\\nVersion: 1\\n')\n"
        "        archive.writestr('peeks-1.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: t\\nTag: py3-none-any\\n')\n"
        "        archive.writestr('peeks-1.dist-info/RECORD', '')\n"
        "    return name\n"
    )
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("--no-index\n./package\n")
    done = install(
        requirements, tmp_path / "target", actions_home, tmp_path, AML_ACTION_INPUT_AZURE_CREDENTIALS="secret"
    )
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "target/peeks.py").read_text() == "SEEN = []\n"
