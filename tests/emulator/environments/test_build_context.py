"""A Dockerfile that installs a conda file is understood; a step that needs a container engine is refused, by its line."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from support.workbench import Workbench, workbench

from aml_emulator.environments.build_context import BuildContextError, StepNotCarriedOut, merged, read
from aml_emulator.environments.builder import EnvironmentBuilder
from aml_emulator.http import ServiceError

BASE = "FROM mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04\n"
INSTALL = "COPY conda.yml /tmp/conda.yml\nRUN conda env update -n base -f /tmp/conda.yml\n"


@pytest.mark.parametrize(
    "steps",
    [
        INSTALL,
        "COPY conda.yml .\nRUN conda env create -p /azureml-envs/model -f conda.yml && rm conda.yml && conda clean -a -f -y",
        "WORKDIR /build\nCOPY conda.yml ./\nRUN conda env update --name base --file=/build/conda.yml --prune",
        'COPY ["conda.yml", "/tmp/"]\nRUN ["conda", "env", "create", "-n", "x", "-f", "/tmp/conda.yml"]',
        "ADD --chown=1000 conda.yml /tmp/conda.yml\nRUN /opt/miniconda/bin/conda env create \\\n  # why\n  --quiet -f /tmp/conda.yml",
        "ARG AT=/tmp/here\ncopy conda.yml $AT/env.yml\nrun mamba env create -f ${AT}/env.yml",
        f"LABEL a=b\nEXPOSE 5001\nMAINTAINER me\n{INSTALL}",
    ],
)
def test_the_ways_to_install_a_conda_file_are_understood(steps: str) -> None:
    assert read(BASE + steps).conda_file == "conda.yml"


@pytest.mark.parametrize(
    ("step", "line"),
    [
        ("RUN apt-get update && apt-get install -y libgomp1", 4),
        ("RUN pip install torch", 4),
        ("RUN conda env update -n base -f /tmp/conda.yml; touch /x", 4),
        ("RUN conda install numpy", 4),
        ("RUN conda env create -f /tmp/conda.yml", 4),
        ("RUN rm -rf /usr", 4),
        ("COPY tools /opt/tools", 4),
        ("COPY --from=builder /x /tmp/x", 4),
        ("ADD https://example.com/model.bin /tmp/", 4),
        ("FROM scratch", 4),
        ("USER nobody", 4),
        ('ENTRYPOINT ["runsvdir", "/var/runit"]', 4),
    ],
)
def test_a_step_that_needs_an_engine_is_refused_by_its_line(step: str, line: int) -> None:
    with pytest.raises(StepNotCarriedOut) as refused:
        read(f"{BASE}{INSTALL}{step}\n")
    assert f"Line {line} of the Dockerfile, '{step}', is not carried out here" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no FROM"),
        ("RUN conda env create -f x.yml", "comes before FROM"),
        (BASE, "installs no conda file"),
        (f"{BASE}RUN conda env create -f conda.yml", "installs a file that no COPY brought"),
        (f"{BASE}COPY conda.yml /tmp/\nRUN conda env create -n x", "installs a file that no COPY brought"),
        (f"{BASE}ENV A='x", "is not closed"),
        (f"{BASE}ENV =x", "names no variable"),
        (f"{BASE}%%%", "is no instruction"),
        (f"{BASE}COPY [1, 2", "Line 2 of the Dockerfile"),
    ],
)
def test_a_dockerfile_that_is_wrong_is_told_so(text: str, words: str) -> None:
    with pytest.raises(BuildContextError, match=words):
        read(text)


def test_variables_are_those_of_the_image() -> None:
    text = f"""# escape=\\
ARG TAG=1.0
FROM base:$TAG
ARG TAG
ARG LATER=two
{INSTALL}
ENV ONE=1 TAG=v${{TAG}} SECOND="$LATER words" LITERAL='$LATER' ESCAPED=\\$LATER
ENV OLD the old form
ENV NEXT=${{ONE}}0 DEFAULT=${{NONE:-fallback}} SET=${{ONE:+yes}} EMPTY=$NONE
ENV PATH=/opt/x/bin:$PATH HOME=/root
"""
    found = read(text)
    assert found.variables == {
        "ONE": "1",
        "TAG": "v1.0",
        "SECOND": "two words",
        "LITERAL": "$LATER",
        "ESCAPED": "$LATER",
        "OLD": "the old form",
        "NEXT": "10",
        "DEFAULT": "fallback",
        "SET": "yes",
        "EMPTY": "",
    }
    assert any("PATH is that of this machine" in note for note in found.notes)
    assert any("'FROM base:$TAG' has no effect" in note for note in found.notes)


def test_what_the_conda_file_sets_wins_over_the_image() -> None:
    recipe = read(f"{BASE}ENV A=image B=image\n{INSTALL}")
    text = merged("dependencies: [python=3.11]\nvariables: {B: conda}", recipe)
    assert yaml.safe_load(text) == {"dependencies": ["python=3.11"], "variables": {"A": "image", "B": "conda"}}
    with pytest.raises(BuildContextError, match="must be a mapping"):
        merged("- python", recipe)


def test_the_build_log_tells_what_had_no_effect(tmp_path: Path) -> None:
    builder = EnvironmentBuilder(tmp_path / "environments", tmp_path / "cache")
    recipe = read(f"{BASE}WORKDIR /app\n{INSTALL}ENV GREETING=hello\n")
    made = builder.build(merged("dependencies: [python=3.11]", recipe), tmp_path / "build.log")
    assert made.variables == {"GREETING": "hello"}
    log = (tmp_path / "build.log").read_text()
    assert "note: Dockerfile, line 1: 'FROM mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04' has no effect" in log
    assert "note: Dockerfile, line 2: 'WORKDIR /app' has no effect" in log


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    with workbench(tmp_path_factory.mktemp("context")) as found:
        yield found


def environment(bench: Workbench, files: dict[str, str], dockerfile: str = "Dockerfile") -> str:
    """Id of an environment with that build context."""
    build = {"contextUri": f"{bench.files(files)}/", "dockerfilePath": dockerfile}
    name = f"{bench.workspace}/environments/context/versions/{uuid.uuid4().hex}"
    return bench.emulator.resources.put(name, {"properties": {"build": build}}).id


def test_a_job_runs_in_the_environment_of_a_build_context(bench: Workbench) -> None:
    files = {
        "docker/Dockerfile": f"{BASE}{INSTALL}ENV GREETING='good morning'\n",
        "conda.yml": "dependencies: [python=3.11]",
    }
    job = bench.run('echo "$GREETING" > outputs/said', environmentId=environment(bench, files, "docker/Dockerfile"))
    assert bench.status(job) == "Completed", bench.error(job)
    assert bench.artifacts(job)["outputs/said"] == b"good morning\n"


@pytest.mark.parametrize(
    ("files", "status", "words"),
    [
        ({"Dockerfile": f"{BASE}{INSTALL}RUN apt-get update"}, 501, "Line 4 of the Dockerfile, 'RUN apt-get update'"),
        ({"Dockerfile": f"{BASE}{INSTALL}"}, 400, "has no file 'conda.yml'"),
        ({"other": ""}, 400, "has no file 'Dockerfile'"),
        ({"Dockerfile": f"{BASE}{INSTALL}ENV A=1", "conda.yml": "a: [b"}, 400, "is not YAML"),
    ],
)
def test_a_context_that_cannot_be_built_is_refused_when_it_is_used(
    bench: Workbench, files: dict[str, str], status: int, words: str
) -> None:
    properties = bench.properties("true", environmentId=environment(bench, files))
    with pytest.raises(ServiceError) as refused:
        bench.emulator.jobs.validate(properties)
    assert (refused.value.status, words in refused.value.message) == (status, True), refused.value.message
