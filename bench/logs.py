"""What it costs to show the log of a job that writes 200 MB: bytes over the wire, and memory. Beside it, the SDK's own ``jobs.stream``.

The job writes for 20 s. Both programs run as they would anywhere, against the emulator, through a proxy that counts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from bench.measure import Reading, show
from bench.steps import RUN, Bench
from bench.wire import Wire

MEGABYTES = 200
SECONDS = 20
_MB = 1024 * 1024
_KB_IN_MB = 1024

CONDA = "dependencies:\n  - python=3.11\n"
WRITE = """import sys, time
megabytes, seconds = int(sys.argv[1]), float(sys.argv[2])
line = b"epoch 0001 step 000001 loss 0.693147 accuracy 0.512345 learning rate 0.001\\n"
part = line * (1024 * 1024 // len(line) + 1)
for number in range(megabytes):
    sys.stdout.buffer.write(part[: 1024 * 1024 - 1] + b"\\n")
    sys.stdout.buffer.flush()
    time.sleep(seconds / megabytes)
"""
STREAM = """import json, os, sys
from azure.ai.ml import MLClient
from azure.identity import ClientSecretCredential
given = json.loads(os.environ["CREDENTIALS"])
authority = given["activeDirectoryEndpointUrl"]
credential = ClientSecretCredential(
    given["tenantId"], given["clientId"], given["clientSecret"], authority=authority, disable_instance_discovery=True
)
client = MLClient(credential, given["subscriptionId"], "bench", "bench")
client.jobs.stream(sys.argv[1])
"""


class Measured:
    """What one program took: MB from the blob service, and MB of memory at its peak."""

    def __init__(self, bench: Bench, command: Sequence[str], environment: Mapping[str, str], blob_port: int) -> None:
        with Wire() as wire, tempfile.TemporaryFile() as log:
            proxy = {"HTTPS_PROXY": wire.url, "https_proxy": wire.url}
            process = subprocess.Popen(
                command, cwd=bench.repository, env={**environment, **proxy}, stdout=log, stderr=subprocess.STDOUT
            )
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.printed = log.seek(0, os.SEEK_END) / _MB
            if process.returncode:
                log.seek(0)
                raise RuntimeError(f"{' '.join(command)} failed:\n{log.read().decode(errors='replace')[-4000:]}")
            self.wire = wire.received[blob_port] / _MB
            self.memory = usage.ru_maxrss / _KB_IN_MB


def main() -> None:
    """Measure a step with a short log and with a long one, then the SDK with the long one."""
    with tempfile.TemporaryDirectory(prefix="bench-logs-") as folder:
        bench = Bench(Path(folder))
        if os.environ.get("AML_ACTIONS_HOME"):
            bench.home = Path(os.environ["AML_ACTIONS_HOME"])
        try:
            bench.step("aml-workspace", {}, cold=False)
            bench.step("aml-compute", {}, cold=False)
            short = _step(bench, 1, 1)
            step = _step(bench, MEGABYTES, SECONDS)
            sdk = _sdk(bench)
        finally:
            bench.close()
    show(
        f"log of a job that writes {MEGABYTES} MB in {SECONDS} s",
        [
            Reading("aml-run: read over the wire", "MB", (step.wire,)),
            Reading("aml-run: memory at its peak", "MB", (step.memory,)),
            Reading("aml-run: memory at its peak, log of 1 MB", "MB", (short.memory,)),
            Reading("aml-run: printed", "MB", (step.printed,)),
            Reading("jobs.stream of azure-ai-ml: read over the wire", "MB", (sdk.wire,)),
            Reading("jobs.stream of azure-ai-ml: memory at its peak", "MB", (sdk.memory,)),
            Reading("jobs.stream of azure-ai-ml: printed", "MB", (sdk.printed,)),
        ],
    )


def _job(bench: Bench, megabytes: int, seconds: float, **parameters: object) -> None:
    files = {
        "job.yml": "type: command\n"
        f"command: python write.py {megabytes} {seconds}\n"
        "code: code/write\ncompute: azureml:bench\nexperiment_name: bench\n"
        "environment: {image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04, conda_file: code/write/environment.yml}\n",
        "code/write/write.py": WRITE,
        "code/write/environment.yml": CONDA,
        ".cloud/.azure/run.json": json.dumps({"job_file": "job.yml", "rerun": "new", **parameters}),
    }
    for name, content in files.items():
        file = bench.repository / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)


def _step(bench: Bench, megabytes: int, seconds: float) -> Measured:
    _job(bench, megabytes, seconds)
    return Measured(bench, [str(RUN), "aml-run"], bench.environment({}), _blob_port(bench))


def _sdk(bench: Bench) -> Measured:
    _job(bench, MEGABYTES, SECONDS, wait_for_completion=False)
    _, outputs = bench.step("aml-run", {}, cold=False)
    environment = {**os.environ, **bench.variables, "CREDENTIALS": bench.credentials}
    return Measured(bench, [sys.executable, "-c", STREAM, outputs["run_id"]], environment, _blob_port(bench))


def _blob_port(bench: Bench) -> int:
    return urlsplit(bench.status()["blob_url"]).port or 443
