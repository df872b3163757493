"""What the steps of a run see of this machine: the settings that belong to the machine, none that belong to a shell."""

from collections.abc import Mapping
from pathlib import Path

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_AUTHORITIES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
_PACKAGE_TOOLS = ("PIP_", "UV_")
_PACKAGE_SETTINGS = {
    "PIP_CONFIG_FILE": (".config/pip/pip.conf", ".pip/pip.conf"),
    "UV_CONFIG_FILE": (".config/uv/uv.toml",),
}
"""A run has a HOME of its own, so the user's package mirrors have to be named."""


def machine_environment(environ: Mapping[str, str], **more: str) -> dict[str, str]:
    """Give the environment for the steps of a run, out of the user's: PATH, proxies, authorities, package mirrors.

    `more` is added, and wins. Addresses of this machine are never asked through a proxy.
    """
    found = {"PATH": environ.get("PATH", "")}
    for name, value in environ.items():
        if name.upper() in _PROXIES or name in _AUTHORITIES or name.startswith(_PACKAGE_TOOLS):
            found[name] = value
    home = Path(environ.get("HOME") or "/nonexistent")
    for name, places in _PACKAGE_SETTINGS.items():
        existing = [home / place for place in places if (home / place).is_file()]
        if existing and name not in found:
            found[name] = str(existing[0])
    if any(name.upper() in _PROXIES for name in found):
        direct = found.get("NO_PROXY") or found.get("no_proxy") or ""
        found["NO_PROXY"] = found["no_proxy"] = ",".join(filter(None, (direct, "127.0.0.1,localhost")))
    return {**found, **more}
