"""What a data scientist may write into a conda file, and what becomes of it."""

from __future__ import annotations

import pytest

from aml_emulator.environments.conda import CondaFileError, parse


def conda(*dependencies: str, pip: tuple[str, ...] = ()) -> str:
    lines = ["dependencies:", *(f"  - {item!r}" for item in dependencies)]
    if pip:
        lines += ["  - pip:", *(f"      - {item!r}" for item in pip)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("numpy", "numpy"),
        ("numpy=1.26", "numpy==1.26.*"),
        ("numpy=1.26.*", "numpy==1.26.*"),
        ("numpy==1.26.4", "numpy==1.26.4"),
        ("numpy 1.26.4", "numpy==1.26.4"),
        ("numpy=1.26.4=py311h64a7726_0", "numpy==1.26.4.*"),
        ("numpy 1.26.* *_openblas", "numpy==1.26.*"),
        ("scikit-learn>=1.5", "scikit-learn>=1.5"),
        ("scikit-learn >= 1.5, < 1.7", "scikit-learn>=1.5,<1.7"),
        ("scikit-learn>=1.5,<1.7", "scikit-learn>=1.5,<1.7"),
        ("scikit-learn!=1.6.*", "scikit-learn!=1.6.*"),
        ("pandas~=2.2", "pandas~=2.2"),
        ("pandas=*", "pandas"),
        ("conda-forge::pandas=2.2", "pandas==2.2.*"),
        ("conda-forge/linux-64::pandas", "pandas"),
        ("pandas[version='>=2,<3']", "pandas>=2,<3"),
        ("PyYAML=6", "pyyaml==6.*"),
        ("pytorch=2.5", "torch==2.5.*"),
        ("setuptools<70", "setuptools<70"),
    ],
)
def test_a_conda_package_becomes_the_same_versions_of_pypi(written: str, asked: str) -> None:
    assert parse(conda(written)).requirements == (asked,)


@pytest.mark.parametrize(
    ("written", "request_"),
    [
        ("python=3.11", "3.11"),
        ("python=3.11.*", "3.11"),
        ("python==3.11.7", "3.11.7"),
        ("python 3.10", "3.10"),
        ("python>=3.10,<3.12", ">=3.10,<3.12"),
        ("python=3.8.13=h12debd9_0_cpython", "3.8.13"),
        ("python", None),
    ],
)
def test_the_python_version_is_asked_of_the_interpreters(written: str, request_: str | None) -> None:
    found = parse(conda(written, "pip"))
    assert (found.python, found.requirements) == (request_, ())


def test_the_pip_section_goes_to_the_installer_as_it_is() -> None:
    lines = (
        "numpy==2.1.0  # pinned",
        "-i https://pypi.example/packages",
        "git+https://github.com/o/r@v1",
        "# a comment",
        "",
    )
    assert parse(conda("python=3.11", "pip", pip=lines)).requirements == (
        "numpy==2.1.0",
        "-i https://pypi.example/packages",
        "git+https://github.com/o/r@v1",
    )


def test_pip_options_that_belong_on_the_command_line_go_there() -> None:
    found = parse(conda(pip=("--pre", "--trusted-host pypi.example", "numpy")))
    assert found.flags == ("--prerelease", "allow", "--allow-insecure-host", "pypi.example")
    assert found.requirements == ("numpy",)


def test_environment_variables_of_the_file_are_kept() -> None:
    assert parse("variables: {OMP_NUM_THREADS: 2}\ndependencies: []").variables == (("OMP_NUM_THREADS", "2"),)


def test_what_has_no_effect_is_noted_not_dropped_in_silence() -> None:
    found = parse(conda("nomkl", "numpy=1.26=py311_0") + "\nplatforms: [linux-64]")
    assert found.requirements == ("numpy==1.26.*",)
    assert any("nomkl" in note for note in found.notes)
    assert any("py311_0" in note for note in found.notes)
    assert any("platforms" in note for note in found.notes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dependencies: [numpy", "not YAML"),
        ("- numpy", "must be a mapping"),
        ("name: x", "must have 'dependencies'"),
        ("dependencies: numpy", "must have 'dependencies'"),
        ("dependencies: [1]", "neither a package"),
        ("dependencies: [{npm: [left-pad]}]", "neither a package"),
        ("dependencies: [{pip: numpy}]", "must be a list"),
        (conda("numpy=1.2|1.3"), "alternatives"),
        (conda("numpy>=one two three four"), "is not a version"),
        (conda("=1.2"), "is not a conda package"),
        (conda(pip=("-r requirements.txt",)), "local file"),
        (conda(pip=("-e .",)), "local file"),
        (conda(pip=("./wheels/x.whl",)), "local file"),
        (conda(pip=("--require-hashes",)), "is not supported"),
    ],
)
def test_a_file_that_cannot_be_followed_is_refused_in_one_sentence(text: str, words: str) -> None:
    with pytest.raises(CondaFileError, match=words) as caught:
        parse(text)
    assert "Traceback" not in str(caught.value)
