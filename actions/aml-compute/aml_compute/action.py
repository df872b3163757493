"""The work of aml-compute: get, create when it is missing, tell."""

from __future__ import annotations

import re
import time

from aml_actions import markdown
from aml_actions.errors import ActionError
from aml_actions.polling import duration, wait_until
from aml_actions.service_error import ServiceError
from aml_actions.step import Step
from aml_compute.attachment import attach, cluster_id
from aml_compute.creation import create
from aml_compute.making import TIMEOUT
from aml_compute.parameters import COMPUTE_NAME, COMPUTE_NAME_RULE, RESERVED_NAMES, ComputeParameters
from aml_compute.target import API_VERSION, ATTACHED, Target

_KINDS = {"amlcluster": ("AmlCompute",), "akscluster": ATTACHED}
# "The Resource 'Microsoft.MachineLearningServices/workspaces/x' under resource group 'y' was not found"
_WORKSPACE_MISSING = re.compile(
    r"ResourceGroupNotFound|ParentResourceNotFound|Microsoft\.MachineLearningServices/workspaces/[^/']+'"
)
_PASSING_STATES = ("Creating", "Updating", "Unknown", "")


def work(step: Step[ComputeParameters]) -> None:
    """Find or create the compute target, see that it is ready, set the outputs."""
    name = _wanted(step)
    started = time.monotonic()
    step.workflow.info(f"Looking for compute {name} in {step.workspace()}")
    target = _get(step, name)
    created = target is None
    if target is None:
        (attach if step.parameters.kind == "akscluster" else create)(step, name)
    else:
        _compare(step, target)
    ready = _wait_until_ready(step, name, target)
    done = "found" if not created else "attached" if ready.is_attached else "created"
    _tell(step, ready, f"{done} in {duration(time.monotonic() - started)}", created=created)


def _wanted(step: Step[ComputeParameters]) -> str:
    if step.parameters.name is not None:
        return step.parameters.name
    repository = step.runner.repository_name
    name = re.sub(r"[^a-zA-Z0-9-]", "-", repository)[:16].strip("-")
    if not COMPUTE_NAME.fullmatch(name) or name.lower() in RESERVED_NAMES:
        raise ActionError(
            "The name of the repository cannot be the name of the compute target.",
            value=repository,
            allowed=f"{COMPUTE_NAME_RULE}; not {', '.join(RESERVED_NAMES)}",
            fix="set name in compute.json",
        )
    if name != repository:
        step.workflow.notice(f"The compute target is named {name}, after the repository {repository}.", step.spec.name)
    return name


def _get(step: Step[ComputeParameters], name: str) -> Target | None:
    """Return the target, None when it does not exist. One GET, without the SDK, whose import would be most of the step's time.

    Raises:
        ActionError: the workspace does not exist, which Azure answers with 404 too; or any other refusal.
    """
    from azure.core.exceptions import HttpResponseError

    with step.doing(f"looking for compute {name}"):
        try:
            answer = step.rest().get(f"{step.workspace().arm_id}/computes/{name}", {"api-version": API_VERSION})
        except HttpResponseError as error:
            if error.status_code == 404 and not _WORKSPACE_MISSING.search(str(ServiceError.from_exception(error))):
                return None
            raise
    return Target.from_resource(answer)


def _compare(step: Step[ComputeParameters], target: Target) -> None:
    """Warn of an existing target that is not what the parameters describe; it is not changed, as in the legacy action."""
    parameters = step.parameters
    wanted_kinds = _KINDS[parameters.kind] if parameters.kind else (target.kind,)
    if target.kind not in wanted_kinds:
        differences = [f"it is {target.kind}, not {parameters.kind}"]
    elif target.is_cluster:
        differences = _differences_of_cluster(parameters, target)
    else:
        differences = _differences_of_attached(step, target)
    if differences:
        step.workflow.warning(
            f"The existing compute {target.name} was not changed, although {'; '.join(differences)}.", step.spec.name
        )
    if target.kind == "AKS":
        step.workflow.warning(
            f"Compute {target.name} was attached by SDK v1 (type AKS): online endpoints cannot be deployed to it any more. "
            "To deploy to this cluster, install the extension Microsoft.AzureML.Kubernetes on it and attach it under another name, "
            "with resource_id.",
            step.spec.name,
        )


def _differences_of_cluster(parameters: ComputeParameters, target: Target) -> list[str]:
    given = parameters.model_fields_set
    differences = []
    if parameters.vm_size and parameters.vm_size.lower() != target.size.lower():
        differences.append(f"its vm_size is {target.size}, not {parameters.vm_size}")
    if "vm_priority" in given and parameters.vm_priority != target.tier.lower():
        differences.append(f"its vm_priority is {target.tier.lower()}, not {parameters.vm_priority}")
    for key, actual in (("min_nodes", target.min_nodes), ("max_nodes", target.max_nodes)):
        if key in given and actual is not None and getattr(parameters, key) != actual:
            differences.append(f"its {key} is {actual}, not {getattr(parameters, key)}")
    return differences


def _differences_of_attached(step: Step[ComputeParameters], target: Target) -> list[str]:
    wanted = cluster_id(step.parameters, step.workspace())
    differences = []
    if wanted and target.resource_id and wanted.lower() != target.resource_id.rstrip("/").lower():
        differences.append(f"it stands for {target.resource_id}, not {wanted}")
    namespace = step.parameters.namespace
    if "namespace" in step.parameters.model_fields_set and target.namespace and namespace != target.namespace:
        differences.append(f"its namespace is {target.namespace}, not {namespace}")
    return differences


def _wait_until_ready(step: Step[ComputeParameters], name: str, known: Target | None) -> Target:
    """Return the target once Azure has made it; another job may be creating it. `known` is what was just read, if anything.

    Raises:
        ActionError: it is in a bad state, with Azure's reasons.
    """
    first = iter([known])

    def probe() -> Target:
        found = next(first, None) or _get(step, name)
        if found is None:
            raise ActionError(f"The compute target {name} has disappeared.", cause="another job or person deleted it")
        return found

    target = wait_until(
        probe,
        lambda found: found.state not in _PASSING_STATES,
        what=f"compute {name}",
        say=step.workflow.info,
        timeout=TIMEOUT,
        describe=lambda found: found.state or "no state yet",
    )
    if target.state != "Succeeded":
        reasons = "\n".join(target.problems)
        raise ActionError(
            f"The compute target {name} is in the state {target.state}.",
            value=target.problems[0] if target.problems else None,
            fix="wait until it is gone, then run the job again"
            if target.state == "Deleting"
            else f"remove it and run the job again: `az ml compute {'detach' if target.is_attached else 'delete'} --name {name} "
            f"--workspace-name {step.workspace().name} --resource-group {step.workspace().resource_group}`",
            anchor="docs/troubleshooting.md#compute-failed",
            details=markdown.fence(reasons) if reasons else None,
        )
    for problem in target.problems:
        step.workflow.warning(f"Azure reports of compute {name}: {problem}", step.spec.name)
    return target


def _tell(step: Step[ComputeParameters], target: Target, done: str, *, created: bool) -> None:
    studio = step.studio_url(f"compute/{target.name}/details")
    step.set_output("compute_name", target.name)
    step.set_output(
        "result",
        {
            "compute_name": target.name,
            "compute_type": target.kind,
            "vm_size": target.size,
            "vm_priority": target.tier,
            "min_nodes": target.min_nodes,
            "max_nodes": target.max_nodes,
            "nodes": target.nodes,
            "resource_id": target.resource_id,
            "namespace": target.namespace,
            "provisioning_state": target.state,
            "studio_url": studio,
            "created": created,
        },
    )
    step.workflow.info(f"Compute {target.name}: {done}\n{studio}")
    rows = [("Compute", f"**{markdown.escape(target.name)}** ({done})"), ("Type", markdown.escape(target.kind))]
    if target.size:
        rows.append(("Size", f"{markdown.escape(target.size)}, {markdown.escape(target.tier or 'Dedicated')}"))
    if target.max_nodes is not None:
        now = "" if target.nodes is None else f", {target.nodes} now"
        rows.append(("Nodes", f"{target.min_nodes or 0} to {target.max_nodes}{now}"))
    if target.resource_id:
        rows.append(("Cluster", markdown.code(target.resource_id)))
    if target.namespace:
        rows.append(("Namespace", markdown.escape(target.namespace)))
    rows.append(("State", markdown.escape(target.state)))
    rows.append(("Studio", markdown.link("open the compute", studio)))
    step.summary(f"### 🖥️ Compute {markdown.escape(target.name)}\n\n" + markdown.table(["", ""], rows))
