"""The work of aml-configure: providers, resource group, template, function code, event subscriptions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aml_actions import markdown
from aml_actions.errors import ActionError
from aml_actions.polling import duration
from aml_actions.providers import Providers
from aml_actions.resource_groups import ensure_resource_group
from aml_configure import template
from aml_configure.deployment import Change, Deployed, Deployments
from aml_configure.function_code import FunctionApp, archive
from aml_configure.template import ANCHOR, Template

if TYPE_CHECKING:
    from aml_actions.spec import Parameters
    from aml_actions.step import Step

SUBSCRIPTIONS = "deployEventSubscriptions"
"""Parameter of the template that says whether event subscriptions are made."""
FUNCTION_APP = "functionAppResourceId"
"""Output of the template that names the function app."""
_MODES = {"incremental": "Incremental", "complete": "Complete"}


def work(step: Step[Parameters]) -> None:
    """Deploy. Nothing is asked of Azure before everything local has been checked.

    Raises:
        ActionError: a wrong setting, or a deployment that failed.
        azure.core.exceptions.AzureError: Azure refused.
    """
    inputs, say = step.inputs, step.workflow.info
    mode = _MODES.get(inputs["deployment_mode"].lower())
    if mode is None:
        raise ActionError(
            "deployment_mode is not valid.", value=inputs["deployment_mode"], allowed=", ".join(_MODES.values())
        )
    only_show = inputs["what_if"].lower()
    if only_show not in ("true", "false"):
        raise ActionError("what_if is not valid.", value=inputs["what_if"], allowed="true, false")
    found = template.read(
        step.runner.workspace, inputs["armtemplate_file"], inputs["armtemplateparams_file"], inputs["mapped_params"]
    )
    for secret in found.secrets():
        step.workflow.mask(secret)
    package = _package(step)
    subscription, group = step.credentials.subscription_id, inputs["resource_group"]
    deployments = Deployments(step.credential, step.cloud, subscription, group, say, user_agent=step.user_agent)
    name = _name(step)
    twice = package is not None and found.has(SUBSCRIPTIONS)
    last = found.with_value(SUBSCRIPTIONS, True) if twice else found
    if only_show == "true":
        with step.doing(f"asking what {found.name} would change"):
            _show(step, name, deployments.what_if(name, last, mode))
        return
    with step.doing("registering resource providers"):
        Providers(step.rest(), subscription, say).ensure(found.namespaces)
    ensure_resource_group(step, group, inputs["location"])
    if twice:
        # Incremental, so that a subscription which is there stays meanwhile: no event is lost.
        deployed = _deploy(step, deployments, name, found.with_value(SUBSCRIPTIONS, False), "Incremental")
    else:
        deployed = _deploy(step, deployments, name, found, mode)
    functions: list[str] = []
    if package:
        app = _app(step, deployed)
        with step.doing(f"publishing the code of function app {app.name}"):
            functions = app.publish(package)
        say(f"Function app {app.name} has {', '.join(functions)}")
    if twice:
        say("The functions are there: the template once more, with the event subscriptions")
        deployed = _deploy(step, deployments, name, last, mode)
    _tell(step, group, deployed, functions)


def _name(step: Step[Parameters]) -> str:
    """Return the name of the deployment: one for each run, so that Azure's history leads to it."""
    stem = Path(step.inputs["armtemplate_file"]).name.removesuffix(".json")
    return f"{stem}-{step.runner.run_id or '0'}-{step.runner.run_attempt}"[:64]


def _package(step: Step[Parameters]) -> bytes | None:
    folder = step.inputs["function_folder"]
    if not folder:
        return None
    path = (step.runner.workspace / folder).resolve()
    if not path.is_relative_to(step.runner.workspace.resolve()) or not path.is_dir():
        raise ActionError(
            "function_folder is no folder of the repository.",
            value=folder,
            fix="correct the input, or leave it out when there is no function app",
            anchor=ANCHOR,
        )
    return archive(path)


def _deploy(step: Step[Parameters], deployments: Deployments, name: str, found: Template, mode: str) -> Deployed:
    step.workflow.info(f"Deploying {found.name} to resource group {step.inputs['resource_group']} as {name}")
    with step.doing(f"deploying {found.name}"):
        deployed = deployments.deploy(name, found, mode)
    step.workflow.info(f"Deployed {len(deployed.resources)} resources in {duration(deployed.seconds)}")
    return deployed


def _app(step: Step[Parameters], deployed: Deployed) -> FunctionApp:
    resource_id = deployed.outputs.get(FUNCTION_APP)
    if not isinstance(resource_id, str) or not resource_id:
        raise ActionError(
            "The template does not say which function app the code belongs to.",
            allowed=f"an output {FUNCTION_APP} with the resource id of the app",
            value=f"outputs: {', '.join(deployed.outputs) or 'none'}",
            fix="add the output, or leave function_folder out",
            anchor=ANCHOR,
        )
    return FunctionApp(step.rest(), resource_id, step.workflow.info)


def _show(step: Step[Parameters], name: str, changes: Sequence[Change]) -> None:
    told = [one for one in changes if one.kind not in ("NoChange", "Ignore")]
    for one in told:
        paths = f" ({', '.join(one.paths[:10])})" if one.paths else ""
        step.workflow.info(f"  {one.kind}: {one.resource}{paths}")
    step.workflow.info(f"{len(told)} of {len(changes)} resources would change; nothing was changed")
    rows = [(one.kind, markdown.code(one.resource), markdown.escape(", ".join(one.paths[:10]))) for one in told]
    table = markdown.table(["Change", "Resource", "Properties"], rows) if rows else "Nothing would change.\n"
    step.summary(f"### 🔍 What {markdown.escape(step.inputs['armtemplate_file'])} would change\n\n{table}")
    step.set_output("deployment_name", name)
    step.set_output(
        "result",
        {
            "what_if": True,
            "changes": [{"kind": one.kind, "resource": one.resource, "paths": one.paths} for one in changes],
        },
    )


def _tell(step: Step[Parameters], group: str, deployed: Deployed, functions: Sequence[str]) -> None:
    result: dict[str, Any] = {
        "deployment_name": deployed.name,
        "resource_group": group,
        "outputs": deployed.outputs,
        "resources": list(deployed.resources),
        "functions": list(functions),
        "seconds": round(deployed.seconds, 1),
    }
    step.set_output("deployment_name", deployed.name)
    step.set_output("deployment_outputs", deployed.outputs)
    step.set_output("result", result)
    rows = [(markdown.code(key), markdown.code(str(value))) for key, value in deployed.outputs.items()]
    step.summary(
        f"### 🏗️ {markdown.escape(deployed.name)}\n\n"
        f"{len(deployed.resources)} resources in resource group {markdown.escape(group)}, {duration(deployed.seconds)}"
        + (f"; functions: {', '.join(map(markdown.code, functions))}" if functions else "")
        + "\n\n"
        + (markdown.table(["Output", "Value"], rows) if rows else "")
    )
