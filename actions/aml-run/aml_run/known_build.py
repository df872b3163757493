"""Known failures of the build of an environment, from its log (Microsoft's guide for troubleshooting environments)."""

from __future__ import annotations

from aml_run.known import LEARN, Known, Where

_GUIDE = f"{LEARN}how-to-troubleshoot-environments"
_AT = (Where.BUILD,)


def _known(heading: str, cause: str, fix: str, pattern: str = "", source: str = "documented") -> Known:
    return Known(heading, cause, fix, source, _AT, pattern, _GUIDE)


TABLE = (
    _known(
        "ResolvePackageNotFound",
        "conda does not find a package in the channels of the conda file",
        "correct name, version or channel; many packages are in conda-forge only",
        r"ResolvePackageNotFound|PackagesNotFoundError",
    ),
    _known(
        "UnsatisfiableError",
        "the packages of the conda file contradict each other",
        "pin fewer versions, name fewer packages, or take some of them from pip",
    ),
    _known(
        "CondaEnvSpecParserError",
        "the conda file is wrong",
        "correct the file; it must be UTF-8",
        r"CondaEnvSpecParserError|InvalidSpec\b|InvalidVersionSpec",
    ),
    _known(
        "conda: not found",
        "the base image has no conda",
        "use a base image of Azure Machine Learning, or install with pip in a Dockerfile",
    ),
    _known(
        "No matching distribution found for",
        "pip finds no version of the package for this version of Python",
        "correct name and version, raise or lower `python=` in the conda file, or name the right index",
        r"No matching distribution found for|No solution found when resolving dependencies",
    ),
    _known(
        "ResolutionImpossible",
        "the packages for pip contradict each other",
        "relax the pins; `pip install --dry-run -r <file>` shows the conflict",
        source="reported",
    ),
    _known(
        "Failed building wheel",
        "a package has no wheel for this Python and must be compiled, for which the image lacks something",
        "take a version that has a wheel, or install the compiler (`build-essential`, `libopenmpi-dev`) in a Dockerfile",
        r"Failed building wheel|gcc: command not found|gcc' failed|error: Microsoft Visual C\+\+",
    ),
    _known("is not a valid wheel filename", "a wheel has a wrong name", "correct the name of the file"),
    _known("Invalid requirement", "a line of the pip section is no requirement", "correct the line that follows"),
    _known(
        "It is a distutils installed project",
        "pip cannot remove a package that the image brings",
        "`--ignore-installed` in the pip section, or another base image",
    ),
    _known(
        "EOFError: EOF when reading a line",
        "the package index asks for a user and a password, and nobody is there to answer",
        "make a connection of the workspace for the index (`python_feed`)",
    ),
    _known(
        "403 Forbidden",
        "a file of a blob or index may not be read; often the signature in its address has expired",
        "renew the address, or give the build an identity that may read it",
        r"403 Forbidden|403 Client Error: Forbidden",
    ),
    _known(
        "bash: 20.1.1: No such file",
        "a version with `<` or `>` stands in a shell command without quotes",
        'quote the requirement: `"pip<=20.1.1"`',
        r"(?:ba)?sh: (?:line \d+: )?=?\d+(?:\.\d+)+: No such file",
    ),
    _known(
        "denied: client with IP",
        "the container registry is closed to the machine that builds the image",
        "`az ml workspace update --image-build-compute <cluster of CPUs>`",
        r"denied: client with IP|failed to communicate with the workspace's container registry",
    ),
    _known(
        "pull access denied",
        "the base image cannot be had: it does not exist, or the registry wants a sign-in",
        "correct name and tag; make a connection of the workspace for a private registry",
        r"pull access denied|manifest for \S+ not found",
    ),
    _known(
        "COPY failed",
        "a file that the Dockerfile copies is not in the build context",
        "put it below `build.path`; `dockerfile_path` is taken from there too",
        r"COPY failed|failed to compute cache key|lstat \S+: no such file",
    ),
    _known(
        "unknown instruction",
        "the Dockerfile has a line that is no instruction",
        "correct the Dockerfile",
        r"unknown instruction|unexpected Dockerfile format",
    ),
    _known(
        "E: Unable to locate package",
        "apt does not know the package: its lists are missing or the release of the base image is no longer served",
        "`apt-get update` in the same `RUN`; a newer base image",
    ),
    _known(
        "failed to push",
        "the image could not be stored in the container registry",
        "run the job again; look at the firewall of the registry",
        r"failed to push|blob upload unknown",
    ),
    _known(
        "CondaHTTPError",
        "a package could not be downloaded",
        "run the job again; with a firewall allow the addresses of the channels",
        r"CondaHTTPError|Connection broken|ReadTimeout",
    ),
    _known(
        "MemoryError",
        "memory ran out while the packages were resolved",
        "name fewer packages, pin them, or build on a larger compute (`image_build_compute`)",
        r"\bMemoryError\b|^\s*Killed\s*$",
    ),
    _known(
        "Installing pip dependencies: ...working...",
        "the build stopped while pip looked for versions that go together",
        "pin the packages of the pip section",
        r"Installing pip dependencies: \.\.\.working\.\.\.\s*\Z",
    ),
    _known(
        "Solving environment",
        "the build stopped while conda looked for versions that go together",
        "pin the packages, name fewer of them, or take them from pip",
        r"(?:Solving environment|Collecting package metadata).{0,80}\s*\Z",
    ),
)
"""The special ones first: the first one that fits is shown."""
