"""A repository that the running emulator hosts, and PyGithub as its client, over TLS."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import github
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from emulator.github.conftest import commit, git
from support.emulator import RunningEmulator, command

LISTENS = """
name: Greet
on:
  repository_dispatch:
    types: [greet]
  workflow_dispatch:
    inputs:
      who: {type: string, required: true}
jobs:
  only:
    name: The only job
    runs-on: ubuntu-latest
    steps:
      - name: Say it
        env:
          WHO: ${{ github.event.client_payload.who || inputs.who }}
        run: echo "hello $WHO"
"""
ON_PUSH = """
name: On push
on: push
jobs:
  only:
    runs-on: ubuntu-latest
    steps:
      - run: echo pushed
"""


@dataclass(frozen=True)
class Hosted:
    """A hosted repository, and what its user does with it on the command line."""

    emulator: RunningEmulator
    full_name: str
    root: Path

    @property
    def api(self) -> str:
        return f"{self.emulator.base_url}/github/api/v3"

    @property
    def bundle(self) -> str:
        return self.emulator.env["REQUESTS_CA_BUNDLE"]

    def run(self, *arguments: str) -> str:
        """The output of `aml-emulator github ...`, which succeeds."""
        done = command("github", *arguments, state=self.emulator.state)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def token(self, *permissions: str, repository: str = "") -> str:
        options = [part for one in permissions for part in ("--permission", one)]
        return self.run("token", repository or self.full_name, *options)

    def client(self, *permissions: str) -> github.Github:
        """PyGithub with a new token; it repeats nothing and waits for nothing."""
        return self.client_of(github.Auth.Token(self.token(*permissions)))

    def client_of(self, auth: github.Auth.Auth) -> github.Github:
        return github.Github(
            base_url=self.api,
            auth=auth,
            verify=self.bundle,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
        )

    def app(self, key: rsa.RSAPrivateKey, folder: Path, *more: str) -> dict[str, int | str]:
        file = folder / f"{uuid.uuid4().hex}.pem"
        file.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        found: dict[str, int | str] = json.loads(self.run("app", self.full_name, "--public-key", str(file), *more))
        return found

    def integration(self, app_id: int | str, key: rsa.RSAPrivateKey) -> github.GithubIntegration:
        return github.GithubIntegration(
            auth=github.Auth.AppAuth(app_id, pem(key)),
            base_url=self.api,
            verify=self.bundle,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
        )

    def ask(self, method: str, path: str, token: str = "", **more: object) -> requests.Response:
        """A request without PyGithub, of a path below the repository's or, with a slash in front, the API's."""
        address = f"{self.api}{path}" if path.startswith("/") else f"{self.api}/repos/{self.full_name}/{path}"
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= more.pop("headers", {})  # type: ignore[arg-type]
        return requests.request(method, address, headers=headers, verify=self.bundle, timeout=60, **more)  # type: ignore[arg-type]


def pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture(scope="session")
def key() -> rsa.RSAPrivateKey:
    """The private key of an App."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def make_hosted(emulator: RunningEmulator, tmp_path: Path) -> Callable[..., Hosted]:
    def make(*options: str, files: dict[str, str] | None = None, owner: str = "contoso") -> Hosted:
        name = f"iris-{uuid.uuid4().hex[:8]}"
        root = tmp_path / name
        root.mkdir()
        git(root, "init", "-q", "-b", "main")
        usual = {".github/workflows/greet.yml": LISTENS, ".github/workflows/push.yml": ON_PUSH}
        commit(root, usual if files is None else files)
        found = Hosted(emulator, f"{owner}/{name}", root)
        found.run("add", found.full_name, str(root), *options)
        return found

    return make


@pytest.fixture
def hosted(make_hosted: Callable[..., Hosted]) -> Iterator[Hosted]:
    """A hosted repository; the faults that a test asked for end with it."""
    found = make_hosted()
    yield found
    found.run("fault", "clear")
