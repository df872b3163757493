"""Tokens of others in place of a client secret: what Entra verifies of a `client_assertion`, and how it refuses one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from aml_emulator.entra_errors import EntraError
from aml_emulator.signing_key import ALGORITHM

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.federation import Client

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_CHECK = "Check your federated identity credential Subject, Audience and Issuer against the presented assertion."
_PAGE = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LATEST = 253402300799
"""Last second of the year 9999."""


def verify(emulator: Emulator, client: Client, form: Mapping[str, str]) -> None:
    """Take the assertion of a token request for one of the client's federated credentials.

    Args:
        emulator: its GitHub is the one issuer whose keys are known here.
        client: who wants to sign in.
        form: the request, with `client_assertion`.

    Raises:
        EntraError: 400 for a malformed request, 401 for an assertion that is not taken.

    """
    if not form.get("client_assertion_type"):
        raise EntraError(
            400,
            "invalid_request",
            900144,
            "The request body must contain the following parameter: 'client_assertion_type'.",
        )
    if form["client_assertion_type"] != ASSERTION_TYPE:
        raise EntraError(400, "invalid_request", 9002313, "Invalid request. Request is malformed or invalid.")
    claims = _claims(form["client_assertion"])
    _match(client, claims)
    _check_signature(emulator, form["client_assertion"], claims)
    _check_times(claims)


def _claims(assertion: str) -> dict[str, Any]:
    import jwt

    try:
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        claims = {}
    if not all(isinstance(claims.get(name), str) and claims[name] for name in ("iss", "sub")) or not claims.get("aud"):
        raise EntraError(401, "invalid_client", 50027, "JWT token is invalid or malformed.")
    return dict(claims)


def _match(client: Client, claims: Mapping[str, Any]) -> None:
    """Entra compares issuer, then audience, then subject, each letter by letter."""
    if not client.credentials:
        raise _refused(70025, f"The client '{client.client_id}' has no configured federated identity credentials.")
    same = [one for one in client.credentials if one.issuer == claims["iss"]]
    if not same:
        raise _no_match(700211, f"issuer '{claims['iss']}'")
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    same = [one for one in same if one.audience in audiences]
    if not same:
        raise _no_match(700212, f"audience '{', '.join(map(str, audiences))}'")
    subject = claims["sub"]
    if any(one.subject == subject for one in same):
        return
    if any(one.subject.lower() == subject.lower() for one in same):
        raise _no_match(
            7002138,
            f"subject '{subject}'",
            "The subject matches with case-insensitive comparison, but not with case-sensitive comparison. ",
        )
    raise _no_match(700213, f"subject '{subject}'")


def _check_signature(emulator: Emulator, assertion: str, claims: Mapping[str, Any]) -> None:
    import jwt

    issuer = emulator.github.id_tokens
    if claims["iss"] != issuer.issuer:
        raise _refused(
            90061,
            f"Request to External OIDC endpoint failed. The emulator asks no issuer but its own GitHub, {issuer.issuer}, for keys.",
        )
    try:
        if jwt.get_unverified_header(assertion).get("kid") != issuer.key.id:
            raise _refused(50013, "Assertion failed signature validation. [Reason - The key was not found.]")
        jwt.decode(
            assertion,
            issuer.key.public,
            algorithms=[ALGORITHM],
            options={"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
    except jwt.InvalidTokenError:
        raise _refused(
            50013,
            "Assertion failed signature validation. "
            "[Reason - The provided signature value did not match the expected signature value.]",
        ) from None


def _check_times(claims: Mapping[str, Any]) -> None:
    now = datetime.now(timezone.utc)
    begins, ends = _moment(claims.get("nbf", 0)), _moment(claims.get("exp", 0))
    # GitHub's clock and Entra's are one here, but a time in a token has no fraction of a second.
    if begins > now + timedelta(seconds=1) or ends <= now:
        raise _refused(
            700024,
            f"Client assertion is not within its valid time range. Current time: {_written(now)}, assertion valid from "
            f"{_written(begins)}, expiry time of assertion {_written(ends)}. Review the documentation at "
            "https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
        )


def _moment(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST:
        raise EntraError(401, "invalid_client", 50027, "JWT token is invalid or malformed.")
    return _EPOCH + timedelta(seconds=value)


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def _no_match(number: int, what: str, more: str = "") -> EntraError:
    message = f"No matching federated identity record found for presented assertion {what}. {more}{_CHECK} {_PAGE}"
    return _refused(number, message)


def _refused(number: int, message: str) -> EntraError:
    return EntraError(401, "invalid_client", number, message)
