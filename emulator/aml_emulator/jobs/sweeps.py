"""One sweep job: trials with values of its search space, as many at a time as it says, and the best of them."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aml_emulator import ids
from aml_emulator.http import ServiceError
from aml_emulator.jobs import early_termination, sampling, specification
from aml_emulator.jobs.children import Children, copy, output_uri
from aml_emulator.jobs.lifecycle import Canceled, JobExecution, JobFailed
from aml_emulator.jobs.sampling import Sample
from aml_emulator.jobs.status import failure
from aml_emulator.ml.scope import refused
from aml_emulator.resources import Body
from aml_emulator.tracking.schema import Error

LOG = "azureml-logs/hyperdrive.txt"
_MOST_TRIALS = 1000
"""The service's default and limit of `max_total_trials`."""

_FIRST_FAILURES = 3
"""When so many trials have ended, and all failed, the service gives up."""

_OF_THE_BEST = ("uri", "assetName", "assetVersion")
"""What a sweep says of its outputs and not of its trials': where they lie and what they are registered as."""

_LOOK_SECONDS = 0.25
_TERMINATED = "The trial was ended by the early termination policy of its sweep."


@dataclass(frozen=True)
class SweepJob:
    """A sweep that can run."""

    trial: Mapping[str, Any]
    space: Mapping[str, Any]
    algorithm: Mapping[str, Any]
    metric: str
    maximize: bool
    total: int
    concurrent: int
    timeout_seconds: float | None
    trial_timeout: str | None


def read(properties: Mapping[str, Any]) -> SweepJob:
    """A job's properties as a sweep job; its trial is checked with the first values that it would have.

    Raises:
        ServiceError: they are wrong, or ask for what does not run here.

    """
    objective, limits, trial = (properties.get(name) or {} for name in ("objective", "limits", "trial"))
    space, algorithm = properties.get("searchSpace") or {}, properties.get("samplingAlgorithm") or {}
    sampling.check(space, algorithm)
    goal, metric = str(objective.get("goal") or "").lower(), str(objective.get("primaryMetric") or "")
    if goal not in ("minimize", "maximize") or not metric:
        raise refused(
            "A sweep job needs objective.goal (minimize or maximize) and objective.primaryMetric.", target="objective"
        )
    early_termination.read(properties.get("earlyTermination"), maximize=goal == "maximize")
    total = _count(limits, "maxTotalTrials", _MOST_TRIALS)
    seconds = specification.seconds(limits.get("trialTimeout"))
    job = SweepJob(
        trial=trial,
        space=space,
        algorithm=algorithm,
        metric=metric,
        maximize=goal == "maximize",
        total=total,
        concurrent=min(total, _count(limits, "maxConcurrentTrials", total)),
        timeout_seconds=specification.seconds(limits.get("timeout")),
        trial_timeout=f"PT{seconds:g}S" if seconds else None,
    )
    first = next(sampling.samples(space, algorithm))
    specification.read("", trial_properties(job, properties, first))
    return job


def trial_properties(job: SweepJob, parent: Mapping[str, Any], sample: Sample) -> dict[str, Any]:
    """The properties of the command job of one trial."""
    command = str(job.trial.get("command") or "")
    for name, value in sample.items():
        command = command.replace(f"${{{{search_space.{name}}}}}", str(value))
    outputs = {
        name: {key: value for key, value in (output or {}).items() if key not in _OF_THE_BEST}
        for name, output in (parent.get("outputs") or {}).items()
        if name != "default"
    }
    inputs = {**(parent.get("inputs") or {})}
    inputs |= {name: {"jobInputType": "literal", "value": str(value)} for name, value in sample.items()}
    limits = {"jobLimitsType": "Command", "timeout": job.trial_timeout} if job.trial_timeout else None
    return {
        "jobType": "Command",
        "command": command,
        "codeId": job.trial.get("codeId"),
        "environmentId": job.trial.get("environmentId"),
        "environmentVariables": job.trial.get("environmentVariables") or {},
        "resources": job.trial.get("resources") or parent.get("resources"),
        "distribution": job.trial.get("distribution"),
        "computeId": parent.get("computeId"),
        "experimentName": parent.get("experimentName"),
        "inputs": inputs,
        "outputs": outputs,
        "limits": limits,
        "parameters": dict(sample),
        "tags": {"hyperparameters": json.dumps(sample)},
        "properties": {"azureml.runsource": "hyperdrive"},
    }


@dataclass
class SweepExecution(JobExecution):
    """One sweep that runs."""

    job: SweepJob
    children: Children = field(init=False)
    _log: Path = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.children = Children(self.emulator, self.job_id)

    def wake(self) -> None:
        """Have the loop over the trials look again."""
        self.children.wake()

    def work(self) -> int | None:
        """Run the trials and take the best."""
        resource = self.emulator.resources.get(self.job_id)
        if resource is None:
            raise Canceled("The job was deleted.")
        self._log = self.new_log(LOG)
        self.enter("Running")
        try:
            trials = self._run(resource.properties)
        finally:
            self.note_cancellation()
            self.children.finish(self.reason)
        if self.canceled.is_set():
            raise Canceled(self.reason)
        if trials and not any(status == "Completed" for status in trials.values()):
            raise JobFailed(self._all_failed(trials))
        completed = [trial for trial, status in trials.items() if status == "Completed"]
        self._take_best(completed, resource.properties.get("outputs") or {})
        return None

    def _run(self, properties: Mapping[str, Any]) -> dict[str, str]:
        """Run the trials; how each ended, by its id."""
        left = self._samples()
        policy = early_termination.read(properties.get("earlyTermination"), maximize=self.job.maximize)
        limit = self.job.timeout_seconds
        deadline = None if limit is None else time.monotonic() + limit
        ended: dict[str, str] = {}
        number, more = 0, True
        while not self.canceled.is_set():
            for trial, (child_id, run) in self.children.ended().items():
                ended[child_id] = run.status
                self._say(f"The trial {trial} ended as {run.status}.")
            if len(ended) >= _FIRST_FAILURES and set(ended.values()) == {"Failed"}:
                break
            while more and len(self.children.running) < self.job.concurrent:
                sample = next(left, None)
                if sample is None:
                    more = False
                else:
                    self._start(f"{self.name}_{number}", properties, sample)
                    number += 1
            if not self.children.running:
                break
            if deadline is not None and time.monotonic() > deadline:
                self.cancel(f"The sweep ran longer than its limit of {limit:g} s (limits.timeout) and was canceled.")
                break
            if policy:
                self._end_early(policy, list(ended))
            self.children.wait(_LOOK_SECONDS)
        return ended

    def _samples(self) -> Iterator[Sample]:
        for number, sample in enumerate(sampling.samples(self.job.space, self.job.algorithm)):
            if number == self.job.total:
                return
            yield sample

    def _start(self, name: str, properties: Mapping[str, Any], sample: Sample) -> None:
        self._say(f"Submitting the trial {name} with {json.dumps(sample)}.")
        try:
            self.children.start(name, trial_properties(self.job, properties, sample), name)
        except ServiceError as error:
            raise JobFailed(failure(f"The trial {name} could not be submitted. {error.message}")) from None

    def _end_early(self, policy: early_termination.Policy, ended: list[str]) -> None:
        names = [*self.children.running, *map(ids.name_of, ended)]
        histories = {name: values for name in names if (values := self._values(name))}
        for trial in policy.to_end(histories, list(self.children.running)):
            self._say(f"The {policy.kind} policy ends the trial {trial}.")
            self.children.cancel(trial, reason=_TERMINATED)

    def _values(self, trial: str) -> list[float]:
        found = [metric.value for metric in self.emulator.tracking.history(trial, self.job.metric)]
        return [value for value in found if not math.isnan(value)]

    def _take_best(self, completed: list[str], outputs: Mapping[str, Any]) -> None:
        """Name the trial with the best value of the metric that it ever logged, and take its outputs as the sweep's."""
        best = max if self.job.maximize else min
        scores = {trial: best(values) for trial in completed if (values := self._values(ids.name_of(trial)))}
        if not scores:
            self._say(f"No trial logged the primary metric '{self.job.metric}', so none is the best.")
            return
        chosen = best(scores, key=lambda trial: scores[trial])
        child = self.emulator.resources.get(chosen)
        if child is None:
            raise LookupError(chosen)
        self._say(f"The best trial is {child.name}: {self.job.metric} = {scores[chosen]:g}.")

        places: dict[str, str] = {}
        for name in child.properties.get("outputs") or {}:
            if name != "default":
                written = output_uri(self.emulator, child, name)
                places[name] = str((outputs.get(name) or {}).get("uri") or written)
                if places[name] != written:
                    copy(self.emulator, self.workspace_id, written, places[name])

        def edit(body: Body) -> None:
            found = {"best_child_run_id": child.name, "score": str(scores[chosen]), "best_metric_status": "Succeeded"}
            body["properties"]["properties"] = {**(body["properties"].get("properties") or {}), **found}
            for name, uri in places.items():
                body["properties"]["outputs"][name] = {**(body["properties"]["outputs"].get(name) or {}), "uri": uri}

        self.emulator.resources.change(self.job_id, edit)

    def _all_failed(self, trials: Mapping[str, str]) -> Error:
        first = next(iter(trials))
        run = self.emulator.tracking.run(ids.name_of(first))
        told = ((run.error if run else None) or {}).get("error", {}).get("message", "")
        message = (
            f"No trial of the sweep completed ({', '.join(trials.values())}). The first, {ids.name_of(first)}: {told}"
        )
        return failure(message[:3000], "JobFailed", component="hyperdrive")

    def _say(self, text: str) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"{text}\n")


def _count(limits: Mapping[str, Any], name: str, default: int) -> int:
    value = limits.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not str(value).isdigit() or not 1 <= int(value) <= _MOST_TRIALS:
        raise refused(f"limits.{name} must be from 1 to {_MOST_TRIALS}, not '{value}'.", target="limits")
    return int(value)
