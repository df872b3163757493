"""The build context for a legacy file with lines of a Dockerfile."""

import pytest

from aml_deploy.dockerfile import review, write_context

CONDA = "dependencies:\n  - python=3.11\n"
STEPS = "RUN apt-get update && apt-get install -y libgomp1\nENV MODE=fast\n"


@pytest.fixture
def context(tmp_path):
    """Write a context and return its folder."""

    def write(steps, image="registry.example/base:1"):
        conda = tmp_path / "environment.yml"
        conda.write_text(CONDA)
        folder = tmp_path / "context"
        folder.mkdir()
        write_context(folder, image, conda, steps)
        return folder

    return write


def test_the_image_is_the_base_then_the_conda_environment_then_the_users_lines(context):
    folder = context(STEPS)
    assert (folder / "Dockerfile").read_text().splitlines() == [
        "FROM registry.example/base:1",
        "COPY conda.yml /tmp/aml-deploy/conda.yml",
        "RUN conda env create -p /azureml-envs/aml-deploy -f /tmp/aml-deploy/conda.yml",
        "ENV AZUREML_CONDA_ENVIRONMENT_PATH=/azureml-envs/aml-deploy",
        "ENV PATH=/azureml-envs/aml-deploy/bin:$PATH",
        "ENV LD_LIBRARY_PATH=/azureml-envs/aml-deploy/lib:$LD_LIBRARY_PATH",
        *STEPS.splitlines(),
    ]
    assert (folder / "conda.yml").read_text() == CONDA
    assert sorted(file.name for file in folder.iterdir()) == ["Dockerfile", "conda.yml"]


def test_lines_from_windows_are_lines_and_nothing_else_is_changed(context):
    text = (context("RUN echo a \\\r\n  && echo 'b'  \r\n\r\n") / "Dockerfile").read_bytes().decode()
    assert text.endswith("\nRUN echo a \\\n  && echo 'b'  \n")


def test_an_empty_file_of_lines_adds_nothing(context):
    assert len((context("") / "Dockerfile").read_text().split("\n")) == 8


def test_another_base_image_among_the_lines_is_refused():
    found = review("RUN true\nfrom ubuntu:22.04\n", "code/deploy/steps")
    (error,) = found.errors
    assert (error.file, error.line, error.value) == ("code/deploy/steps", 2, "from ubuntu:22.04")
    assert "custom_base_image" in (error.fix or "")


@pytest.mark.parametrize(
    ("line", "warned"),
    [
        ("COPY certificate.pem /etc/ssl/", True),
        ("ADD data.tar /data", True),
        ("  copy a b", True),
        ("COPY --from=ghcr.io/org/tool:1 /tool /usr/bin/tool", False),
        ("ADD https://example.org/a.tar /data", False),
        ("RUN cp a b", False),
        ("# COPY a b", False),
    ],
)
def test_a_line_that_copies_files_of_the_repository_is_warned_about(line, warned):
    found = review(line, "code/deploy/steps")
    assert found.errors == []
    assert len(found.warnings) == warned
