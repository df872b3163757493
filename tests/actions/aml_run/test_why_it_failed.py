"""What a data scientist is told when a real job fails in the emulator: the line of the repository, the build log, the exit code."""

import json
import re
import textwrap

import pytest
from support.training import COMPUTE, IMAGE, PLAIN, RUN_CONFIG, TRACKED, TrainingRepository

JOB = f"""\
type: command
command: python train.py
code: ./src
compute: azureml:{COMPUTE}
environment:
  image: {IMAGE}
  conda_file: ./environment.yml
"""

TWO_FILES = """\
from library import data


def main():
    return data.load("penguins")


main()
"""

LIBRARY = """\
def load(name):
    try:
        return {}[name]
    except KeyError as error:
        raise ValueError(f"no data set {name}") from error
"""

PIPELINE = f"""\
type: pipeline
settings: {{default_compute: "azureml:{COMPUTE}"}}
jobs:
  prepare:
    command: python work.py
    code: ./prepare
    environment: {{image: {IMAGE}, conda_file: ./environment.yml}}
  train:
    command: python work.py
    code: ./train
    environment: {{image: {IMAGE}, conda_file: ./environment.yml}}
    inputs: {{data: "${{{{parent.jobs.prepare.outputs.data}}}}"}}
"""

ONE_OF_TWO_FAILS = """\
import os, time

if os.environ["RANK"] == "1":
    raise RuntimeError("the second process has had enough")
time.sleep(60)
"""


def error_of(log: str) -> dict[str, str]:
    """Return the properties of the only error annotation."""
    (properties,) = re.findall(r"^::error ([^:]*)::", log, re.MULTILINE)
    return dict(part.split("=", 1) for part in properties.split(","))


def test_the_annotation_sits_on_the_line_that_raised(repository: TrainingRepository) -> None:
    repository.write(
        {
            "jobs/job.yml": JOB,
            "jobs/environment.yml": PLAIN,
            "jobs/src/train.py": TWO_FILES,
            "jobs/src/library/__init__.py": "",
            "jobs/src/library/data.py": LIBRARY,
        }
    )
    done = repository.step("aml-run", {"job_file": "jobs/job.yml"})
    assert done.code == 1
    where = error_of(done.log)
    assert (where["file"], where["line"]) == ("jobs/src/library/data.py", "5")
    (annotation,) = done.annotations
    assert "its script ended with exit code 1" in annotation
    assert (
        "jobs/src/library/data.py, line 5, in load: ValueError: no data set penguins (caused by KeyError: 'penguins')"
        in annotation
    )
    assert "UserError > NonZeroExitCode" in annotation
    assert "Last lines of user_logs/std_log.txt" in annotation
    assert "/blob/c0ffee0000000000000000000000000000000000/jobs/src/library/data.py#L5" in done.summary
    assert 'raise ValueError(f"no data set {name}") from error' in done.summary
    # What it took is told of a job that failed, too.
    assert "| Duration |" in done.summary
    assert "| Node-hours |" in done.summary
    assert json.loads(done.outputs["result"])["usage"]["node_hours"] > 0


def test_a_script_that_python_cannot_read(repository: TrainingRepository) -> None:
    repository.write(
        {
            "jobs/job.yml": JOB,
            "jobs/environment.yml": PLAIN,
            "jobs/src/train.py": "print('begin')\nvalues = (1,\nprint(2]\n",
        }
    )
    done = repository.step("aml-run", {"job_file": "jobs/job.yml"})
    where = error_of(done.log)
    assert (where["file"], where["line"]) == ("jobs/src/train.py", "3")
    assert "SyntaxError" in done.annotations[0]


def test_a_missing_package_is_known(repository: TrainingRepository) -> None:
    repository.training("import no_such_package\n")
    done = repository.step("aml-run")
    where = error_of(done.log)
    assert (where["file"], where["line"]) == ("code/train/train.py", "1")
    assert "docs/troubleshooting.md#modulenotfounderror" in done.annotations[0]
    assert "add the package to the conda file" in done.annotations[0]


def test_a_killed_script_has_no_line(repository: TrainingRepository) -> None:
    repository.training(
        textwrap.dedent(
            """\
            import os, signal, traceback
            try:
                raise ValueError("caught, and not the end")
            except ValueError:
                traceback.print_exc()
            os.kill(os.getpid(), signal.SIGKILL)
            """
        )
    )
    done = repository.step("aml-run")
    (annotation,) = done.annotations
    assert "exit code 137" in annotation
    assert "memory ran out" in annotation
    assert "docs/troubleshooting.md#exited-with-status-code-137" in annotation
    assert "file" not in error_of(done.log)


def test_a_package_that_cannot_be_had_shows_the_first_error_of_the_build(repository: TrainingRepository) -> None:
    repository.training("print()", conda="dependencies:\n- python=3.11\n- pip:\n  - mlflow-skinny==0.0.987654321\n")
    done = repository.step("aml-run")
    (annotation,) = done.annotations
    assert "its environment could not be built" in annotation
    assert "docs/troubleshooting.md#no-matching-distribution-found-for" in annotation
    assert "UserError > ImageBuildFailure" in annotation
    assert "0.0.987654321" in annotation
    assert "file" not in error_of(done.log)


def test_a_step_of_a_pipeline_leads_to_its_own_folder(repository: TrainingRepository) -> None:
    pipeline = PIPELINE.replace('    inputs: {data: "${{parent.jobs.prepare.outputs.data}}"}\n', "")
    repository.write(
        {
            "jobs/pipeline.yml": pipeline,
            "jobs/environment.yml": PLAIN,
            "jobs/prepare/work.py": "print('prepared')\n",
            "jobs/train/work.py": "print('training')\nraise OSError('nothing to train with')\n",
        }
    )
    done = repository.step("aml-run", {"job_file": "jobs/pipeline.yml"})
    assert done.code == 1
    where = error_of(done.log)
    assert (where["file"], where["line"]) == ("jobs/train/work.py", "2")
    (annotation,) = done.annotations
    assert "the script of its child job train ended with exit code 1" in annotation
    assert "train: UserError > NonZeroExitCode" in annotation
    assert "OSError: nothing to train with" in annotation


@pytest.mark.parametrize("command", ["python train.py", "python -u ./train.py"])
def test_of_several_processes_the_one_that_failed_is_told(repository: TrainingRepository, command: str) -> None:
    job = JOB.replace("python train.py", command) + "distribution: {type: pytorch, process_count_per_instance: 2}\n"
    repository.write({"jobs/job.yml": job, "jobs/environment.yml": PLAIN, "jobs/src/train.py": ONE_OF_TWO_FAILS})
    done = repository.step("aml-run", {"job_file": "jobs/job.yml"})
    where = error_of(done.log)
    assert (where["file"], where["line"]) == ("jobs/src/train.py", "4")
    assert "Last lines of user_logs/std_log_process_01.txt" in done.annotations[0]
    assert "the second process has had enough" in done.annotations[0]


def test_a_job_beyond_its_time_limit_says_so(repository: TrainingRepository) -> None:
    repository.write(
        {
            "jobs/job.yml": JOB + "limits: {timeout: 2}\n",
            "jobs/environment.yml": PLAIN,
            "jobs/src/train.py": "import time\ntime.sleep(60)\n",
        }
    )
    done = repository.step("aml-run", {"job_file": "jobs/job.yml"})
    (annotation,) = done.annotations
    assert "was cancelled" in annotation
    assert "its time limit (`limits.timeout`) is 2.0 s" in annotation
    assert done.result["status"] == "Canceled"


def test_a_pipeline_that_the_sdk_refuses_names_its_section(repository: TrainingRepository) -> None:
    repository.write(
        {
            "jobs/pipeline.yml": PIPELINE,
            "jobs/environment.yml": PLAIN,
            "jobs/prepare/work.py": "print()\n",
            "jobs/train/work.py": "print()\n",
        }
    )
    done = repository.step("aml-run", {"job_file": "jobs/pipeline.yml"})
    (annotation,) = done.annotations
    assert "docs/troubleshooting.md#failed-to-find-referenced-source-for-input-binding" in annotation
    assert "declare the output in that step" in annotation


def test_a_pipeline_that_the_service_refuses_names_its_section(repository: TrainingRepository) -> None:
    repository.write(
        {
            "jobs/pipeline.yml": PIPELINE.replace("parent.jobs.prepare.outputs.data", "parent.name"),
            "jobs/environment.yml": PLAIN,
            "jobs/prepare/work.py": "print()\n",
            "jobs/train/work.py": "print()\n",
        }
    )
    done = repository.step("aml-run", {"job_file": "jobs/pipeline.yml"})
    (annotation,) = done.annotations
    assert "docs/troubleshooting.md#invalidexpressioninjob" in annotation
    assert "InvalidExpressionInJob" in annotation


def test_a_killed_script_on_a_full_node_of_low_priority(repository: TrainingRepository) -> None:
    made = repository.step(
        "aml-compute", {"name": "cheap", "compute_type": "amlcluster", "vm_priority": "lowpriority", "max_nodes": 1}
    )
    assert made.code == 0, made.log
    repository.training(
        "import mlflow, os, signal\n"
        "mlflow.log_metric('system/system_memory_usage_percentage', 97.4)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n",
        conda=TRACKED,
        run_config=RUN_CONFIG.replace(COMPUTE, "cheap"),
    )
    done = repository.step("aml-run")
    (annotation,) = done.annotations
    assert "exit code 137" in annotation
    assert "system/system_memory_usage_percentage is 97 %: memory ran out" in annotation
    assert "The nodes of cheap are of low priority" in annotation
    assert "of low priority" in done.summary


def test_what_a_failed_script_prints_cannot_place_the_annotation(repository: TrainingRepository) -> None:
    repository.training(
        "print('Traceback (most recent call last):')\n"
        "print('  File \"/wd/../../../etc/passwd\", line 1, in <module>')\n"
        "print('ValueError: ::error file=/etc/passwd::forged')\n"
        "raise SystemExit(1)\n"
    )
    done = repository.step("aml-run")
    assert done.code == 1
    assert "file" not in error_of(done.log)
    assert len(done.annotations) == 1


def test_the_environment_of_a_step_that_cannot_be_built_is_that_of_the_step(repository: TrainingRepository) -> None:
    pipeline = PIPELINE.replace('    inputs: {data: "${{parent.jobs.prepare.outputs.data}}"}\n', "")
    head, _, tail = pipeline.rpartition("./environment.yml")
    repository.write(
        {
            "jobs/pipeline.yml": f"{head}./impossible.yml{tail}",
            "jobs/environment.yml": PLAIN,
            "jobs/impossible.yml": "dependencies:\n- python=3.11\n- pip:\n  - mlflow-skinny==0.0.987654321\n",
            "jobs/prepare/work.py": "print('prepared')\n",
            "jobs/train/work.py": "print('never')\n",
        }
    )
    done = repository.step("aml-run", {"job_file": "jobs/pipeline.yml"})
    (annotation,) = done.annotations
    assert "the environment of its child job train could not be built" in annotation
    assert "Last lines of azureml-logs/20_image_build_log.txt of its child job train" in annotation
    assert "docs/troubleshooting.md#no-matching-distribution-found-for" in annotation
    assert "train: UserError > ImageBuildFailure" in annotation
