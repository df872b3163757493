"""Why a deployment failed: from the service's error and the containers' logs to one clear error.

Codes, causes and fixes follow Microsoft's guide for troubleshooting online endpoints.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from aml_actions.azure_errors import explain_answer
from aml_actions.errors import ActionError
from aml_actions.markdown import details, fence
from aml_actions.service_error import ServiceError
from aml_deploy.deployment_logs import DeploymentLogs
from aml_deploy.sources import Sources

ANCHOR = "docs/troubleshooting.md#deployment-failed"
_QUOTA = re.compile(
    r"Not enough quota available for (?P<sku>\S+) .*?usage/limit: (?P<used>\d+)/(?P<limit>\d+)\. "
    r"Additional needed: (?P<need>\d+)"
)
_ANNOTATED, _SUMMARISED = 8, 80
"""Lines of the log in the annotation and in the job summary."""


@dataclass(frozen=True)
class Advice:
    """What is known of an error code."""

    cause: str
    fix: str


class DeploymentFailed(ActionError):
    """A deployment that Azure could not make.

    Attributes:
        excerpt: lines of the log; in the annotation as they are, in the summary within `details`.
    """

    def __init__(self, what: str, *, excerpt: str, **parts: Any) -> None:  # noqa: ANN401 - parts of an ActionError
        super().__init__(what, **parts)
        self.excerpt = excerpt

    def __str__(self) -> str:
        return super().__str__() + (f"\nFrom the log:\n{self.excerpt}" if self.excerpt else "")


_ADVICE = {
    "ImageBuildFailure": Advice(
        "the image could not be built from the base image and the conda file",
        "read the image build log that the message names; check versions and channels in the conda file",
    ),
    "OutOfQuota": Advice(
        "the subscription has not enough cores, disk or memory of that size of machine",
        "choose a smaller instance_type, or ask for quota; many sizes need 20 % more than instance_count says, rounded up",
    ),
    "BadArgument": Advice(
        "the model, the image or the storage cannot be read by the identity of the endpoint",
        "check that model and image exist, and that the endpoint's identity has AcrPull and Storage Blob Data Reader",
    ),
    "ResourceNotReady": Advice(
        "the container ended or did not become healthy in time",
        "run the entry script locally: `azmlinfsrv --entry_script score.py`; if it needs long to start, set "
        "initial_delay_seconds; if it needs more memory, set instance_type",
    ),
    "ResourceNotFound": Advice(
        "storage, registry or model of the workspace was deleted",
        "`az ml workspace diagnose` names what is missing",
    ),
    "SecretsInjectionError": Advice(
        "the endpoint's identity cannot read a connection or a key vault",
        "grant it Azure Machine Learning Workspace Connection Secrets Reader",
    ),
    "SubscriptionNotRegistered": Advice(
        "a resource provider that endpoints use is not registered in the subscription",
        "`az provider register` for Microsoft.Cdn, Microsoft.PolicyInsights, Microsoft.Network and Microsoft.Compute",
    ),
    "WorkspaceManagedNetworkNotReady": Advice(
        "the managed network of the workspace is not provisioned", "`az ml workspace provision-network`"
    ),
    "OperationCanceled": Advice(
        "another operation on the endpoint had priority",
        "run the job again, and give the jobs that deploy to one endpoint a common concurrency group",
    ),
    "InternalServerError": Advice("a failure inside Azure", "run the job again"),
}


def explain_failure(answer: ServiceError, logs: DeploymentLogs, deployment: str, sources: Sources) -> ActionError:
    """Return the error for a deployment that Azure could not make.

    Args:
        answer: the error of the long-running operation, or of the refused request.
        logs: of both containers; empty when there never were any.
        deployment: its name.
        sources: what was deployed.
    """
    generic = explain_answer(answer)
    code, advice = _known(answer)
    cause, fix = (advice.cause, advice.fix) if advice else (generic.cause, generic.fix)
    if quota := _QUOTA.search(answer.text):
        cause = (
            f"{quota['used']} of {quota['limit']} cores of {quota['sku']} are in use, {quota['need']} more are needed"
        )
    exception = logs.exception()
    file = line = None
    if exception and sources.code and (not advice or code == "ResourceNotReady"):
        script = sources.code.entry_script
        file, line = sources.code.shown_entry_script, logs.script_line(script)
        cause = f"the entry script stopped: {exception} ({script}{f', line {line}' if line else ''})"
        if "ModuleNotFoundError" in exception or "ImportError" in exception:
            fix = f"add the package to {sources.code.conda_file.name}, or the file to {sources.code.directory.name}/"
    elif phase := logs.failed_phase():
        cause = f"{cause or 'unknown'} (phase {phase})"
    return DeploymentFailed(
        f"Deployment {deployment} failed{f' ({code})' if code else ''}.",
        value=generic.value,
        cause=cause,
        fix=fix,
        anchor=ANCHOR,
        details="\n".join(part for part in (generic.details, sections(logs)) if part) or None,
        file=file,
        line=line,
        excerpt=logs.excerpt(_ANNOTATED),
    )


def sections(logs: DeploymentLogs) -> str:
    """Return the end of both logs for the job summary."""
    return "\n".join(
        details(f"Log of the {title} (last lines)", fence("\n".join(text.splitlines()[-_SUMMARISED:])))
        for title, text in logs.shown()
    )


def _known(answer: ServiceError) -> tuple[str, Advice | None]:
    """Return the code that says most, and what is known of it.

    The front end wraps the code of the inferencing service: it may stand deeper, or only in the text of a detail.
    """
    for code in reversed(answer.codes):
        if code in _ADVICE:
            return code, _ADVICE[code]
    for code, advice in _ADVICE.items():
        if re.search(rf"\b{code}\b", answer.text):
            return code, advice
    if "Not enough quota" in answer.text:
        return "OutOfQuota", _ADVICE["OutOfQuota"]
    return answer.code, None
