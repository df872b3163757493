"""Start `azmlinfsrv` in its own environment, listening on this machine only: `python launcher.py AZMLINFSRV ARGUMENTS...`.

The server takes no address to listen on: it listens on every interface of its container. There is no container here.
Runs under the deployment's interpreter, so it uses the standard library only.
"""

import contextlib
import importlib
import runpy
import sys

if __name__ == "__main__":
    with contextlib.suppress(ImportError):  # the script itself says what is missing
        vars(importlib.import_module("azureml_inference_server_http.constants"))["DEFAULT_HOST"] = "127.0.0.1"
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
