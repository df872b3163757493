"""A conda file as Python packages: which interpreter, which requirements of PyPI.

The emulator has no conda: packages come from PyPI by uv. What a conda file says beyond Python packages is either
without effect there (build strings, BLAS variants: noted in the build log) or refused in one sentence.
A package is written as in conda's match specifications (https://docs.conda.io, "package match specifications").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml


class CondaFileError(ValueError):
    """A conda file that is wrong or asks for what cannot be had here; the message is for its author."""


@dataclass(frozen=True)
class CondaFile:
    """What a conda file asks for.

    Attributes:
        python: version of the interpreter as uv takes it (`3.11`, `>=3.10,<3.12`); None when the file names none.
        requirements: lines of a requirements file, package requirements and the options uv reads there.
        flags: options that uv takes on its command line only.
        variables: environment variables that activation would set.
        notes: what was understood in another way than conda would; for the build log.

    """

    python: str | None
    requirements: tuple[str, ...]
    flags: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


# Names of conda-forge and defaults that PyPI knows by another one.
_PYPI_NAMES = {
    "dask-core": "dask",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "opencv": "opencv-python-headless",
    "py-opencv": "opencv-python-headless",
    "py-xgboost": "xgboost",
    "pytables": "tables",
    "python-graphviz": "graphviz",
    "pytorch": "torch",
    "pytorch-lightning": "pytorch-lightning",
    "tensorflow-base": "tensorflow",
}
# They choose how other packages were compiled, or are what uv itself is here.
_WITHOUT_EFFECT = {"blas", "ca-certificates", "libblas", "libgcc-ng", "libstdcxx-ng", "mkl", "nomkl", "openblas", "pip"}

_NAME = re.compile(r"(?:(?P<channel>[^\s:=<>!~\[]+)::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9._-]*)(?P<rest>.*)", re.DOTALL)
_BRACKET = re.compile(r"""(\w+)\s*=\s*(?:'([^']*)'|"([^"]*)"|([^,\]]+))""")
_CLAUSE = re.compile(r"(?P<operator>==|>=|<=|!=|~=|=|>|<)?\s*(?P<version>[A-Za-z0-9_.!+*-]+)")
_FILE_OPTIONS = (
    "-i",
    "-f",
    "--index-url",
    "--extra-index-url",
    "--find-links",
    "--no-index",
    "--no-binary",
    "--only-binary",
)
_LOCAL_OPTIONS = ("-r", "--requirement", "-c", "--constraint", "-e", "--editable")


def parse(text: str) -> CondaFile:
    """Read a conda file.

    Raises:
        CondaFileError: it is not YAML, has a wrong shape, or asks for what cannot be had.

    """
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CondaFileError(f"The conda file is not YAML: {error}") from None
    if not isinstance(content, dict):
        raise CondaFileError(
            "The conda file must be a mapping with 'dependencies', for example {dependencies: [python=3.11]}."
        )
    dependencies = content.get("dependencies")
    if not isinstance(dependencies, list):
        raise CondaFileError(
            "The conda file must have 'dependencies', a list such as [python=3.11, pip, {pip: [numpy]}]."
        )
    variables = content.get("variables") or {}
    if not isinstance(variables, dict):
        raise CondaFileError("'variables' of the conda file must be a mapping of names to values.")
    notes = [
        f"'{key}' of the conda file has no effect."
        for key in content
        if key not in ("name", "channels", "dependencies", "variables", "prefix")
    ]

    python: str | None = None
    requirements: list[str] = []
    flags: list[str] = []
    for entry in dependencies:
        if isinstance(entry, str):
            name, specifiers, note = _package(entry)
            if note:
                notes.append(note)
            if name == "python":
                python = _python_request(specifiers)
            elif name in _WITHOUT_EFFECT or name.startswith("_"):
                notes.append(f"'{entry}' has no effect here.") if name != "pip" else None
            else:
                requirements.append(_PYPI_NAMES.get(name, name) + ",".join(specifiers))
        elif isinstance(entry, dict) and set(entry) == {"pip"}:
            for line in _pip_lines(entry["pip"]):
                flag = _pip_flag(line)
                (flags if flag else requirements).extend(flag or [line])
        else:
            raise CondaFileError(
                f"{entry!r} in 'dependencies' is neither a package such as 'numpy=2.1' nor {{pip: [...]}}."
            )
    return CondaFile(
        python,
        tuple(requirements),
        tuple(flags),
        tuple((str(key), str(value)) for key, value in variables.items()),
        tuple(notes),
    )


def _package(spec: str) -> tuple[str, list[str], str]:
    """Name in PyPI's spelling, version specifiers, and a note when something of the specification was left out."""
    match = _NAME.fullmatch(spec.strip())
    if match is None:
        raise CondaFileError(
            f"{spec!r} in 'dependencies' is not a conda package, for example 'numpy=2.1' or 'numpy>=2'."
        )
    note = ""
    name, rest = match["name"].lower(), match["rest"].strip()
    if match["channel"]:
        note = f"'{spec}': channel '{match['channel']}' left out, packages come from PyPI."
    if rest.startswith("["):
        keys = {key: next(filter(None, values), "") for key, *values in _BRACKET.findall(rest)}
        version, build = keys.get("version", ""), keys.get("build", "")
    else:
        version, build = _split_build(rest)
    if build and build != "*":
        note = f"'{spec}': build '{build}' left out, wheels have no build strings."
    return name, _specifiers(version, spec), note


def _split_build(rest: str) -> tuple[str, str]:
    """`=1.2=py311_0`, ` 1.2 py311_0`, `>=1.2,<2`: the version part and the build part."""
    if fields := re.fullmatch(r"(={1,2})\s*([^=\s,]+)\s*=\s*(\S+)", rest):
        return f"{fields[1]}{fields[2]}", fields[3]
    words = re.sub(r"\s*(,|\|)\s*", r"\1", re.sub(r"([<>=!~])\s+", r"\1", rest)).split()
    if len(words) == 2:
        return words[0], words[1]
    return " ".join(words), ""


def _specifiers(version: str, spec: str) -> list[str]:
    """A conda version as specifiers of PEP 440."""
    if version in ("", "*"):
        return []
    if "|" in version:
        raise CondaFileError(
            f"{spec!r}: alternatives ('|') cannot be asked of PyPI. Name one range, for example '>=1.2,<1.4'."
        )
    found = []
    for clause in version.split(","):
        match = _CLAUSE.fullmatch(clause.strip())
        if match is None:
            raise CondaFileError(
                f"{spec!r}: {clause!r} is not a version, for example '=1.26', '>=1.2,<2' or '==1.26.4'."
            )
        operator, number = match["operator"] or "", match["version"]
        if number == "*":
            continue
        starred = number.endswith("*")
        number = number.rstrip("*").rstrip(".") if starred else number
        if operator == "=" or (operator in ("", "==") and starred):
            found.append(f"=={number}.*")  # conda's "=1.26" is "1.26 and what begins with 1.26."
        elif operator == "!=" and starred:
            found.append(f"!={number}.*")
        else:
            found.append(f"{operator or '=='}{number}")
    return found


def _python_request(specifiers: list[str]) -> str | None:
    """Specifiers of Python as uv's request: `3.11` rather than `==3.11.*`."""
    if len(specifiers) == 1 and (match := re.fullmatch(r"==(\d+(?:\.\d+)*)(?:\.\*)?", specifiers[0])):
        return match[1]
    return ",".join(specifiers) or None


def _pip_lines(section: Any) -> list[str]:  # noqa: ANN401 - what YAML gave
    if not isinstance(section, list) or not all(isinstance(line, str) for line in section):
        raise CondaFileError(
            "'pip' in 'dependencies' must be a list of requirements, for example {pip: [numpy==2.1.0]}."
        )
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in section)
    found = [line for line in lines if line]
    for line in found:
        option = re.split(r"[\s=]", line, maxsplit=1)[0] if line.startswith("-") else ""
        if option in _LOCAL_OPTIONS or line.startswith((".", "/")):
            raise CondaFileError(
                f"{line!r} in the pip section names a local file, which is not part of an environment."
                " List the packages themselves in the conda file."
            )
        if option and option not in (*_FILE_OPTIONS, "--pre", "--trusted-host"):
            raise CondaFileError(
                f"{line!r} in the pip section is not supported."
                f" Options that are: {', '.join(_FILE_OPTIONS)}, --pre, --trusted-host."
            )
    return found


def _pip_flag(line: str) -> list[str]:
    """Options that uv takes on its command line only."""
    if line == "--pre":
        return ["--prerelease", "allow"]
    if match := re.fullmatch(r"--trusted-host[\s=]+(\S+)", line):
        return ["--allow-insecure-host", match[1]]
    return []
