"""Every key of a v1 pipeline YAML (``Pipeline.load_yaml`` of azureml-pipeline-core 1.3 to 1.62), and what becomes of it in v2."""

from __future__ import annotations

from aml_run.runconfig_keys import Rule

STEP_TYPE = "PythonScriptStep"
OTHER_STEPS = {
    "ModuleStep": "a registered module is a registered component in v2",
    "ParallelRunStep": "it is a step of `type: parallel` in v2",
    "AdlaStep": "Azure Data Lake Analytics no longer exists",
    "DataTransferStep": "copy the data before the job, for example with Azure Data Factory",
    "DatabricksStep": "Databricks is no compute of v2 jobs",
    "AzureBatchStep": "Azure Batch is no compute of v2 jobs",
    "EstimatorStep": "estimators were removed",
    "HyperDriveStep": "it is a step of `type: sweep` in v2",
    "AutoMLStep": "it is a step of `type: automl` in v2",
}
"""Types of steps that are not translated, and where they went."""
OLD_SECTION = "python_script_step"
"""Held the keys of the step itself before there was ``type``."""
OTHER_SECTIONS = {
    "module": "ModuleStep",
    "parallel_run_step": "ParallelRunStep",
    "adla_step": "AdlaStep",
    "data_transfer_step": "DataTransferStep",
    "databricks_step": "DatabricksStep",
    "azurebatch_step": "AzureBatchStep",
}
"""Likewise, of types that are not translated."""

RUNCONFIG_PARAMETERS = {
    "NodeCount": "nodeCount",
    "MpiProcessCountPerNode": "mpi.processCountPerNode",
    "TensorflowWorkerCount": "tensorflow.workerCount",
    "TensorflowParameterServerCount": "tensorflow.parameterServerCount",
}
"""What ``runconfig_parameters`` may set, and the key of the run configuration."""
PARAMETER_TYPES = {"string": "string", "int": "integer", "float": "number", "bool": "boolean"}
"""Types of pipeline parameters in v1 and v2; ``datapath`` is data."""

_USED = Rule("used")
_PATH = Rule("warned", why="v2 chooses the path itself; the script gets it as an argument")
_OVERWRITE = Rule("warned", ("false",), "v2 gives every job a folder of its own")
_SQL = Rule(
    "refused",
    why="SQL queries are no data of v2 jobs",
    fix="write the result of the query to a datastore first, and refer to it with `datastore` and `path_on_datastore`",
)
_PARALLEL = Rule(
    "refused",
    why="it belongs to a ParallelRunStep",
    fix="write a v2 pipeline job with a step of `type: parallel` and name it with `job_file`",
)

PIPELINE: dict[str, Rule] = {
    "name": _USED,
    "description": _USED,
    "parameters": _USED,
    "data_references": _USED,
    "default_compute": _USED,
    "steps": _USED,
}
"""Keys of ``pipeline``."""

DATA_REFERENCE: dict[str, Rule] = {
    "datastore": _USED,
    "path_on_datastore": _USED,
    "dataset_name": _USED,
    "dataset_id": Rule(
        "refused",
        why="v2 finds data assets by their name",
        fix="write `dataset_name` with the name of the dataset",
    ),
    "sql_table": _SQL,
    "sql_query": _SQL,
    "sql_stored_procedure": _SQL,
    "sql_stored_procedure_params": _SQL,
}
"""Keys of an entry of ``data_references``."""

STEP: dict[str, Rule] = {
    "type": _USED,
    OLD_SECTION: _USED,
    "name": _USED,
    "script_name": _USED,
    "source_directory": _USED,
    "runconfig": _USED,
    "compute": _USED,
    "arguments": _USED,
    "parameters": _USED,
    "runconfig_parameters": _USED,
    "inputs": _USED,
    "outputs": _USED,
    "side_inputs": _USED,
    "allow_reuse": _USED,
    "hash_paths": Rule("noted", why="every file of the source directory counts, as in the last versions of SDK v1"),
    "version": Rule("noted", why="a step that is submitted by its content has no version in v2"),
    "parallel_run_config": _PARALLEL,
    "models_id": _PARALLEL,
}
"""Keys of a step."""

INPUT: dict[str, Rule] = {
    "source": _USED,
    "bind_mode": _USED,
    "type": _USED,
    "path_on_compute": _PATH,
    "overwrite": _OVERWRITE,
}
"""Keys of an entry of ``inputs`` and ``side_inputs``; ``type`` is the old spelling of ``bind_mode``."""
INPUT_MODES = {"mount": "ro_mount", "download": "download"}

OUTPUT: dict[str, Rule] = {
    "destination": _USED,
    "datastore": _USED,
    "bind_mode": _USED,
    "type": _USED,
    "as_dataset": Rule("noted", ("false",), "the output is a folder in v2, which any step can read"),
    "path_on_compute": _PATH,
    "overwrite": _OVERWRITE,
}
"""Keys of an entry of ``outputs``; ``type`` is the old spelling of ``bind_mode``."""
OUTPUT_MODES = {"mount": "rw_mount", "upload": "upload"}
