"""From an exception of the Azure SDKs to one clear error."""

from __future__ import annotations

import re
from typing import Any

from aml_actions.errors import ActionError
from aml_actions.markdown import fence
from aml_actions.roles import explain_refusal
from aml_actions.service_error import ServiceError
from aml_actions.sign_in import explain_sign_in

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LOCK = re.compile(
    r"cannot perform (?P<operation>\w+) operation because following scope\(s\) are locked: '(?P<scope>[^']+)'"
)
_BUSY = re.compile(r"because it is in (?P<state>\w+) provisioning state")
_PRIVATE = re.compile(
    r"private link configuration|public (?:network )?access is (?:disabled|not allowed)", re.IGNORECASE
)
_SIZE = re.compile(r"(?P<size>\S+) is not supported in region (?P<region>\w+)")
_PROVIDER = re.compile(
    r"not registered to use namespace '?(?P<namespace>[\w.]+)'?|MissingSubscriptionRegistration|NoRegisteredProviderFound"
)
_NAMESPACE = "Microsoft.MachineLearningServices"
_LONGEST = 2000
"""Characters of a service's message that go into an annotation; the rest is in the summary."""


def explain(error: BaseException, doing: str | None = None) -> ActionError | None:
    """Return the clear error for an exception of azure-core, azure-identity or azure-ai-ml.

    Args:
        error: the exception.
        doing: what the step was about, such as ``creating compute cpu-cluster``; it becomes part of the sentence.

    Returns:
        None for an exception that is none of theirs: it is a defect, not an answer of Azure.
    """
    if isinstance(error, ActionError):
        return error
    names = {cls.__name__ for cls in type(error).__mro__ if cls.__module__.startswith("azure.")}
    while_doing = f" while {doing}" if doing else ""
    if {"ClientAuthenticationError", "CredentialUnavailableError"} & names and (refused := explain_sign_in(str(error))):
        return refused
    if "ClientAuthenticationError" in names and getattr(error, "response", None) is None:
        return _no_sign_in(str(error), while_doing)
    if "HttpResponseError" in names:
        return _explain_answer(ServiceError.from_exception(error), while_doing)
    if "ServiceRequestError" in names or "ServiceResponseError" in names:
        return _unreachable(error, while_doing)
    if "ClientAuthenticationError" in names or "CredentialUnavailableError" in names:
        return ActionError(
            f"The sign-in to Azure failed{while_doing}.",
            value=_short(str(error)),
            anchor="docs/troubleshooting.md#sign-in",
        )
    if "MlException" in names or "AzureError" in names:
        return _sdk_refusal(error, while_doing)
    return None


def explain_answer(answer: ServiceError, doing: str | None = None) -> ActionError:
    """Return the clear error for an error body that came without an exception (a job's error, a failed long-running operation)."""
    return _explain_answer(answer, f" while {doing}" if doing else "")


def _explain_answer(answer: ServiceError, while_doing: str) -> ActionError:
    # An operation that failed later is told by a status of 200: it says nothing.
    status = str(answer.status) if answer.status and answer.status >= 400 else ""
    label = " ".join(part for part in (status, answer.code) if part) or "no code"
    cause, fix, anchor = _advice(answer)
    return ActionError(
        f"Azure refused{while_doing} ({label}).",
        value=_short(answer.message) or None,
        cause=cause,
        fix=fix,
        anchor=anchor,
        details=_details(answer),
    )


def _advice(answer: ServiceError) -> tuple[str | None, str | None, str | None]:
    """Return likely cause, fix and documentation anchor."""
    text, status = answer.text, answer.status
    docs = "docs/troubleshooting.md"
    if provider := _PROVIDER.search(f"{answer.code} {text}"):
        namespace = provider["namespace"] or _NAMESPACE
        return (
            f"the subscription never used {namespace}",
            f"`az provider register --namespace {namespace} --wait`",
            f"{docs}#provider-not-registered",
        )
    if size := _SIZE.search(text):
        return (
            f"{size['region']} does not offer machines of the size {size['size']}",
            f"choose another size: `az ml compute list-sizes --location {size['region']}`",
            f"{docs}#compute-failed",
        )
    if _PRIVATE.search(text):
        return (
            "the workspace or its storage accepts no calls from outside its network",
            "use a self-hosted runner inside the network, or allow public access to the workspace",
            f"{docs}#private-network",
        )
    if lock := _LOCK.search(text):
        return f"a lock on {lock['scope']} forbids {lock['operation']}", "`az lock list` shows it", f"{docs}#lock"
    if answer.code == "RequestDisallowedByPolicy":
        return (
            "an Azure Policy forbids it",
            "`az policy assignment list` shows the policy that the message names",
            f"{docs}#policy",
        )
    if status == 401:
        return (
            "the token is expired or belongs to another tenant or cloud",
            "compare tenantId with `az account show`",
            f"{docs}#sign-in",
        )
    if status == 403:
        refusal = explain_refusal(text)
        note = "a role that was granted a moment ago needs some minutes to count"
        if refusal:
            return f"{refusal[0]}, or it does not exist; {note}", f"`{refusal[1]}`", f"{docs}#azure-roles"
        return (
            f"the service principal lacks a role; {note}",
            "see the permissions table in the action's README",
            f"{docs}#azure-roles",
        )
    if status == 404:
        return (
            "the name is mistyped, it lies in another subscription or resource group, or it was deleted",
            None,
            f"{docs}#not-found",
        )
    if status == 409 or _BUSY.search(text):
        return (
            "another operation on it is still running",
            "wait until it has ended and run the job again",
            f"{docs}#conflict",
        )
    if status == 429:
        after = f" after {answer.retry_after:.0f} s" if answer.retry_after else " later"
        return (
            "too many requests, or a quota is used up",
            f"run the job again{after}; quotas: `az ml compute list-usage`",
            f"{docs}#throttled",
        )
    if status >= 500:
        return (
            "a failure inside Azure",
            "run the job again; the state of Azure: https://azure.status.microsoft",
            f"{docs}#service-failure",
        )
    return None, None, None


def _details(answer: ServiceError) -> str | None:
    lines = []
    if len(answer.codes) > 1:
        lines.append("codes: " + " > ".join(answer.codes))
    if answer.target:
        lines.append(f"target: {answer.target}")
    lines += [f"- {detail}" for detail in answer.details]
    if len(answer.message) > _LONGEST:
        lines.append(answer.message)
    if answer.correlation:
        lines.append(f"for Azure's support: {answer.correlation}")
    return fence("\n".join(lines)) if lines else None


def _no_sign_in(text: str, while_doing: str) -> ActionError:
    """Azure was not asked: Microsoft Entra gave no token, and did not say no either."""
    status = re.search(r"HTTP Error: (?P<status>\d{3})", text)
    if status and (status["status"] == "429" or status["status"] >= "500"):
        cause = f"Microsoft Entra ID answers with {status['status']}: an incident, or too many sign-ins at once"
        fix = "run the job again in some minutes; the state of Azure: https://azure.status.microsoft"
    else:
        cause, fix = _network(text)
    return ActionError(
        f"The sign-in to Azure failed{while_doing}.",
        value=_short(text),
        cause=cause,
        fix=fix,
        anchor="docs/troubleshooting.md#sign-in",
    )


def _network(text: str) -> tuple[str, str]:
    """Return cause and fix of a connection that failed."""
    if "CERTIFICATE_VERIFY_FAILED" in text or "SSLError" in text:
        return (
            "the TLS certificate is not trusted: a proxy that inspects TLS, or a private certificate authority",
            "set REQUESTS_CA_BUNDLE in the job to a file with the system's certificates and that authority's",
        )
    if re.search(r"name or service not known|name resolution|getaddrinfo|nodename", text, re.IGNORECASE):
        return "the host name does not resolve", "check the endpoints in azure_credentials and the DNS of the runner"
    if "refused" in text.lower():
        return (
            "nothing listens at that address",
            "check the endpoints in azure_credentials; a local service must be running",
        )
    return "the network of the runner, a proxy or a firewall", "check HTTPS_PROXY and NO_PROXY, then run the job again"


def _unreachable(error: BaseException, while_doing: str) -> ActionError:
    text = str(error)
    cause, fix = _network(text)
    return ActionError(
        f"Azure could not be reached{while_doing}.",
        value=_short(text),
        cause=cause,
        fix=fix,
        anchor="docs/troubleshooting.md#network",
    )


def _sdk_refusal(error: Any, while_doing: str) -> ActionError:  # noqa: ANN401 - azure.ai.ml.exceptions.MlException
    """The SDK itself said no, before or after asking Azure; its messages are coloured for a terminal."""
    message = _ANSI.sub("", str(getattr(error, "message", None) or error)).strip()
    first, _, rest = message.partition("\n")
    return ActionError(
        f"The Azure ML SDK refused{while_doing} ({type(error).__name__}).",
        value=_short(first),
        details=fence(message) if rest.strip() else None,
    )


def _short(text: str) -> str:
    clean = _ANSI.sub("", text).strip()
    return clean if len(clean) <= _LONGEST else clean[:_LONGEST] + "..."
