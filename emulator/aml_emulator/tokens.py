"""Access tokens: JSON Web Tokens that the emulator signs and every one of its services verifies."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any

from aml_emulator.http import Call, Principal, ServiceError
from aml_emulator.identity import Identity
from aml_emulator.signing_key import ALGORITHM, SigningKey

ML_AUDIENCES = ("https://ml.azure.local", "https://ml.azure.com")
"""Who the Machine Learning data plane is; the second is hard-coded in the SDK for endpoints of auth mode `aad_token`."""

STORAGE_AUDIENCE = "https://storage.azure.com"

TOKEN_SECONDS = 3599

CLOCK_SKEW_SECONDS = 5
"""How long a token is taken after its end: clocks differ."""


class TokenAuthority:
    """Issues and verifies the emulator's access tokens (JWT, RS256)."""

    def __init__(self, base_url: str, identity: Identity, key_file: Path) -> None:
        self.identity = identity
        self.arm_audience = base_url
        self.issuer = f"{base_url}/{identity.tenant_id}/"
        self.msi_endpoint = f"{base_url}/msi/token"
        self.msi_secret = identity.msi_secret
        self._key = SigningKey(key_file)

    def audiences(self) -> tuple[str, ...]:
        """Every resource this tenant has."""
        return (self.arm_audience, *ML_AUDIENCES, STORAGE_AUDIENCE)

    def issue(
        self, audience: str, *, seconds: int = TOKEN_SECONDS, client_id: str = "", object_id: str = "", kind: str = "1"
    ) -> str:
        """A signed token for one resource.

        Args:
            audience: the resource.
            seconds: how long it is good.
            client_id: whose it is; without it and `object_id`, the service principal's.
            object_id: of that principal.
            kind: how it signed in: "1" by a secret, "2" by an assertion (claim `appidacr`).

        """
        holder = object_id or self.identity.object_id
        now = int(time.time())
        claims = {
            "aud": audience,
            "iss": self.issuer,
            "iat": now,
            "nbf": now,
            "exp": now + seconds,
            "appid": client_id or self.identity.client_id,
            "appidacr": kind,
            "idtyp": "app",
            "oid": holder,
            "sub": holder,
            "tid": self.identity.tenant_id,
            "uti": secrets.token_urlsafe(16),
            "ver": "1.0",
        }
        return self._key.sign(claims)

    def verify(self, token: str, audiences: tuple[str, ...]) -> Principal:
        """The signer of a token.

        Raises:
            ServiceError: 401 in ARM's words when the token is malformed, forged, expired or meant for somebody else.

        """
        import jwt

        try:
            claims = jwt.decode(
                token,
                self._key.public,
                algorithms=[ALGORITHM],
                leeway=CLOCK_SKEW_SECONDS,
                options={"verify_aud": False, "require": ["exp", "aud", "oid", "appid", "tid"]},
            )
        except jwt.ExpiredSignatureError:
            raise unauthorized(
                "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time."
            ) from None
        except jwt.InvalidTokenError as error:
            raise unauthorized("InvalidAuthenticationToken", f"The access token is invalid: {error}") from None
        audience = str(claims["aud"]).rstrip("/")
        if audience not in audiences:
            allowed = "', '".join(audiences)
            raise unauthorized(
                "InvalidAuthenticationTokenAudience",
                f"The access token has been obtained for wrong audience or resource '{claims['aud']}'. "
                f"It should exactly match with one of the allowed audiences '{allowed}'.",
            )
        return Principal(claims["oid"], claims["appid"], claims["tid"], audience)

    def keys(self) -> dict[str, Any]:
        """The public signing key as a JSON Web Key Set."""
        return self._key.key_set()


def unauthorized(code: str, message: str) -> ServiceError:
    """ARM's 401."""
    return ServiceError(
        401, code, message, headers={"WWW-Authenticate": f'Bearer error="invalid_token", error_description="{code}"'}
    )


def bearer_token(call: Call) -> str:
    """The token of an `Authorization: Bearer` header.

    Raises:
        ServiceError: 401 when there is none.

    """
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthorized(
            "AuthenticationFailed",
            "Authentication failed. The 'Authorization' header is missing or not of type Bearer.",
        )
    return token.strip()
