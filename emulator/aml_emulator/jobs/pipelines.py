"""One pipeline job: its steps run in the order of their data, independent ones at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from aml_emulator import ids
from aml_emulator.http import ServiceError
from aml_emulator.jobs import steps
from aml_emulator.jobs.bindings import Scope
from aml_emulator.jobs.children import Children, copy, output_uri
from aml_emulator.jobs.lifecycle import Canceled, JobExecution, JobFailed
from aml_emulator.jobs.pipeline_plan import Node, Plan, plan
from aml_emulator.jobs.reuse import CompletedSteps, fingerprint
from aml_emulator.jobs.status import failure
from aml_emulator.ml.jobs import STEP
from aml_emulator.resources import Body, Resource
from aml_emulator.tracking.schema import Error

EXECUTION_LOG = "logs/azureml/executionlogs.txt"
_EMPTY_LOGS = ("logs/azureml/stdoutlogs.txt", "logs/azureml/stderrlogs.txt")
"""What the service keeps beside the execution log; a pipeline itself prints nothing."""

_MESSAGE_CHARACTERS = 3000
_OTHER_FAILED = "Another step of the pipeline failed, and the pipeline does not continue on the failure of a step."


@dataclass
class PipelineExecution(JobExecution):
    """One pipeline that runs."""

    children: Children = field(init=False)
    _fingerprints: dict[str, str] = field(default_factory=dict, init=False)
    _failures: dict[str, str] = field(default_factory=dict, init=False)
    _log: Path = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.children = Children(self.emulator, self.job_id)

    def wake(self) -> None:
        """Have the loop over the steps look again."""
        self.children.wake()

    def work(self) -> int | None:
        """Run all steps."""
        self.enter("Preparing")
        self._log = self.new_log(EXECUTION_LOG)
        for name in _EMPTY_LOGS:
            self.new_log(name)
        resource = self._with_places()
        made = plan(self.emulator, resource.properties)
        self.enter("Running")
        try:
            self._run(made)
        finally:
            self.note_cancellation()
            self.children.finish(self.reason)
        if self.canceled.is_set():
            self._say("The pipeline was canceled.")
            raise Canceled(self.reason)
        if self._failures:
            self._say("Execution of the pipeline failed.")
            raise JobFailed(_steps_failed(self._failures))
        self._say("Execution of the pipeline completed.")
        return None

    def _with_places(self) -> Resource:
        """The pipeline's resource, in which every output says where it will lie: the steps that write them are told."""
        resource = self.emulator.resources.get(self.job_id)
        if resource is None:
            raise Canceled("The job was deleted.")
        places = {name: output_uri(self.emulator, resource, name) for name in resource.properties["outputs"]}

        def edit(body: Body) -> None:
            for name, uri in places.items():
                body["properties"]["outputs"][name] = {**(body["properties"]["outputs"][name] or {}), "uri": uri}

        return self.emulator.resources.change(self.job_id, edit) or resource

    def _run(self, made: Plan) -> None:
        """Start what can start whenever something has ended, until nothing is left or the pipeline is to end."""
        scope, pending, completed = Scope(made.inputs), dict(made.nodes), set[str]()
        while not self.canceled.is_set():
            for name, (child_id, run) in self.children.ended().items():
                if run.status == "Completed":
                    self._complete(made.nodes[name], child_id, scope)
                    completed.add(name)
                else:
                    self._fail(name, ids.name_of(child_id), run.status, run.error)
            if self._failures and not made.settings.continue_on_step_failure:
                self.children.cancel(reason=_OTHER_FAILED)
                break
            ready = [name for name, node in pending.items() if node.needs <= completed]
            for name in ready:
                node = pending.pop(name)
                if self._start(made, node, scope):
                    completed.add(name)
            if not self.children.running and not any(node.needs <= completed for node in pending.values()):
                break  # all done, or what is left waits for steps that failed
            if self.children.running:
                self.children.wait()
        if pending and not self.canceled.is_set():
            self._say(f"Not started, because of steps that failed: {', '.join(pending)}.")

    def _start(self, made: Plan, node: Node, scope: Scope) -> bool:
        """Start a node's job; whether it is over at once, since an earlier one is used again."""
        try:
            properties = self._of_step(node, steps.properties(made, node, scope))
            mark = fingerprint(self.workspace_id, properties)
            reusable = node.component.deterministic and node.type in ("command", "parallel")
            completed = CompletedSteps(self.emulator)
            if reusable and not made.settings.force_rerun and (earlier := completed.find(mark)):
                self._reuse(node, properties, earlier.name, scope)
                return True
            child_id = self.children.start(node.name, properties)
            if reusable:
                self._fingerprints[child_id] = mark
        except ServiceError as error:
            self._fail(node.name, "not submitted", "Failed", failure(error.message))
            return False
        self._say(f"Submitting 1 runs, first five are: {node.name}:{ids.name_of(child_id)}")
        return False

    def _of_step(self, node: Node, properties: Mapping[str, Any]) -> Body:
        """What run history says of a step, added to the properties of its job."""
        run = self.emulator.tracking.run(self.name)
        root = self.emulator.tracking.root(run).id if run else self.name
        told = {
            "azureml.runsource": STEP,
            "azureml.nodeid": node.name,
            "azureml.pipeline": self.name,
            "azureml.pipelinerunid": self.name,
            "azureml.rootpipelinerunid": root,
            "azureml.moduleName": node.component.name,
            "azureml.moduleid": node.component.id,
            "azureml.isreused": "false",
        }
        tags = {"azureml.nodeid": node.name, "azureml.pipeline": self.name, **properties["tags"]}
        return {**properties, "properties": told, "tags": tags}

    def _reuse(self, node: Node, properties: Body, earlier: str, scope: Scope) -> None:
        """A child that is completed as soon as it is there: its outputs are those of an earlier one.

        Steps that follow read them where the earlier one wrote them, so that they can be used again too. Where this pipeline promises
        them at a place of its own, they are copied there.
        """
        original = self.emulator.resources.get(f"{self.workspace_id}/jobs/{earlier}")
        if original is None:
            raise LookupError(earlier)
        outputs = {}
        for name, output in properties["outputs"].items():
            uri = output_uri(self.emulator, original, name)
            outputs[name] = {**output, "uri": uri}
            if output.get("uri") not in (None, uri):
                copy(self.emulator, self.workspace_id, uri, output["uri"])
        told = {**properties["properties"], "azureml.isreused": "true", "azureml.reusedrunid": earlier}
        child_id = self.children.store({**properties, "outputs": outputs, "properties": told})
        self.emulator.jobs.complete(child_id, parent=self.name)
        self._say(f"Reusing the completed run {earlier} for {node.name}:{ids.name_of(child_id)}")
        self._complete(node, child_id, scope)

    def _complete(self, node: Node, child_id: str, scope: Scope) -> None:
        """Make the outputs of a node known to the nodes that use them."""
        child = self.emulator.resources.get(child_id)
        if child is None:
            raise LookupError(child_id)
        if mark := self._fingerprints.pop(child_id, None):
            CompletedSteps(self.emulator).add(mark, child_id)
        for name in node.component.outputs:
            kind = child.properties["outputs"][name]["jobOutputType"]
            scope.outputs[node.name, name] = {"jobInputType": kind, "uri": output_uri(self.emulator, child, name)}
        self._say(f"Completing processing run id {child.name}.")

    def _fail(self, node: str, run_id: str, status: str, error: Error | None) -> None:
        message = ((error or {}).get("error") or {}).get("message") or "The step was canceled."
        self._failures[node] = f"{node} (run {run_id}, {status}): {message}"
        self._say(f"Step {self._failures[node]}")

    def _say(self, text: str) -> None:
        moment = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"[{moment}] {text}\n")


def _steps_failed(failures: Mapping[str, str]) -> Error:
    """The error of a pipeline: the service's sentence, and which steps failed of what."""
    told = " ".join(failures.values())
    message = f"Pipeline has some failed steps. See child run or execution logs for more details. Failed: {told}"
    error = failure(message[:_MESSAGE_CHARACTERS], code="ServiceError", component="pipelines")
    error["error"]["referenceCode"] = "PipelineHasStepJobFailed"
    return error
