"""Which name a job gets, so that a re-run of the workflow finds it again; and the last look before it is submitted.

A re-run has the number of the workflow run, and the next attempt. A job's name is made of what does not change between attempts, and
ends with the attempt: an attempt looks for the jobs of those before it, newest first. Whether the definition is the same is known when
the SDK has made the request: its code is uploaded then, and its environment has a name that is a hash. A hash of that request, in which
contents stand for ids, is kept in a tag.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from aml_actions.runner import Runner
from aml_run import states
from aml_run.contents import Contents
from aml_run.job_service import JobService, JobState
from aml_run.making import Made
from aml_run.naming import job_stem, random_job_name

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineRequest

DEFINITION_TAG = "AML_RUN_DEFINITION"
"""Tag with the hash of the job as it was submitted."""
_OF_THE_JOB = {
    "experiment_name",
    "tags",
    "job_file",
    "runconfig_yaml_file",
    "pipeline_yaml_file",
    "runconfig_python_file",
    "runconfig_python_function_name",
    "set",
}
"""Parameters that make a job another one; the others say what the step does with it."""
_MOST_ATTEMPTS = 20
"""Earlier attempts whose jobs are looked for."""
_JOB_PATH = re.compile(
    r"/providers/Microsoft\.MachineLearningServices/workspaces/[^/]+/jobs/(?P<name>[^/]+)$", re.IGNORECASE
)
_CHANGEABLE = frozenset({"tags", "properties", "displayName", "description", "isArchived", "services", "status"})
"""What of a job's properties does not change what is run. ``properties`` holds the state of the Git checkout."""


@dataclass(frozen=True)
class Plan:
    """What is decided about a job before it is submitted.

    Attributes:
        name: under which it is submitted.
        earlier: the job of an earlier attempt that could be waited for, None when there is none.
        note: what was found about earlier attempts; empty when there is nothing to say.

    """

    name: str
    earlier: JobState | None = None
    note: str = ""


class Attached(Exception):
    """There is no need to submit the job: one with the same definition goes on, or is done."""

    def __init__(self, job: JobState) -> None:
        """Remember the `job` that takes its place."""
        super().__init__(job.name)
        self.job = job


class Stopped(Exception):
    """The step is cancelled: nothing is submitted any more."""


def plan(made: Made, position: int, runner: Runner, jobs: JobService, places: Places) -> Plan:
    """Choose the name of a job, and look for the one that an earlier attempt has submitted in its place.

    Args:
        made: the job.
        position: of its parameter set, from 0.
        runner: the workflow run.
        jobs: of the workspace.
        places: what this job of the workflow has submitted already.

    Raises:
        azure.core.exceptions.AzureError: the service cannot be asked.

    """
    if made.name:
        return Plan(made.name)
    parameters = made.parameters.model_dump_json(include=_OF_THE_JOB)
    kind = [jobs.workspace, str(position), made.definition, hashlib.sha256(parameters.encode()).hexdigest()]
    stem = job_stem(runner, kind)
    if not stem:
        return Plan(random_job_name(runner))
    # Two steps of one job that use the same composite action have the same id in the environment: they are counted.
    stem = job_stem(runner, [*kind, str(places.next(stem))])
    name = f"{stem}-{runner.run_attempt}"
    if jobs.get(name) is not None:
        # Of the same attempt: another caller of the same reusable workflow, or a runner that does not count its runs.
        return Plan(random_job_name(runner, name))
    if made.parameters.rerun == "new":
        return Plan(name)
    attempt = int(runner.run_attempt) if runner.run_attempt.isdigit() else 1
    for number in range(attempt - 1, max(0, attempt - 1 - _MOST_ATTEMPTS), -1):
        found = jobs.get(f"{stem}-{number}")
        if found is None:
            continue
        if states.green(found.status) or not (states.ended(found.status) or found.status == "CancelRequested"):
            return Plan(name, found)
        return Plan(name, note=f"Job {found.name} of attempt {number} is {found.status}: a new one is submitted.")
    if attempt > 1:
        return Plan(name, note="No earlier attempt has submitted a job with these parameters: a new one is submitted.")
    return Plan(name)


class Places:
    """Counts the jobs of one kind that the steps of this job of the workflow have submitted; the runner empties the folder with it."""

    def __init__(self, temp: Path) -> None:
        """Keep the counts in the folder `temp`."""
        self._file = temp / "aml-run-jobs.json"

    def next(self, kind: str) -> int:
        """Return how often `kind` was there before, and count it."""
        counts = self._read()
        number = counts.get(kind, 0)
        try:
            self._file.write_text(json.dumps({**counts, kind: number + 1}), encoding="utf-8")
        except OSError:
            return number  # without a folder for temporary files every step is the first of its kind
        return number

    def _read(self) -> dict[str, int]:
        try:
            counts = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return (
            {str(key): value for key, value in counts.items() if isinstance(value, int)}
            if isinstance(counts, dict)
            else {}
        )


@dataclass
class Gate:
    """Looks at every request of the SDK before it is sent, and lets pass the one that submits a job, or does not.

    Attributes:
        plans: of the jobs to be submitted, by name.
        contents: tells what stands behind ids.
        changed: names of the jobs whose earlier ones have another definition.

    """

    plans: Mapping[str, Plan]
    contents: Contents
    changed: set[str] = field(default_factory=set)
    _passed: set[str] = field(default_factory=set)
    _is_closed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def close(self) -> None:
        """Let no further job pass."""
        with self._lock:
            self._is_closed = True

    def passed(self, name: str) -> bool:
        """Tell whether the request that submits a job was sent; the job may exist then."""
        return name in self._passed

    def __call__(self, request: PipelineRequest[Any]) -> None:
        """Put the hash of the definition into the request that submits a job.

        Raises:
            Attached: a job of an earlier attempt takes its place.
            Stopped: the step is cancelled.

        """
        sent = request.http_request
        path = _JOB_PATH.search(urlsplit(sent.url).path)
        plan = self.plans.get(unquote(path["name"])) if path else None
        if plan is None or sent.method != "PUT":
            return
        document = json.loads(_body(sent))
        digest = definition_hash(document, self.contents)
        if plan.earlier is not None:
            if plan.earlier.tags.get(DEFINITION_TAG) == digest:
                raise Attached(plan.earlier)
            self.changed.add(plan.name)
        document["properties"]["tags"] = {**(document["properties"].get("tags") or {}), DEFINITION_TAG: digest}
        with self._lock:
            if self._is_closed:
                raise Stopped(plan.name)
            self._passed.add(plan.name)
        request.http_request = _with_body(sent, document)


def definition_hash(document: Mapping[str, Any], contents: Contents) -> str:
    """Return a hash of what a request to submit a job says about what is run."""
    properties = {key: value for key, value in document["properties"].items() if key not in _CHANGEABLE}
    told = json.dumps(contents.instead_of_ids(properties), sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _body(request: Any) -> str | bytes:  # noqa: ANN401 - either kind of request of azure-core
    content: str | bytes = getattr(request, "content", None) or getattr(request, "data", None) or b"{}"
    return content


def _with_body(request: Any, document: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as above
    """Return the same request with another body."""
    from azure.core.rest import HttpRequest

    headers = {key: value for key, value in request.headers.items() if key.lower() != "content-length"}
    return HttpRequest(request.method, request.url, headers=headers, json=document)
