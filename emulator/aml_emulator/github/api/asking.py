"""Who asks the REST API, told by the Authorization header: nobody, a token, or an App with a JSON Web Token of its own."""

from __future__ import annotations

import base64
import binascii
import time
from typing import TYPE_CHECKING, Any

from aml_emulator.github.api.errors import ApiError
from aml_emulator.github.credentials import App, Credentials, Grant
from aml_emulator.github.rate_limits import ANONYMOUS, INSTALLATION, PERSONAL, RUN

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_SECONDS = 600
"""How far ahead an App's token may expire."""
_SKEW_SECONDS = 60
"""How far the clock of an App may be ahead."""
_LIMITS = {"personal": PERSONAL, "installation": INSTALLATION, "run": RUN}
_APPS_PAGE = "apps/apps"


def grant_of(credentials: Credentials, headers: Mapping[str, str]) -> Grant | None:
    """What the token of a request is good for; None for a request without one.

    Raises:
        ApiError: 401 for a token that is none (any more).

    """
    token = _token(headers)
    if not token:
        return None
    found = credentials.grant(token)
    if found is None:
        raise ApiError(401, "Bad credentials")
    return found


def app_of(credentials: Credentials, headers: Mapping[str, str]) -> App:
    """The App that signed a request.

    Raises:
        ApiError: 401 for what is no token of an App, is expired or lives too long; 404 when there is no such App.

    """
    import jwt

    token = _token(headers)
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError:
        raise _undecodable() from None
    _check_times(claims)
    issuer = claims.get("iss")
    if isinstance(issuer, bool) or not isinstance(issuer, int | str) or not str(issuer):
        raise _refused("'Issuer' claim ('iss') must be the id or the client id of the App")
    found = credentials.app(str(issuer))
    if found is None:
        raise ApiError(404, "Integration not found", page=_APPS_PAGE)
    if header.get("alg") != "RS256":
        raise _undecodable()
    try:
        jwt.decode(
            token,
            found.public_key,
            algorithms=["RS256"],
            options={
                "verify_exp": False,  # these were looked at above, in GitHub's words
                "verify_iat": False,
                "verify_nbf": False,
                "verify_aud": False,
                "verify_iss": False,
                "verify_sub": False,
                "verify_jti": False,
            },
        )
    except jwt.InvalidTokenError:
        raise _undecodable() from None
    return found


def budget_of(grant: Grant | None) -> tuple[str, int]:
    """Which rate limit a request counts against, and how many requests an hour that allows."""
    return ("nobody", ANONYMOUS) if grant is None else (grant.budget, _LIMITS[grant.kind])


def _check_times(claims: Mapping[str, Any]) -> None:
    now = time.time()
    issued, expires = _number(claims.get("iat")), _number(claims.get("exp"))
    if issued is None or issued > now + _SKEW_SECONDS:
        raise _refused(
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
        )
    if expires is None or expires <= now:
        raise _refused(
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
        )
    if expires > now + _LONGEST_SECONDS or expires - issued > _LONGEST_SECONDS + _SKEW_SECONDS:
        raise _refused("'Expiration time' claim ('exp') is too far in the future")


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _token(headers: Mapping[str, str]) -> str:
    """Of `Bearer TOKEN`, `token TOKEN`, or the password of `Basic`."""
    scheme, _, value = headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() in ("bearer", "token"):
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            raise ApiError(401, "Bad credentials") from None
    if scheme:
        raise ApiError(401, "Bad credentials")
    return ""


def _undecodable() -> ApiError:
    return _refused("A JSON web token could not be decoded")


def _refused(message: str) -> ApiError:
    return ApiError(401, message, page=_APPS_PAGE)
