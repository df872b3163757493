"""Known failures of the script itself: exceptions and exit codes."""

from __future__ import annotations

from aml_run.known import LEARN, Known, Where

_AT = (Where.SCRIPT, Where.JOB)
_LOGS = f"{LEARN}how-to-log-view-metrics"

TEXTS = (
    Known(
        "CUDA out of memory",
        "the memory of the GPU ran out",
        "smaller batches, mixed precision, gradient accumulation, or a size with a larger GPU",
        "words of PyTorch",
        _AT,
        pattern=r"CUDA out of memory|torch\.(?:cuda\.)?OutOfMemoryError",
    ),
    Known(
        "UnsupportedModelRegistryStoreURIException",
        "`azureml-mlflow` is missing in the environment, or the script set another tracking URI",
        "add `azureml-mlflow` to the conda file; do not call `mlflow.set_tracking_uri` in a job",
        "reported",
        _AT,
        pattern=r"UnsupportedModelRegistryStoreURIException|MlflowException.{0,500}azureml://",
    ),
    Known(
        "ModuleNotFoundError",
        "a package is not in the environment, or a module of the repository is not in the job's `code` folder",
        "add the package to the conda file; a module of your own must lie below `code`",
        "Python",
        _AT,
        pattern=r"\bModuleNotFoundError\b|No module named '",
    ),
    Known(
        "FileNotFoundError",
        "the path of an input does not exist: the data asset is empty or mounted elsewhere, or a path of another machine is in the code",
        "use the path that `${{inputs.<name>}}` gives to the command",
        "Python",
        _AT,
    ),
    Known(
        "Failed to flush the queue within 300 seconds",
        "what the script logged could not be sent in time",
        "set the environment variable `AZUREML_ARTIFACTS_DEFAULT_TIMEOUT` of the job to more seconds",
        "documented",
        _AT,
        link=_LOGS,
    ),
    Known(
        "NCCL timeout",
        "a process of the distributed job waited for another one that had stopped",
        "look for the process that failed first; `NCCL_DEBUG=INFO` as an environment variable of the job says more",
        "words of NCCL",
        _AT,
        pattern=r"NCCL.{0,80}time(?:d )?-?out",
    ),
    Known(
        "Address already in use",
        "two processes of a node want the same port",
        "let the launcher choose the port, or use another `MASTER_PORT`",
        "words of Linux",
        _AT,
    ),
    Known(
        "is empty. Skip uploading",
        "the folder of an output is empty: the script wrote elsewhere",
        "write to the path that `${{outputs.<name>}}` gives to the command",
        "reported",
        _AT,
    ),
)


def _code(code: int, cause: str, fix: str) -> Known:
    return Known(
        f"exited with status code {code}",
        cause,
        fix,
        "the meaning is POSIX's, the advice ours",
        (),  # the code is read from the error's message, in whatever words: `of_exit_code`
    )


_KILLED = _code(
    137,
    "the process was killed, mostly because memory ran out; also a node that was taken away, or a cancellation",
    "a larger size of the compute, smaller batches, fewer workers of the data loader",
)
_CRASHED = _code(
    139,
    "a crash in native code, often packages that do not fit together",
    "pin the versions of torch, CUDA and the base image that belong together",
)
_ABORTED = _code(
    134,
    "the process aborted itself, often after a failure in native code",
    "compare driver and CUDA; `NCCL_DEBUG=INFO` as an environment variable of the job says more",
)
_ASKED = _code(
    143,
    "the process was asked to stop: time limit, cancellation, or the node was taken away",
    "keep checkpoints; raise `limits.timeout`",
)
_UNCAUGHT = _code(
    1,
    "an exception that the script did not catch",
    "read the traceback at the end of the log of the process that failed first",
)
_BUS = _code(
    135,
    "an access to memory that is not there, often a `/dev/shm` that is too small for the workers of the data loader",
    "set `shm_size: 16g` in `resources` of the job",
)

EXIT_CODES = {
    1: _UNCAUGHT,
    2: _code(
        2,
        "the script did not accept its arguments, or the shell did not accept the command",
        "compare `command` with `inputs`; an optional input stands in `$[[ ]]`",
    ),
    126: _code(
        126,
        "a file of the command may not be executed, or its first line ends with a carriage return",
        "`git update-index --chmod=+x <file>`, or call it with `bash <file>`",
    ),
    127: _code(
        127,
        "a command was not found in the image",
        "look at the image of the environment; call `python`, not a certain `python3.x`; no carriage returns in the command",
    ),
    130: _code(130, "the process was interrupted: a cancellation", "nothing, if somebody wanted it"),
    134: _ABORTED,
    135: _BUS,
    136: _code(
        136,
        "an arithmetic error in native code",
        "pin the versions of the native packages that belong together",
    ),
    137: _KILLED,
    139: _CRASHED,
    143: _ASKED,
    247: _code(247, "a build of conda or Docker was killed: memory ran out", "fewer packages, or a larger compute"),
    255: _code(255, "a launcher (ssh, mpirun) ended without success", "read the logs of all processes"),
}
"""A negative code is the number of a signal: -9 is 137."""

TABLE = (*TEXTS, *EXIT_CODES.values())


def of_exit_code(code: int | None) -> Known | None:
    """Return what is known of an exit code; a negative one is that of the signal."""
    if code is None:
        return None
    return EXIT_CODES.get(code if code >= 0 else 128 - code)
