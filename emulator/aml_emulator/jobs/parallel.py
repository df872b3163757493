"""Parallel steps: a component of type `parallel` as a command job that starts a driver, which feeds an entry script mini batches."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aml_emulator.http import not_emulated
from aml_emulator.jobs.bindings import invalid

_DRIVER = Path(__file__).with_name("parallel_driver.py")
_VARIABLE = "AZUREML_PARALLEL_DRIVER"
_TABULAR = ("mltable",)


def properties(merged: Mapping[str, Any], ports: Mapping[str, Mapping[str, Any]], where: str) -> dict[str, Any]:
    """What the job of a parallel step runs, in the terms of a command job.

    Args:
        merged: the component's `componentSpec`, overridden by the node.
        ports: the component's inputs.
        where: the step, for messages.

    Raises:
        ServiceError: something is missing, or asks for what does not run here.

    """
    task = merged.get("task") or {}
    if task.get("type") != "run_function":
        raise not_emulated(f"a parallel step with a task of type '{task.get('type')}' ({where}). run_function is")
    for name in ("entry_script", "environment"):
        if not task.get(name):
            raise invalid(where, f"the parallel step has no task.{name}.", "InvalidComponentJob")
    resources = merged.get("resources") or {}
    per_node = int(merged.get("max_concurrency_per_instance") or 1)
    retry = merged.get("retry_settings") or {}
    options = {
        "--mini-batch-size": _batch_size(merged, ports, where),
        "--workers": int(resources.get("instance_count") or 1) * per_node,
        "--error-threshold": merged.get("error_threshold", -1),
        "--mini-batch-error-threshold": merged.get("mini_batch_error_threshold", -1),
        "--max-retries": retry.get("max_retries", 2),
        "--timeout": retry.get("timeout", 60),
    }
    words = ["python", f'"${_VARIABLE}"', "--entry-script", shlex.quote(str(task["entry_script"]))]
    words += ["--input-data", f'"{merged.get("input_data")}"']
    words += [word for name, value in options.items() if value is not None for word in (name, shlex.quote(str(value)))]
    if task.get("append_row_to"):
        words += ["--append-row-to", f'"{task["append_row_to"]}"']
    words += ["--", str(task.get("program_arguments") or "")]
    return {
        "jobType": "Command",
        "command": " ".join(words).strip(),
        "codeId": str(task["code"]).removeprefix("azureml:") if task.get("code") else None,
        "environmentId": str(task["environment"]).removeprefix("azureml:"),
        "parallel": {"entryScript": task["entry_script"]},
    }


def stage_driver(folder: Path) -> dict[str, str]:
    """Put the driver where a job finds it by a variable, alone: its folder is on the path of what it imports."""
    folder.mkdir(parents=True)
    shutil.copyfile(_DRIVER, folder / _DRIVER.name)
    return {_VARIABLE: str(folder / _DRIVER.name)}


def _batch_size(merged: Mapping[str, Any], ports: Mapping[str, Mapping[str, Any]], where: str) -> int:
    """How many files a mini batch has. Tabular data, which is divided by its size, does not run here."""
    if merged.get("partition_keys"):
        raise not_emulated(f"a parallel step with partition_keys ({where}). Files, divided by their number, are")
    source = str(merged.get("input_data") or "")
    for name, port in ports.items():
        if f"inputs.{name}" in source and port.get("type") in _TABULAR:
            raise not_emulated(
                f"a parallel step over tabular data, input '{name}' ({where}). uri_folder and uri_file are"
            )
    size = merged.get("mini_batch_size")
    if size is None:
        return 1
    if not str(size).isdigit() or int(size) < 1:
        raise not_emulated(f"a mini_batch_size of '{size}', which is for tabular data ({where}). A number of files is")
    return int(size)
