"""Access tokens: JSON Web Tokens that the emulator signs and every one of its services verifies."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any

from aml_emulator.http import Call, Principal, ServiceError
from aml_emulator.identity import Identity
from aml_emulator.pki import write_private

ML_AUDIENCES = ("https://ml.azure.local", "https://ml.azure.com")
"""Who the Machine Learning data plane is; the second is hard-coded in the SDK for endpoints of auth mode `aad_token`."""

STORAGE_AUDIENCE = "https://storage.azure.com"

TOKEN_SECONDS = 3599

_CLOCK_SKEW_SECONDS = 5


class TokenAuthority:
    """Issues and verifies the emulator's access tokens (JWT, RS256)."""

    def __init__(self, base_url: str, identity: Identity, key_file: Path) -> None:
        self.identity = identity
        self.arm_audience = base_url
        self.issuer = f"{base_url}/{identity.tenant_id}/"
        self.msi_endpoint = f"{base_url}/msi/token"
        self.msi_secret = identity.msi_secret
        if not key_file.exists():
            write_private(key_file, _new_key())
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        key = load_pem_private_key(key_file.read_bytes(), None)
        if not isinstance(key, RSAPrivateKey):
            raise TypeError(f"{key_file} does not hold an RSA key")
        self._key = key
        self._key_id = f"{key.public_key().public_numbers().n % (1 << 64):016x}"

    def audiences(self) -> tuple[str, ...]:
        """Every resource this tenant has."""
        return (self.arm_audience, *ML_AUDIENCES, STORAGE_AUDIENCE)

    def issue(self, audience: str, *, seconds: int = TOKEN_SECONDS) -> str:
        """A signed token of the service principal for one resource."""
        import jwt

        now = int(time.time())
        claims = {
            "aud": audience,
            "iss": self.issuer,
            "iat": now,
            "nbf": now,
            "exp": now + seconds,
            "appid": self.identity.client_id,
            "appidacr": "1",
            "idtyp": "app",
            "oid": self.identity.object_id,
            "sub": self.identity.object_id,
            "tid": self.identity.tenant_id,
            "uti": secrets.token_urlsafe(16),
            "ver": "1.0",
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self._key_id})

    def verify(self, token: str, audiences: tuple[str, ...]) -> Principal:
        """The signer of a token.

        Raises:
            ServiceError: 401 in ARM's words when the token is malformed, forged, expired or meant for somebody else.

        """
        import jwt

        try:
            claims = jwt.decode(
                token,
                self._key.public_key(),
                algorithms=["RS256"],
                leeway=_CLOCK_SKEW_SECONDS,
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
        import json

        from jwt.algorithms import RSAAlgorithm

        key = json.loads(RSAAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [{"kty": "RSA", "use": "sig", "kid": self._key_id, "n": key["n"], "e": key["e"]}]}


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


def _new_key() -> bytes:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
