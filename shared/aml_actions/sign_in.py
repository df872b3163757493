"""Refused sign-ins: what a code of Microsoft Entra means and what to do (codes: Entra's reference of AADSTS error codes)."""

from __future__ import annotations

import re

from aml_actions.errors import ActionError

_AADSTS = re.compile(r"\bAADSTS(?P<number>\d{5,7})\b")
_TRACE = re.compile(r"(?:Trace|Correlation) ID: [0-9a-fA-F-]{36}")
_NO_AUTHORITY = re.compile(r"Unable to get authority configuration for (?P<authority>\S+?)\.?\s")
"""What MSAL says, without a code, when the tenant has no sign-in endpoint."""
_ANCHOR = "docs/troubleshooting.md#sign-in"

_WRONG_TENANT = (
    "the application does not exist in this tenant: clientId or tenantId is mistyped, or they are swapped",
    "compare with `az ad app show --id <clientId>` and `az account show --query tenantId`",
)
_WRONG_SECRET = (
    "the secret is wrong; often the id of the secret was stored instead of its value, or with a quote or line break",
    "`az ad app credential reset --id <clientId> --append --display-name github`, then store the new password as clientSecret",
)
_DISABLED = (
    "the application is disabled",
    "an administrator enables it: `az ad sp update --id <clientId> --set accountEnabled=true`",
)
_BLOCKED = (
    "a Conditional Access or security policy of the tenant blocks this sign-in",
    "a tenant administrator looks it up in the sign-in log of service principals; it cannot be solved in the workflow",
)
_NO_TENANT = (
    "there is no such tenant in this cloud",
    "correct tenantId; for a sovereign cloud set resourceManagerEndpointUrl too",
)
_EMPTY = (
    "a part of the credentials is empty or has spaces or quotes around it",
    "store the JSON anew, exactly as az printed it",
)
_TRANSIENT = ("Microsoft Entra is busy or had a short failure", "run the job again")
_CLOCK = ("the clock of the runner is wrong or the assertion is too old", "check the time of the runner (NTP)")

_CODES: dict[int, tuple[str, str]] = {
    700016: _WRONG_TENANT,
    700011: _WRONG_TENANT,
    7000229: ("the application has no service principal in this tenant", "`az ad sp create --id <clientId>`"),
    7000112: _DISABLED,
    70001: _DISABLED,
    7000215: _WRONG_SECRET,
    70002: _WRONG_SECRET,
    7000222: (
        "the secret has expired",
        "`az ad app credential reset --id <clientId> --append`, then store the new password; "
        "`az ad app credential list --id <clientId> -o table` shows the end dates",
    ),
    7000218: _EMPTY,
    700025: ("the application is a public client", "use an application that may have a secret"),
    90002: _NO_TENANT,
    900023: _NO_TENANT,
    900021: _NO_TENANT,
    90014: _EMPTY,
    900144: _EMPTY,
    9002313: _EMPTY,
    900382: (
        "the account belongs to another cloud",
        "set resourceManagerEndpointUrl and activeDirectoryEndpointUrl of that cloud",
    ),
    90038: (
        "the account belongs to another cloud",
        "set resourceManagerEndpointUrl and activeDirectoryEndpointUrl of that cloud",
    ),
    500011: (
        "the tenant does not know the service that is asked for",
        "`az provider register --namespace Microsoft.MachineLearningServices --wait`",
    ),
    53003: _BLOCKED,
    530032: _BLOCKED,
    530035: _BLOCKED,
    700024: _CLOCK,
    50012: _CLOCK,
    90033: _TRANSIENT,
    90006: _TRANSIENT,
    90012: _TRANSIENT,
    90024: _TRANSIENT,
    50196: _TRANSIENT,
    90055: _TRANSIENT,
}


def entra_number(message: str) -> int | None:
    """Return the number of the AADSTS code in a message."""
    match = _AADSTS.search(message)
    return int(match["number"]) if match else None


def refusal_text(message: str) -> str:
    """Return what Microsoft Entra said, from its code to the ids for its support."""
    match = _AADSTS.search(message)
    start = match.start() if match else 0
    return re.split(r"\s*(?:Trace ID|Correlation ID|Timestamp):", message[start:], maxsplit=1)[0].strip()


def support_ids(message: str) -> str:
    """Return the ids by which Azure's support finds a refused sign-in."""
    return ", ".join(dict.fromkeys(_TRACE.findall(message)))


def explain_sign_in(message: str) -> ActionError | None:
    """Return the clear error for a refused sign-in, None when the message is not about one."""
    number = entra_number(message)
    unknown = _NO_AUTHORITY.search(message)
    if number is None and unknown:
        cause, fix = _NO_TENANT
        what = "Azure refused the sign-in of the service principal."
        return ActionError(what, value=unknown["authority"], cause=cause, fix=fix, anchor=_ANCHOR)
    if number is None:
        return None
    cause, fix = _CODES.get(number, ("", ""))
    first = refusal_text(message)
    ids = support_ids(message)
    return ActionError(
        f"Azure refused the sign-in of the service principal (AADSTS{number}).",
        value=first.splitlines()[0] if first else None,
        cause=cause or None,
        fix=fix or f"look the code up: https://login.microsoftonline.com/error?code={number}",
        anchor=_ANCHOR,
        details=f"For Azure's support: {ids}" if ids else None,
    )
