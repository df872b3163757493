"""The steps of a run see what belongs to the machine, and nothing of the shell that started them."""

from pathlib import Path

from aml_emulator.github.machine import machine_environment


def test_path_mirrors_proxies_and_authorities_are_passed_on() -> None:
    given = {
        "PATH": "/bin",
        "HTTPS_PROXY": "http://proxy:3128",
        "UV_DEFAULT_INDEX": "https://mirror/packages",
        "PIP_INDEX_URL": "https://mirror/packages",
        "SSL_CERT_FILE": "/ca.pem",
        "AZURE_CLIENT_SECRET": "mine",
        "PYTHONPATH": "/mine",
        "GITHUB_TOKEN": "mine",
    }
    found = machine_environment(given)
    assert found.keys() - {"NO_PROXY", "no_proxy"} == {
        "PATH", "HTTPS_PROXY", "UV_DEFAULT_INDEX", "PIP_INDEX_URL", "SSL_CERT_FILE",
    }  # fmt: skip


def test_this_machine_is_never_asked_through_a_proxy() -> None:
    found = machine_environment({"PATH": "/bin", "https_proxy": "http://proxy:3128", "no_proxy": "intranet"})
    assert found["NO_PROXY"] == found["no_proxy"] == "intranet,127.0.0.1,localhost"
    assert "NO_PROXY" not in machine_environment({"PATH": "/bin"})


def test_a_mirror_in_the_home_of_the_user_is_named(tmp_path: Path) -> None:
    file = tmp_path / ".config" / "pip" / "pip.conf"
    file.parent.mkdir(parents=True)
    file.write_text("[global]\n")
    assert machine_environment({"PATH": "/bin", "HOME": str(tmp_path)})["PIP_CONFIG_FILE"] == str(file)
    chosen = {"PATH": "/bin", "HOME": str(tmp_path), "PIP_CONFIG_FILE": "/other"}
    assert machine_environment(chosen)["PIP_CONFIG_FILE"] == "/other"


def test_what_is_added_wins() -> None:
    assert machine_environment({"PATH": "/bin", "SSL_CERT_FILE": "/a"}, SSL_CERT_FILE="/b")["SSL_CERT_FILE"] == "/b"
