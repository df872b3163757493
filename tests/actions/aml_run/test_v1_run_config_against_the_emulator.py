"""Run configurations of SDK v1 whose translation has more than one command in it."""

from typing import Any

from support.training import COMPUTE, IMAGE, PLAIN, TrainingRepository

DOCKERFILE = f"""\
target: {COMPUTE}
script: train.py
environment:
  python: {{condaDependenciesFile: environment.yml}}
  docker:
    baseDockerfile: |
      FROM {IMAGE}
      ENV FROM_THE_IMAGE=yes
"""


def test_conda_packages_beside_a_dockerfile_are_there_with_what_the_dockerfile_sets(
    repository: TrainingRepository, client: Any
) -> None:
    repository.training(
        "import os, colorama\nprint('found', os.environ['FROM_THE_IMAGE'], colorama.__name__)",
        conda=PLAIN + "- pip:\n  - colorama\n",
        run_config=DOCKERFILE,
    )
    done = repository.step("aml-run")
    assert done.code == 0, done.log
    assert "found yes colorama" in done.log
    assert "its image must have conda" in done.log
    assert client.jobs.get(done.outputs["run_id"]).status == "Completed"
