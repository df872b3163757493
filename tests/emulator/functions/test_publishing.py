"""Code on its way to an app."""

from __future__ import annotations

import io
import json
import stat
import time
import zipfile
from pathlib import Path

import pytest
from emulator.functions.conftest import APP, REQUIREMENTS, package, zipped

from aml_emulator.functions import packages
from aml_emulator.functions.packages import PackageError, environment_of, unpack


def test_publishing_code(cloud) -> None:
    app = cloud.new()
    assert app.functions == {}
    found = app.publish(query="RemoteBuild=true&Deployer=somebody")
    assert (found["status"], found["complete"], found["deployer"], found["active"]) == (4, True, "somebody", True)
    assert found["id"] == app.scm("GET", "deployments/latest").body["id"]
    assert app.scm("GET", "deployments").body == [found]
    log = app.deployment_log()
    assert "Installing the packages of requirements.txt for Python 3.11" in log
    assert "Functions: take, hello, variables, owner, broken, nightly" in log
    (stored,) = cloud.parts.blobs.list(f"packages-{app.name}")
    assert stored.name == "released-package.zip"
    assert stored.read() == package()


def test_functions_as_arm_lists_them(published) -> None:
    found = published.functions
    assert [one["type"] for one in found["take"]["config"]["bindings"]] == ["eventGridTrigger"]
    assert found["take"]["invoke_url_template"] == ""
    assert found["hello"]["invoke_url_template"].endswith(f"/functions/{published.name}/api/hello/{{name:alpha?}}")
    assert published.cloud.call("GET", f"{published.id}/functions/take").body["properties"] == found["take"]


def test_new_code_takes_the_place_of_the_old(cloud) -> None:
    app = cloud.new()
    app.publish()
    app.publish(package(APP.replace('name="take"', 'name="grab"')))
    assert "grab" in app.functions
    assert "take" not in app.functions
    assert (app.deliver().status, app.deliver(function="grab").status) == (404, 202)
    newest, first = app.scm("GET", "deployments").body
    assert (newest["active"], first["active"]) == (True, False)


def test_old_code_goes(cloud) -> None:
    app = cloud.new()
    for number in range(4):
        app.publish(package(f"{APP}\n# {number}"))
    folder = cloud.parts.state.functions / app.name
    assert len(list((folder / "packages").iterdir())) == 2
    assert list(folder.glob("deployments/*/package.zip")) == []


def test_code_that_cannot_be_loaded_is_published_and_says_why(cloud) -> None:
    app = cloud.new()
    assert app.publish(package("import azure.functions\nimport not_there\n"))["status"] == 4
    assert "No module named 'not_there'" in app.deployment_log()
    assert "File " in app.log()
    assert app.functions == {}
    answer = app.deliver()
    assert answer.status == 503
    assert b"No module named 'not_there'" in answer.body
    assert app.ask("GET", "/api/hello").status == 503
    app.publish()
    assert app.deliver().status == 202


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"readme.txt": "x"}, "azure-functions is not installed"),
        ({"requirements.txt": REQUIREMENTS}, "no function_app.py at its root"),
        ({"function_app.py": "x = 1"}, "Could not find top level function app instances"),
        ({"function_app.py": f"{APP}\nother = func.FunctionApp()"}, "More than one FunctionApp"),
        ({"function_app.py": APP, "host.json": "{"}, "host.json is not JSON"),
        ({"function_app.py": APP, "host.json": '{"version": "1.0"}'}, '"version": "2.0"'),
        ({"function_app.py": APP.replace("hello/{name:alpha?}", "hello/{name:zip}")}, "the constraint 'zip'"),
        (
            {"function_app.py": APP.replace("def take(event:", "def take(other, event:")},
            "not in the function definition",
        ),
        ({"function_app.py": APP.replace('name="hello"', 'name="take"')}, "does not have a unique function name"),
        ({"function_app.py": "import azure.functions, sys; sys.exit(1)"}, "SystemExit: 1"),
    ],
)
def test_what_is_wrong_with_code(cloud, files: dict[str, str], words: str) -> None:
    app = cloud.new()
    complete = {"requirements.txt": REQUIREMENTS, **files} if "readme.txt" not in files else files
    assert app.publish(zipped(complete))["status"] == 4
    assert words in app.deployment_log()
    assert app.functions == {}


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (b"no archive", "not a zip archive"),
        (zipped({"../outside.py": "x"}), "'../outside.py', which is outside of it"),
        (zipped({"/etc/x": "x"}), "outside of it"),
        (package(requirements="-r other.txt\n"), "'-r other.txt', which names a file"),
        (package(requirements="azure-functions==0.0.0.1\n"), "azure-functions==0.0.0.1"),
        (package(requirements=f"azure-functions==1.26.0 --hash=sha256:{'0' * 64}\n"), "hash"),
        (package(requirements="not a requirement !\n"), "requirement"),
    ],
)
def test_packages_that_are_refused(cloud, archive: bytes, words: str) -> None:
    app = cloud.new()
    found = app.publish(archive)
    assert (found["status"], found["complete"], found["active"]) == (3, True, False)
    assert words.lower() in found["status_text"].lower()
    assert words.lower() in app.deployment_log().lower()
    assert app.functions == {}


def test_one_hash_makes_hashes_a_must(cloud) -> None:
    app = cloud.new()
    line = f"werkzeug==3.1.3 --hash=sha256:{'0' * 64}\nazure-functions==1.26.0\n"
    assert app.publish(package(requirements=line))["status"] == 3


def test_a_failed_package_leaves_the_code_before_it(cloud) -> None:
    app = cloud.new()
    app.publish()
    assert app.publish(b"no archive")["status"] == 3
    assert app.deliver().status == 202


def test_a_package_that_brings_its_packages(cloud) -> None:
    app = cloud.new()
    app.publish()  # builds an environment with azure-functions, whose packages are taken from there
    environment = json.loads(app.ask("GET", "/api/open").encoded())["VIRTUAL_ENV"]
    site = Path(environment) / "lib" / "python3.11" / "site-packages"
    files = {
        f".python_packages/lib/site-packages/{path.relative_to(site).as_posix()}": path.read_text()
        for top in ("azure", "werkzeug", "markupsafe")
        for path in (site / top).rglob("*.py")
    }
    built = cloud.new()
    found = built.publish(zipped({"function_app.py": APP, **files}), query="RemoteBuild=false")
    assert (found["status"], found["remoteBuild"]) == (4, False)
    assert built.deliver().status == 202


def test_without_a_remote_build_nothing_is_installed(cloud) -> None:
    app = cloud.new()
    assert app.publish(query="")["status"] == 4
    assert "RemoteBuild is off" in app.deployment_log()
    assert "publish with RemoteBuild=true" in app.deployment_log()
    assert app.functions == {}


def test_the_container_for_packages_must_be_there(cloud) -> None:
    app = cloud.new()
    cloud.parts.blobs.delete_container(f"packages-{app.name}")
    found = app.publish()
    assert found["status"] == 3
    assert "the specified container does not exist" in found["status_text"]


def test_who_may_publish(cloud) -> None:
    app = cloud.new()
    forged = cloud.parts.tokens.issue("https://storage.azure.com")
    for authorization in ("", "Bearer x", f"Bearer {forged}", "Basic dXNlcjpwYXNzd29yZA=="):
        refused = cloud.refused(lambda text=authorization: app.scm("POST", "publish", package(), authorization=text))
        assert refused.status == 401
    app.name += "-gone"
    assert cloud.refused(lambda: app.scm("POST", "publish", package())).status == 404


def test_requests_that_are_no_package(cloud) -> None:
    app = cloud.new()
    assert cloud.refused(lambda: app.scm("POST", "publish", b"")).status == 400
    text = {"content-type": "text/plain"}
    assert cloud.refused(lambda: app.scm("POST", "publish", package(), **text)).status == 415
    assert cloud.refused(lambda: app.scm("GET", "deployments/latest")).status == 404


def test_one_deployment_at_a_time(cloud) -> None:
    app = cloud.new()
    slow = "import time; time.sleep(1)\n" + APP
    assert app.scm("POST", "publish", package(slow), "RemoteBuild=true").status == 202
    assert app.scm("GET", "deployments/latest").status == 202
    assert cloud.refused(lambda: app.scm("POST", "publish", package())).status == 409
    deadline = time.monotonic() + 60
    while app.scm("GET", "deployments/latest").status == 202:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert app.publish()["status"] == 4


def test_a_python_that_this_machine_does_not_have(cloud) -> None:
    app = cloud.classic("3.99")
    found = app.publish()
    assert found["status"] == 3
    assert "Install Python 3.99, or name another version." in found["status_text"]


def test_links_in_a_package(tmp_path: Path) -> None:
    archive = tmp_path / "package.zip"
    with zipfile.ZipFile(archive, "w") as made:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/passwd")
    with pytest.raises(PackageError, match="a link or a device"):
        unpack(archive, tmp_path / "code")
    assert not (tmp_path / "code").exists()


def test_a_package_that_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MOST_BYTES", 1 << 20)
    archive = tmp_path / "package.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("zeros", bytes(3 << 20))
    with pytest.raises(PackageError, match="larger than 1 MiB"):
        unpack(archive, tmp_path / "code")
    assert not (tmp_path / "code").exists()


def test_files_keep_their_modes(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, mode in (("run.sh", 0o755), ("data/plain.txt", 0o600)):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            made.writestr(entry, "x")
    archive = tmp_path / "package.zip"
    archive.write_bytes(buffer.getvalue())
    unpack(archive, tmp_path / "code")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "code").rglob("*") if path.is_file()}
    assert modes == {"run.sh": 0o755, "plain.txt": 0o644}


def test_what_an_environment_is_made_from(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(
        "a==1 \\\n    --hash=sha256:00\n# --hash in a remark\n", encoding="utf-8"
    )
    found = environment_of(tmp_path, "3.12", build=True)
    assert (found.python, found.flags) == ("3.12", ("--require-hashes",))
    assert environment_of(tmp_path, "3.12", build=False).requirements == ()
    (tmp_path / "requirements.txt").write_text("a==1\n# --hash=sha256:00\n", encoding="utf-8")
    assert environment_of(tmp_path, "3.12", build=True).flags == ()
