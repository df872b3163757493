"""`aml-emulator github`: what is hosted, where secrets go, and what a restart leaves."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import github
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from emulator.github.api.conftest import Hosted, pem
from emulator.github.conftest import commit, git
from support.emulator import command, sign_in, start, stop


def everything_written(state: Path) -> bytes:
    """Every log and record of an emulator, but for its database, which must hold the secrets."""
    files = [file for file in state.rglob("*") if file.is_file() and not file.name.startswith("state.sqlite3")]
    return b"".join(file.read_bytes() for file in files if "environments" not in file.parts)


def answers(hosted: Hosted, paths: list[str]) -> str:
    """What the emulator says about a repository, to its owner."""
    token = sign_in(hosted.emulator).json()["access_token"]
    found = [
        requests.get(
            f"{hosted.emulator.base_url}{path}",
            headers={"Authorization": f"Bearer {token}"},
            verify=hosted.bundle,
            timeout=60,
        )
        for path in paths
    ]
    assert [one.status_code for one in found] == [200] * len(paths)
    return "".join(one.text for one in found)


def test_secrets_reach_workflows_and_nothing_else(make_hosted: Callable[..., Hosted], tmp_path: Path) -> None:
    words = [f"hush-{uuid.uuid4().hex}" for _ in range(4)]
    workflow = """
name: Compare
on: repository_dispatch
jobs:
  only:
    runs-on: ubuntu-latest
    env: {FIRST: "${{ secrets.FIRST }}", SECOND: "${{ secrets.SECOND }}", GREETING: "${{ vars.GREETING }}"}
    steps:
      - run: test "${#FIRST}-${#SECOND}-$GREETING" = 37-37-hello && echo "they are $FIRST $SECOND"
"""
    hosted = make_hosted("--secret", f"FIRST={words[0]}", files={".github/workflows/compare.yml": workflow})
    state = hosted.emulator.state
    for arguments, env in (
        (("add", hosted.full_name, str(hosted.root), "--secret", "SECOND"), {"SECOND": words[1]}),
        (("secret", hosted.full_name, "THIRD", "--value", words[2]), {}),
        (("variable", hosted.full_name, "GREETING", "hello"), {}),
    ):
        done = command("github", *arguments, state=state, env=env)
        assert (done.returncode, done.stderr) == (0, "")
    piped = subprocess.run(
        [sys.executable, "-m", "aml_emulator", "github", "secret", hosted.full_name, "FOURTH", "--state", str(state)],
        input=f"{words[3]}\n",
        text=True,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert piped.returncode == 0, piped.stderr
    token = hosted.token()
    assert hosted.ask("POST", "dispatches", token, json={"event_type": "go"}).status_code == 204
    hosted.run("dispatch", hosted.full_name, "go-again", "--wait")
    listed = json.loads(hosted.run("list", "--json"))
    (mine,) = [one for one in listed if one["full_name"] == hosted.full_name]
    assert mine["secrets"] == ["FIRST", "FOURTH", "SECOND", "THIRD"]
    assert mine["variables"] == {"GREETING": "hello"}
    runs = json.loads(f"[{','.join(hosted.run('runs', hosted.full_name, '--json').splitlines())}]")
    assert {one["conclusion"] for one in runs if one["status"] == "completed"} == {"success"}
    said = answers(
        hosted,
        [
            "/emulator/github/repositories",
            f"/emulator/github/repositories/{hosted.full_name}",
            "/emulator/github/runs",
            f"/github/{hosted.full_name}/actions/runs/{runs[-1]['id']}",
            "/github",
        ],
    )
    written = everything_written(state)
    assert hosted.full_name.encode() in written
    for word in (*words, token):
        assert word not in said
        assert word.encode() not in written
    assert token.encode() not in (state / "state.sqlite3").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("add", "nothing", "{root}"), "It has the form owner/name."),
        (("add", "a/b/c", "{root}"), "It has the form owner/name."),
        (("add", "con_toso/iris", "{root}"), "It has the form owner/name."),
        (("add", "contoso/iris", "{empty}"), "cannot be run as a repository"),
        (("add", "contoso/iris", "{root}", "--secret", "NOT_IN_THE_ENVIRONMENT"), "there is no environment variable"),
        (("add", "contoso/iris", "{root}", "--secret", "1A=x"), "is no name of a secret or variable"),
        (("add", "contoso/iris", "{root}", "--secret", "GITHUB_TOKEN=x"), "is no name of a secret or variable"),
        (("add", "contoso/iris", "{root}", "--secret", "EMPTY="), "The secret EMPTY is empty."),
        (("add", "contoso/iris", "{root}", "--variable", "A"), "does not have the form NAME=VALUE"),
        (("add", "contoso/iris", "{root}", "--actions", "{root}/nowhere"), "There is no folder"),
        (("token", "contoso/nowhere"), "There is no repository contoso/nowhere. Hosted are: "),
        (("token", "{name}", "--permission", "nonsense=read"), "There is no permission 'nonsense'"),
        (("token", "{name}", "--permission", "contents=all"), "one of the levels read, write, admin"),
        (("remove", "contoso/nowhere"), "There is no repository contoso/nowhere."),
        (("app", "{name}", "--public-key", "{root}/nowhere.pem"), "cannot read the file"),
    ],
)
def test_what_cannot_be_hosted_is_told(hosted: Hosted, tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "-q")
    filled = [one.format(root=hosted.root, empty=empty, name=hosted.full_name) for one in arguments]
    done = command("github", *filled, state=hosted.emulator.state)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_nobody_manages_repositories_without_a_token_for_azure(hosted: Hosted) -> None:
    for token in ("", hosted.token("administration=admin")):
        for method, path in (("GET", "repositories"), ("POST", "tokens"), ("POST", "faults"), ("DELETE", "faults")):
            answer = requests.request(
                method,
                f"{hosted.emulator.base_url}/emulator/github/{path}",
                headers={"Authorization": f"Bearer {token}"} if token else {},
                verify=hosted.bundle,
                timeout=60,
            )
            assert answer.status_code == 401


def test_actions_stand_behind_the_name_that_the_template_uses(hosted: Hosted, tmp_path: Path) -> None:
    hosted.run("add", hosted.full_name, str(hosted.root), "--actions", str(tmp_path))
    hosted.run("add", hosted.full_name, str(hosted.root), "--actions", f"other/actions@v2={tmp_path}")
    (mine,) = [one for one in json.loads(hosted.run("list", "--json")) if one["full_name"] == hosted.full_name]
    assert mine["actions"] == {"org/actions@v1": str(tmp_path), "other/actions@v2": str(tmp_path)}


def test_a_restart_keeps_repositories_tokens_and_apps_and_forgets_faults(
    tmp_path: Path, key: rsa.RSAPrivateKey
) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    commit(root, {"README.md": "a repository"})
    state = tmp_path / "state"
    try:
        first = Hosted(start(state), "contoso/iris", root)
        first.run("add", first.full_name, str(root))
        token, made = first.token(), first.app(key, tmp_path)
        issued = first.integration(made["app_id"], key).get_access_token(int(made["installation_id"])).token
        first.run("fault", "add", "--status", "500")
        stop(state)
        again = Hosted(start(state), "contoso/iris", root)
        assert again.run("fault", "list") == ""
        for one in (token, issued):
            client = again.client_of(github.Auth.Token(one))
            assert client.get_repo("contoso/iris").create_repository_dispatch("greet")
        installation = again.integration(made["client_id"], key).get_repo_installation("contoso", "iris")
        assert installation.id == made["installation_id"]
        assert again.app(key, tmp_path)["app_id"] == made["app_id"]
    finally:
        stop(state)


def test_the_function_s_own_client_dispatches(
    hosted: Hosted, key: rsa.RSAPrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the App's key as with a token: it finds the installation, gets a token for the one repository, dispatches."""
    root = Path(__file__).parents[4] / "infra" / "function"
    script = """
import json, os, sys, time
from bridge.credentials import AppCredentials, PersonalToken
from bridge.github_api import GitHubApi
from bridge.github_client import GitHubClient, Patience
from bridge.payload import Dispatch
given = json.load(sys.stdin)
api = GitHubApi(given["api"])
for credentials in (PersonalToken(given["token"]), AppCredentials(given["app"], given["key"], api)):
    client = GitHubClient(api, credentials, Patience())
    dispatch = Dispatch("nobody-knows", {"subject": "s"})
    print(client.dispatch(given["repository"], dispatch, "c", time.monotonic() + 20))
"""
    given = {
        "api": hosted.api,
        "token": hosted.token(),
        "app": str(hosted.app(key, tmp_path)["app_id"]),
        "key": pem(key),
        "repository": hosted.full_name,
    }
    hosted.run("fault", "add", "--status", "503", "--path", f"{hosted.full_name}/dispatches")
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(given),
        cwd=root,
        env=hosted.emulator.environment({"PYTHONPATH": str(root)}),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout.split() == ["2", "1"], done.stdout + done.stderr
