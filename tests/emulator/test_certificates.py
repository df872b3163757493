"""Trust: the emulator's own certificate authority, and the bundle that adds it to the system's."""

from __future__ import annotations

import socket
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from support.emulator import RunningEmulator

from aml_emulator import pki


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_client_that_trusts_the_bundle_connects_by_address_and_by_name(emulator: RunningEmulator, name: str) -> None:
    """With the strictest verification, which is the default from Python 3.13 on."""
    context = ssl.create_default_context(cafile=emulator.env["REQUESTS_CA_BUNDLE"])
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    port = int(emulator.base_url.rsplit(":", 1)[-1])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=name) as encrypted,
    ):
        assert encrypted.version() in ("TLSv1.2", "TLSv1.3")


def test_a_client_without_the_bundle_does_not_connect(emulator: RunningEmulator) -> None:
    port = int(emulator.base_url.rsplit(":", 1)[-1])
    context = ssl.create_default_context()
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_it_listens_on_this_machine_only(emulator: RunningEmulator) -> None:
    ports = {int(url.rsplit(":", 1)[-1]) for url in (emulator.base_url, emulator.blob_url)}
    listening = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        address, state = line.split()[1], line.split()[3]
        host, port = address.split(":")
        if state == "0A" and int(port, 16) in ports:
            listening.add(host)
    assert listening == {"0100007F"}
    assert not any(
        line.split()[3] == "0A" and int(line.split()[1].split(":")[1], 16) in ports
        for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]
    )


def test_the_bundle_holds_the_systems_authorities_and_ours_once(tmp_path: Path) -> None:
    certificates = pki.ensure_certificates(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    system = pki.ensure_certificates(other).authority.read_text()
    bundle = tmp_path / "bundle.pem"
    pki.write_bundle(certificates, bundle, system + system + certificates.authority.read_text())
    found = x509.load_pem_x509_certificates(bundle.read_bytes())
    assert len(found) == 2


def test_started_in_a_shell_that_trusts_the_emulator_already_it_still_finds_the_systems_authorities(
    tmp_path: Path,
) -> None:
    own = tmp_path / "bundle.pem"
    own.write_text("ours")
    system = tmp_path / "system.pem"
    system.write_text("theirs")
    environment = {"REQUESTS_CA_BUNDLE": str(own), "SSL_CERT_FILE": str(system)}
    assert pki.system_authorities(environment, own) == "theirs"


def test_a_certificate_that_is_about_to_expire_is_renewed_and_the_authority_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = pki.ensure_certificates(tmp_path)
    authority, server = first.authority.read_bytes(), first.server.read_bytes()
    assert pki.ensure_certificates(tmp_path).server.read_bytes() == server
    monkeypatch.setattr(pki, "_RENEW_BEFORE", timedelta(days=1000))
    renewed = pki.ensure_certificates(tmp_path)
    assert renewed.authority.read_bytes() == authority
    assert renewed.server.read_bytes() != server
