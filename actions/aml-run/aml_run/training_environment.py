"""What a v1 run ran in - image, Dockerfile or build context, and the conda environment upon it - as a v2 environment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aml_actions.errors import ActionError
from aml_actions.text_files import read_text
from aml_run import files
from aml_run.report import as_text
from aml_run.runconfig import RunConfig

CURRENT_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest"
"""Microsoft's training image for CPUs; its successor for a file that names none."""
_RETIRED_IMAGE = re.compile(r"mcr\.microsoft\.com/azureml/(base(-gpu)?:|.*ubuntu1[68]\.04)")
_OLD_PYTHON = re.compile(r"(?<![\w-])python\s*=+\s*(2(\.\d+)*|3\.[0-8])(\.\d+|\.\*)*\b")
_CURRENT_PYTHON = "3.11"
_DOCKER = "environment.docker."
_PYTHON = "environment.python."


@dataclass(frozen=True)
class TrainingEnvironment:
    """What a job runs in. One of `image`, `dockerfile` and `context` is set.

    Attributes:
        image: with tag or digest.
        conda: a conda file, or its content, built upon the image or upon what the Dockerfile makes; None for what is there.
        dockerfile: text of a Dockerfile.
        context: address of a build context elsewhere, such as a Git repository.
        dockerfile_path: of the Dockerfile in `context`.

    """

    image: str = ""
    conda: Path | dict[str, Any] | None = None
    dockerfile: str = ""
    context: str = ""
    dockerfile_path: str = "Dockerfile"


def training_environment(config: RunConfig) -> TrainingEnvironment:
    """Return the environment of a run configuration; what is wrong with it becomes problems of the configuration."""
    image, dockerfile = config.text(_DOCKER + "baseImage"), config.text(_DOCKER + "baseDockerfile")
    context = config.text(_DOCKER + "buildContext.location")
    bases = [
        name
        for name, value in (("baseImage", image), ("baseDockerfile", dockerfile), ("buildContext", context))
        if value
    ]
    own_python = config.flag(_PYTHON + "userManagedDependencies")
    if len(bases) > 1:
        config.problem(
            f"{' and '.join(f'`{name}`' for name in bases)} are set.", fix="keep one of them", key=_DOCKER + bases[1]
        )
    if own_python and not bases:
        config.problem(
            "`userManagedDependencies: true` without an image: a v2 job has no Python of its own.",
            fix="name an image with everything in it as `environment.docker.baseImage`",
            key=_PYTHON + "userManagedDependencies",
        )
    if context:
        return _context(config, context)
    conda = None if own_python else _conda(config)
    if dockerfile:
        if conda is not None:
            config.note(
                "the conda packages become the last steps of the Dockerfile; its image must have conda, as in SDK v1."
            )
        return TrainingEnvironment(dockerfile=_dockerfile_text(config, dockerfile), conda=conda)
    return TrainingEnvironment(image=_image(config, image), conda=conda)


def _context(config: RunConfig, location: str) -> TrainingEnvironment:
    """Return a build context that lies elsewhere; its Dockerfile makes everything, as in v1."""
    if not re.match(r"(https?|git)://", location):
        config.problem(
            "the `location` of the build context is no address.",
            value=location,
            allowed="the URL of a Git repository or of a folder in a storage account",
            key=_DOCKER + "buildContext.location",
        )
    for key in ("condaDependenciesFile", "condaDependencies"):
        if _PYTHON + key in config.values and not config.flag(_PYTHON + "userManagedDependencies"):
            config.problem(
                f"`{key}` beside a `buildContext`: v2 builds the environment from the Dockerfile of the context alone.",
                fix="install the packages in that Dockerfile and set `userManagedDependencies: true`",
                key=_PYTHON + key,
            )
    return TrainingEnvironment(
        context=location, dockerfile_path=config.text(_DOCKER + "buildContext.dockerfilePath", "Dockerfile")
    )


def _image(config: RunConfig, image: str) -> str:
    if not image:
        config.warn(f"no `environment.docker.baseImage`; SDK v1's default is retired, {CURRENT_IMAGE} is used.")
        return CURRENT_IMAGE
    if _RETIRED_IMAGE.match(image):
        config.warn(f"the image {image} is retired and gets no security updates. A current one: {CURRENT_IMAGE}.")
    registry = config.text(_DOCKER + "baseImageRegistry.address")
    if registry and not image.startswith(registry + "/"):
        image = f"{registry}/{image}"
    # The service refuses a definition without a tag; "latest" is what an image without one means.
    return image if re.search(r"[:@][^/]+$", image) else f"{image}:latest"


def _dockerfile_text(config: RunConfig, dockerfile: str) -> str:
    """Return the text of a Dockerfile: of the file that is named, else the value itself is the text, as SDK v1 saved it."""
    file = config.folder / dockerfile
    if "\n" in dockerfile or not files.is_file(file):
        if "\n" not in dockerfile and not re.match(r"\s*FROM\s", dockerfile, re.IGNORECASE):
            config.problem(
                "the `baseDockerfile` is neither a file nor the text of a Dockerfile.",
                value=dockerfile,
                fix="correct the path; it is relative to the folder of this file",
                key=_DOCKER + "baseDockerfile",
            )
        return dockerfile
    return _read(config, file, dockerfile, _DOCKER + "baseDockerfile")


def _conda(config: RunConfig) -> Path | dict[str, Any] | None:
    named = config.text(_PYTHON + "condaDependenciesFile")
    inline = config.values.get(_PYTHON + "condaDependencies")
    if named:
        file = config.folder / named
        if not files.is_file(file):
            config.problem(
                "the `condaDependenciesFile` does not exist.",
                value=named,
                fix="correct the path; it is relative to the folder of this file",
                key=_PYTHON + "condaDependenciesFile",
            )
            return None
        _judge_python(config, _read(config, file, named, _PYTHON + "condaDependenciesFile"))
        return file
    if isinstance(inline, dict):
        _judge_python(config, as_text(inline))
        return inline
    if inline is not None:
        config.problem(
            "`condaDependencies` must hold the keys of a conda file.",
            value=as_text(inline),
            fix="name a file as `condaDependenciesFile` instead",
            key=_PYTHON + "condaDependencies",
        )
    elif _DOCKER + "baseDockerfile" not in config.values:
        config.problem(
            "there is no conda file; SDK v1's default environment, Python 3.6 with azureml-defaults, no longer exists.",
            fix="name a file with the packages as `environment.python.condaDependenciesFile`",
            key=_PYTHON + "condaDependenciesFile",
        )
    return None


def _read(config: RunConfig, file: Path, name: str, key: str) -> str:
    try:
        return read_text(file, name)
    except ActionError as error:
        config.problem(error.what, value=error.value, allowed=error.allowed, cause=error.cause, fix=error.fix, key=key)
        return ""


def _judge_python(config: RunConfig, conda: str) -> None:
    found = _OLD_PYTHON.search(conda)
    if found:
        config.warn(
            f"the conda file asks for {' '.join(found.group().split())}, which is past its end of life; packages for "
            f"it are hard to get. Ask for python={_CURRENT_PYTHON}."
        )
