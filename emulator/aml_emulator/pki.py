"""The emulator's own certificate authority, the server's certificate, and the bundle that clients trust.

The extensions are those that `openssl verify -x509_strict` (and with it Python 3.13's default) asks for.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
    from cryptography.x509 import Certificate, CertificateBuilder, KeyUsage, Name

_CA_DAYS = 3650
_LEAF_DAYS = 820  # more than 825 days is refused by Apple's TLS
_RENEW_BEFORE = timedelta(days=30)
_PEM_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class Certificates:
    """Where the PEM files lie. `server` holds the leaf and the authority, so clients get the whole chain."""

    folder: Path

    @property
    def authority(self) -> Path:
        """Certificate of the authority."""
        return self.folder / "ca.pem"

    @property
    def authority_key(self) -> Path:
        """Private key of the authority."""
        return self.folder / "ca.key"

    @property
    def server(self) -> Path:
        """Certificate chain of the server."""
        return self.folder / "server.pem"

    @property
    def server_key(self) -> Path:
        """Private key of the server."""
        return self.folder / "server.key"


def ensure_certificates(folder: Path) -> Certificates:
    """The certificates of an emulator: made at the first start; renewed before they expire, the authority as rarely as can be."""
    files = Certificates(folder)
    if not _usable(files.authority, files.authority_key):
        _make_authority(files)
        _make_server(files)
    elif not _usable(files.server, files.server_key):
        _make_server(files)
    return files


def write_bundle(certificates: Certificates, bundle: Path, system: str) -> None:
    """Write the system's authorities and ours into one file (REQUESTS_CA_BUNDLE replaces, it does not add)."""
    ours = certificates.authority.read_text().strip()
    blocks = [block for block in _PEM_BLOCK.findall(system) if block != ours]
    partial = bundle.with_suffix(".partial")
    partial.write_text("\n".join([*dict.fromkeys(blocks), ours, ""]))
    partial.replace(bundle)


def system_authorities(environment: Mapping[str, str], own_bundle: Path) -> str:
    """The certificate authorities that `requests` would trust here without us, as PEM text.

    Looks at REQUESTS_CA_BUNDLE, SSL_CERT_FILE, OpenSSL's default file, then `certifi`. Our own bundle does not count: somebody
    may start the emulator in a shell that already has its variables.
    """
    candidates = [environment.get("REQUESTS_CA_BUNDLE"), environment.get("SSL_CERT_FILE")]
    candidates.append(ssl.get_default_verify_paths().cafile)
    for candidate in candidates:
        if candidate and Path(candidate).is_file() and Path(candidate).resolve() != own_bundle.resolve():
            return Path(candidate).read_text()
    try:
        import certifi
    except ImportError:
        return ""
    return Path(certifi.where()).read_text()


def _usable(certificate: Path, key: Path) -> bool:
    from cryptography import x509

    if not (certificate.exists() and key.exists()):
        return False
    expires = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    return expires - datetime.now(timezone.utc) > _RENEW_BEFORE


def _make_authority(files: Certificates) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("aml-emulator local certificate authority")
    certificate = (
        _builder(name, name, key.public_key(), key.public_key(), _CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(certificate_signing=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write_key(files.authority_key, key)
    files.authority.write_bytes(_pem(certificate))


def _make_server(files: Certificates) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
    authority_key = serialization.load_pem_private_key(files.authority_key.read_bytes(), None)
    if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{files.authority_key} does not hold an elliptic curve key")
    key = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
        x509.DNSName("localhost"),
    ]
    certificate = (
        _builder(_name("aml-emulator"), authority.subject, key.public_key(), authority_key.public_key(), _LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(certificate_signing=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    _write_key(files.server_key, key)
    files.server.write_bytes(_pem(certificate) + _pem(authority))


def _name(common_name: str) -> Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: Name, issuer: Name, key: EllipticCurvePublicKey, issuer_key: EllipticCurvePublicKey, days: int
) -> CertificateBuilder:
    from cryptography import x509

    now = datetime.now(timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _usage(*, certificate_signing: bool) -> KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificate_signing,
        crl_sign=certificate_signing,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def _write_key(path: Path, key: EllipticCurvePrivateKey) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    write_private(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, from its first byte on."""
    partial = path.with_suffix(path.suffix + ".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    partial.replace(path)
