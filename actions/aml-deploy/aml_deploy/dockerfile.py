"""A Docker build context made of a base image, a conda environment and the user's own lines of a Dockerfile."""

from __future__ import annotations

import re
from pathlib import Path

from aml_actions.errors import ActionError
from aml_actions.findings import Findings

PREFIX = "/azureml-envs/aml-deploy"
"""Folder of the conda environment in the image."""
_CONDA_FILE = "conda.yml"
_COPIED = f"/tmp/aml-deploy/{_CONDA_FILE}"  # noqa: S108 - a path in the image
_COPY = re.compile(r"^\s*(?P<instruction>COPY|ADD)\s+(?!.*(?:--from=|https?://|<<))", re.IGNORECASE)
_STAGE = re.compile(r"^\s*FROM\s", re.IGNORECASE)


def write_context(folder: Path, image: str, conda_file: Path, steps: str) -> None:
    """Write a build context: a Dockerfile and the conda file that it installs.

    The environment is the one that the server of Azure's base images runs the entry script in, and is first on the search path
    of the user's steps.

    Args:
        folder: an empty folder.
        image: the base.
        conda_file: path of the conda file.
        steps: the user's lines, taken over as they are.
    """
    (folder / _CONDA_FILE).write_bytes(conda_file.read_bytes())
    lines = (
        f"FROM {image}",
        f"COPY {_CONDA_FILE} {_COPIED}",
        f"RUN conda env create -p {PREFIX} -f {_COPIED}",
        f"ENV AZUREML_CONDA_ENVIRONMENT_PATH={PREFIX}",
        f"ENV PATH={PREFIX}/bin:$PATH",
        f"ENV LD_LIBRARY_PATH={PREFIX}/lib:$LD_LIBRARY_PATH",
    )
    text = "\n".join((*lines, steps.replace("\r\n", "\n").rstrip("\n"), ""))
    (folder / "Dockerfile").write_bytes(text.encode("utf-8"))


def review(steps: str, name: str) -> Findings:
    """Say which of the user's lines cannot do what they are meant to.

    Args:
        steps: the user's lines.
        name: path of their file, for messages.
    """
    findings = Findings()
    for number, line in enumerate(steps.splitlines(), 1):
        if _STAGE.match(line):
            findings.error(
                ActionError(
                    f"{name} begins another image, in which the conda environment would be missing.",
                    value=line.strip(),
                    fix="Name the image in custom_base_image, and keep here only the steps that follow the conda environment.",
                    file=name,
                    line=number,
                    key="extra_docker_file_steps",
                )
            )
        elif found := _COPY.match(line):
            findings.warn(
                ActionError(
                    f"{name} has a step {found['instruction'].upper()}, and the image is built without files of the repository.",
                    value=line.strip(),
                    fix="Fetch the file in a RUN step, or put it into inference_source_directory and read it in the entry script.",
                    file=name,
                    line=number,
                    key="extra_docker_file_steps",
                )
            )
    return findings
