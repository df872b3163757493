"""An RSA key that signs JSON Web Tokens, kept in a file that only its owner may read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aml_emulator.pki import write_private

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

ALGORITHM = "RS256"
_BITS = 2048


class SigningKey:
    """Signs, and shows its public half. Made when its file is not there yet."""

    def __init__(self, file: Path) -> None:
        if not file.exists():
            write_private(file, new_key())
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        key = load_pem_private_key(file.read_bytes(), None)
        if not isinstance(key, RSAPrivateKey):
            raise TypeError(f"{file} does not hold an RSA key")
        self._key = key
        self.id = f"{key.public_key().public_numbers().n % (1 << 64):016x}"

    @property
    def public(self) -> RSAPublicKey:
        """What signatures are verified with."""
        return self._key.public_key()

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A token with these claims."""
        import jwt

        return jwt.encode(dict(claims), self._key, algorithm=ALGORITHM, headers={"kid": self.id})

    def key_set(self) -> dict[str, Any]:
        """The public half as a JSON Web Key Set."""
        from jwt.algorithms import RSAAlgorithm

        key = json.loads(RSAAlgorithm.to_jwk(self.public))
        return {"keys": [{"kty": "RSA", "use": "sig", "kid": self.id, "n": key["n"], "e": key["e"]}]}


def new_key() -> bytes:
    """A new private key as PEM text."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
