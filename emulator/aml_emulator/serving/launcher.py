"""Start `azmlinfsrv` in its own environment, listening on this machine only: `python launcher.py AZMLINFSRV ARGUMENTS...`.

The server takes no address to listen on: it listens on every interface of its container. There is no container here.
Runs under the deployment's interpreter, so it uses the standard library only.
"""

import contextlib
import importlib
import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    if not Path(sys.argv[1]).exists():
        sys.exit(
            "The environment has no inference server (azmlinfsrv), so the container has nothing to run."
            " Add azureml-inference-server-http to the pip section of its conda file."
        )
    with contextlib.suppress(ImportError):  # a version that keeps its address elsewhere listens where it wants to
        vars(importlib.import_module("azureml_inference_server_http.constants"))["DEFAULT_HOST"] = "127.0.0.1"
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
