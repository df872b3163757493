# ruff: noqa: F841 - the variables of a pipeline function are the names of its steps
"""Parallel steps: an entry script with `init()` and `run(mini_batch)` over the files of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from azure.ai.ml import Input, Output, dsl
from azure.ai.ml.entities import Environment
from azure.ai.ml.parallel import RunFunction, parallel_run_function
from azure.core.exceptions import HttpResponseError

from .conftest import IMAGE, Step

SCORE = """
import argparse, os, pathlib
import helper
def init():
    global suffix
    parser = argparse.ArgumentParser()
    parser.add_argument("--suffix")
    suffix = parser.parse_known_args()[0].suffix
def run(mini_batch):
    rows = []
    for path in mini_batch:
        text = pathlib.Path(path).read_text()
        if text == "bad":
            raise ValueError("cannot read " + os.path.basename(path))
        rows.append(f"{os.path.basename(path)}={helper.loud(text)}{suffix}/{len(mini_batch)}")
    return rows
"""


def parallel(folder: Path, **changes: Any) -> Any:
    """The SDK's builder of a parallel component with the entry script above."""
    (folder / "src").mkdir()
    (folder / "src" / "score.py").write_text(SCORE)
    (folder / "src" / "helper.py").write_text("def loud(text): return text.upper()\n")
    (folder / "conda.yml").write_text("dependencies: [python=3.11]")
    settings = {
        "inputs": {"files": Input(type="uri_folder"), "suffix": Input(type="string")},
        "outputs": {"rows": Output(type="uri_file")},
        "input_data": "${{inputs.files}}",
        "instance_count": 1,
        "max_concurrency_per_instance": 2,
        "mini_batch_size": "2",
        "mini_batch_error_threshold": 0,
        "retry_settings": {"max_retries": 1, "timeout": 30},
        **changes,
    }
    task = RunFunction(
        code=str(folder / "src"),
        entry_script="score.py",
        program_arguments="--suffix ${{inputs.suffix}}",
        environment=Environment(image=IMAGE, conda_file=folder / "conda.yml"),
        append_row_to="${{outputs.rows}}",
    )
    return parallel_run_function(name="score", task=task, **settings)


def folder_of(folder: Path, files: dict[str, str]) -> Any:
    """An input of a folder with these files."""
    (folder / "files").mkdir()
    for name, text in files.items():
        (folder / "files" / name).write_text(text)
    return Input(type="uri_folder", path=str(folder / "files"))


def test_every_file_is_scored_and_every_row_is_kept(ml: Any, cluster: str, step: Step, tmp_path: Path) -> None:
    show = step("cat ${{inputs.rows}}", {"x": ""}, inputs={"rows": Input(type="uri_file")}).component
    score, files = parallel(tmp_path), folder_of(tmp_path, {f"f{number}": f"t{number}" for number in range(5)})

    @dsl.pipeline(default_compute=cluster)
    def made(files):
        scored = score(files=files, suffix="!")
        shown = show(rows=scored.outputs.rows)
        return {"rows": scored.outputs.rows}

    job = ml.jobs.create_or_update(made(files=files))
    ml.jobs.stream(job.name)
    steps = {child.display_name: child.name for child in ml.jobs.list(parent_job_name=job.name)}
    for name in ("score", "shown"):
        ml.jobs.download(steps[name], download_path=tmp_path / name)
    assert "5 files in 3 mini batches, 2 workers" in (tmp_path / "score/artifacts/user_logs/std_log.txt").read_text()
    progress = (tmp_path / "score/artifacts/logs/job_progress_overview.txt").read_text().splitlines()
    assert '"processed": 3, "total": 3, "failedMiniBatches": 0' in progress[-1]
    rows = (tmp_path / "shown/artifacts/user_logs/std_log.txt").read_text().splitlines()
    assert sorted(rows) == ["f0=T0!/2", "f1=T1!/2", "f2=T2!/2", "f3=T3!/2", "f4=T4!/1"]


def test_more_failures_than_allowed_fail_the_step(ml: Any, cluster: str, tmp_path: Path) -> None:
    score, files = parallel(tmp_path), folder_of(tmp_path, {"a": "good", "b": "good", "c": "bad"})

    @dsl.pipeline(default_compute=cluster)
    def made(files):
        scored = score(files=files, suffix="!")

    job = ml.jobs.create_or_update(made(files=files))
    with pytest.raises(Exception, match="ValueError: cannot read c"):
        ml.jobs.stream(job.name)


def test_tabular_data_is_refused_before_anything_starts(ml: Any, cluster: str, tmp_path: Path) -> None:
    score = parallel(
        tmp_path, inputs={"files": Input(type="mltable"), "suffix": Input(type="string")}, mini_batch_size="10kb"
    )

    @dsl.pipeline(default_compute=cluster)
    def made(files):
        scored = score(files=files, suffix="!")

    (tmp_path / "table").mkdir()
    (tmp_path / "table" / "MLTable").write_text("paths: [{file: x.csv}]\ntransformations: []\n")
    (tmp_path / "table" / "x.csv").write_text("a\n1\n")
    with pytest.raises(HttpResponseError, match="tabular data"):
        ml.jobs.create_or_update(made(files=Input(type="mltable", path=str(tmp_path / "table"))))
