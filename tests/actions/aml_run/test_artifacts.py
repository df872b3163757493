"""Downloading what a job wrote: all of it, within a limit, inside its folder, and whole files or none."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.ai.ml.entities import AzureBlobDatastore
from hypothesis import given, settings
from hypothesis import strategies as st
from support.training import COMPUTE, IMAGE, PLAIN, TrainingRepository

from aml_actions.artifact_service import JobFiles
from aml_actions.errors import ActionError
from aml_emulator.request_log import read
from aml_run import downloads, local_files
from aml_run.downloads import Left, RemoteFile, fetch_all
from aml_run.remote_files import RemoteFiles
from aml_run.signed_blobs import Replaced, Unreadable


class Remote:
    """A file that a service has; it may break off, grow, and be replaced."""

    def __init__(self, name: str, content: bytes = b"content", size: int | None = None) -> None:
        self.name, self.content, self.size = name, content, len(content) if size is None else size
        self.breaks: list[int] = []
        self.offsets: list[int] = []
        self.refused = ""

    def read(self, offset: int) -> Iterator[bytes]:
        self.offsets.append(offset)
        if self.refused:
            raise Unreadable(self.refused)
        if offset > len(self.content):
            raise Replaced("it is shorter")
        end = self.breaks.pop(0) if self.breaks else len(self.content)
        for start in range(offset, end, 3):
            yield self.content[start : min(start + 3, end)]
        if end < len(self.content):
            raise Unreadable("ConnectionError")

    @property
    def file(self) -> RemoteFile:
        return RemoteFile(self.name, self.size, self.read)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def fetch(target: Path, *remotes: Remote, limit: int = 10_000, **more: Any) -> list[Left]:
    told: list[str] = []
    return fetch_all(
        [one.file for one in remotes],
        target,
        limit=limit,
        what="the files of job x",
        say=told.append,
        sleep=lambda seconds: None,
        **more,
    )


def content_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_files_arrive_in_their_folders(target: Path) -> None:
    remotes = [Remote(f"outputs/{number}/model.bin", os.urandom(number)) for number in range(40)]
    assert fetch(target, *remotes) == []
    assert content_of(target) == {one.name: one.content for one in remotes}


def test_a_file_that_breaks_off_goes_on_where_it_was(target: Path) -> None:
    remote = Remote("model.bin", b"0123456789" * 3)
    remote.breaks = [7, 20]
    fetch(target, remote, Remote("other"))
    assert content_of(target) == {"model.bin": remote.content, "other": b"content"}
    assert remote.offsets == [0, 7, 20]


def test_a_file_that_is_replaced_by_a_shorter_one_is_fetched_anew(target: Path) -> None:
    remote = Remote("log.txt", b"0123456789", size=4)
    old = target.parent / "old.txt"
    old.write_bytes(b"xyz")
    remote.content = b"ab"
    remote.size = 4

    def grown(offset: int) -> Iterator[bytes]:
        yield from Remote.read(remote, offset)
        remote.content = b"abcd"

    with pytest.raises(ActionError, match="could not be downloaded"):
        fetch(target, Remote("never", b"ab", size=4))
    assert not content_of(target)
    fetch_all(
        [RemoteFile("log.txt", 4, grown)],
        target,
        limit=100,
        what="the files",
        say=lambda text: None,
        have={"log.txt": old},
        sleep=lambda seconds: setattr(remote, "content", b"abcd"),
    )
    assert content_of(target) == {"log.txt": b"abcd"}
    assert remote.offsets == [3, 0]


def test_one_that_cannot_be_had_is_named_and_leaves_no_half(target: Path) -> None:
    broken = Remote("outputs/broken.bin", b"0123456789")
    broken.breaks = [4] * 99
    with pytest.raises(ActionError) as caught:
        fetch(target, broken, Remote("outputs/good.bin"))
    assert caught.value.what == "The files of job x could not be downloaded: outputs/broken.bin; 1 of 2 are missing."
    assert caught.value.cause == "ConnectionError"
    assert len(broken.offsets) == downloads.ATTEMPTS
    assert content_of(target) == {"outputs/good.bin": b"content"}


def test_a_store_that_refuses_everything_is_not_asked_for_every_file(target: Path) -> None:
    remotes = [Remote(f"{number}.bin") for number in range(200)]
    for one in remotes:
        one.refused = "HTTP 403 AuthorizationFailure"
    with pytest.raises(ActionError, match="200 of 200 are missing") as caught:
        fetch(target, *remotes)
    assert caught.value.cause == "HTTP 403 AuthorizationFailure"
    assert sum(bool(one.offsets) for one in remotes) < 100
    assert not content_of(target)


def test_what_is_larger_than_the_limit_is_refused_before_anything_is_fetched(target: Path) -> None:
    remotes = [Remote("small.txt", b"x"), Remote("large.bin", b"x" * 90)]
    with pytest.raises(ActionError) as caught:
        fetch(target, *remotes, limit=80)
    assert "nothing of it was downloaded" in caught.value.what
    assert "artifacts_limit_mb" in (caught.value.allowed or "")
    assert "large.bin" in (caught.value.cause or "")
    assert not any(one.offsets for one in remotes)
    assert not content_of(target)


def test_one_that_grows_is_stopped_and_says_what_is_left_out(target: Path) -> None:
    growing = Remote("growing.log", b"x" * 10_000, size=50)
    with pytest.raises(ActionError) as caught:
        fetch(target, growing, limit=100)
    assert "grew while they were downloaded; 1 of 1 files were left out" in caught.value.what
    assert "growing.log" in (caught.value.cause or "")
    assert not content_of(target)


NAMES_THAT_LEAD_OUT = [
    "/etc/passwd",
    "../outside",
    "a/../../outside",
    "a/./b",
    "a//b",
    "",
    "a/",
    "C:/windows/x",
    "c:x",
    "a\\..\\..\\outside",
    "nul\0byte",
    "line\nend",
    "x" * 256,
    "link/inside",
]


@pytest.mark.parametrize("name", NAMES_THAT_LEAD_OUT)
def test_no_name_leads_out_of_the_folder(target: Path, name: str) -> None:
    outside = target.parent / "elsewhere"
    outside.mkdir()
    (target / "link").symlink_to(outside, target_is_directory=True)
    (left,) = fetch(target, Remote(name), Remote("good"))
    assert left.name == name
    assert "would lead out of the folder" in left.why
    files = [file for file in target.parent.rglob("*") if file.is_file()]
    assert files == [target / "good"]


@given(
    st.lists(
        st.sampled_from(["..", ".", "", "a", "..a", "C:", "\\", "\0", "~", "$HOME", "a b", "ü", "-rf"]), max_size=6
    )
)
@settings(max_examples=300, deadline=None)
def test_a_path_is_inside_or_there_is_none(parts: list[str]) -> None:
    folder = Path("/runner/target")
    path = local_files.inside(folder, "/".join(parts))
    if path is not None:
        assert Path(os.path.normpath(path)).is_relative_to(folder)
        assert path != folder


def test_a_file_and_a_folder_of_one_name_do_not_hurt_each_other(target: Path) -> None:
    left = fetch(target, Remote("outputs", b""), Remote("outputs/a", b"1"), Remote("outputs/a/b", b"2"))
    assert [(one.name, one.why) for one in left] == [("outputs/a", "a folder has the same name")]
    assert content_of(target) == {"outputs/a/b": b"2"}


def test_names_that_differ_in_case_are_one_where_the_disk_says_so(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remotes = [Remote("Model.bin", b"1"), Remote("model.bin", b"2"), Remote("MODEL.BIN/x", b"3")]
    assert fetch(target, *remotes) == []
    assert len(content_of(target)) == 3
    # A file system that ignores case, such as the one of a Windows runner.
    other = target.parent / "other"
    other.mkdir()
    monkeypatch.setattr(downloads, "_ignores_case", lambda folder: True)
    assert [one.name for one in fetch(other, *remotes)] == ["Model.bin", "model.bin"]
    assert content_of(other) == {"MODEL.BIN/x": b"3"}


def test_what_was_read_before_is_not_fetched_again(target: Path) -> None:
    whole, begun, longer = Remote("whole.txt", b"12345"), Remote("begun.txt", b"12345"), Remote("longer.txt", b"12345")
    have = {}
    for name, text in (("whole.txt", b"12345"), ("begun.txt", b"123"), ("longer.txt", b"a longer one of before")):
        have[name] = target.parent / name
        have[name].write_bytes(text)
    fetch(target, whole, begun, longer, have=have)
    assert set(content_of(target).values()) == {b"12345"}
    assert (whole.offsets, begun.offsets, longer.offsets) == ([], [3], [0])


LONG_DOWNLOAD = """
import signal, sys, time
from pathlib import Path
from aml_run.downloads import RemoteFile, fetch_all

signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may have had it ignored


def long(offset):
    print("begun", flush=True)
    while True:
        yield b"x"
        time.sleep(0.001)


fetch_all([RemoteFile("long.bin", 10**9, long)], Path(sys.argv[1]), limit=10**12, what="the files", say=lambda text: None)
"""


def test_a_download_that_is_interrupted_leaves_no_half_file(target: Path) -> None:
    download = subprocess.Popen([sys.executable, "-c", LONG_DOWNLOAD, str(target)], stdout=subprocess.PIPE)
    assert download.stdout is not None
    with download.stdout:
        assert download.stdout.readline() == b"begun\n"
        download.send_signal(signal.SIGINT)
        assert download.wait(30) != 0
    assert not list(target.iterdir())


def test_a_name_that_is_as_long_as_can_be_is_written(target: Path) -> None:
    remote = Remote("ü" * 127)
    fetch(target, remote)
    assert content_of(target) == {remote.name: b"content"}


JOB = f"""\
type: command
command: python write.py ${{{{outputs.model}}}} ${{{{outputs.report}}}}
code: src
compute: azureml:{COMPUTE}
environment: {{image: {IMAGE}, conda_file: environment.yml}}
outputs:
  model: {{type: uri_folder}}
  report: {{type: uri_file}}
"""
WRITE = """\
import os, pathlib, sys
model, report = map(pathlib.Path, sys.argv[1:])
(model / "a folder").mkdir(parents=True)
(model / "a folder/größe ✓ 50%.bin").write_bytes(b"m" * 1_500_000)
report.parent.mkdir(parents=True, exist_ok=True)
report.write_text("fine")
outputs = pathlib.Path("outputs/deep/er")
outputs.mkdir(parents=True)
(outputs / "100% [x] #1 & more?.txt").write_text("odd name")
(outputs / "empty").write_text("")
for number in range(60_000):
    print(f"line {number}: the model learns and learns and learns")
"""


class Silent:
    """An artifact service that knows no outputs."""

    def of_job(self, job: str) -> JobFiles:
        return JobFiles(job)

    def signed_urls(self, job: str) -> dict[str, str]:
        return {}

    def places(self, outputs: object) -> dict[str, str]:
        return {}


@pytest.fixture
def writing(repository: TrainingRepository) -> TrainingRepository:
    repository.write({"jobs/job.yml": JOB, "jobs/src/write.py": WRITE, "jobs/environment.yml": PLAIN})
    return repository


def test_artifacts_and_declared_outputs_come_and_the_log_is_read_once(writing: TrainingRepository, client: Any) -> None:
    done = writing.step("aml-run", {"job_file": "jobs/job.yml", "download_artifacts": True, "log_limit_mb": 0.1})
    assert done.code == 0, done.log
    run_id = done.outputs["run_id"]
    parent = Path(done.outputs["artifact_path"]) / "parent"
    assert (parent / "outputs/deep/er/100% [x] #1 & more?.txt").read_text() == "odd name"
    assert (parent / "outputs/deep/er/empty").read_bytes() == b""
    assert (parent / "named-outputs/model/a folder/größe ✓ 50%.bin").stat().st_size == 1_500_000
    assert [file.read_text() for file in (parent / "named-outputs/report").rglob("*") if file.is_file()] == ["fine"]
    log = (parent / "user_logs/std_log.txt").read_text().splitlines()
    assert len(log) == 60_000
    assert log[-1].startswith("line 59999:")
    assert not list(parent.rglob("*.aml-part"))

    # What is printed is bounded; the end is shown whatever came before.
    printed = re.findall(r"^line (\d+): the model", done.log, re.MULTILINE)
    assert printed[0] == "0"
    assert printed[-1] == "59999"
    assert 1_000 < len(printed) < 3_000
    assert "is longer than 0.1 MB, the limit of what is printed (log_limit_mb)" in done.log

    # The job's log is what the step read while it ran: the download asked for nothing but its size.
    path = f"dcid.{run_id}/user_logs/std_log.txt"
    asked = [(one["method"], one["status"]) for one in read(writing.emulator.state / "requests.jsonl", path=path)]
    assert asked[-1] == ("HEAD", 200)
    assert ("GET", 206) in asked
    assert set(asked[:-1]) <= {("GET", 206), ("GET", 416)}
    assert "sig=" not in done.log

    # A datastore without keys is read with the step's own sign-in.
    store = client.datastores.get("workspaceblobstore")
    client.datastores.create_or_update(
        AzureBlobDatastore(name="keyless", account_name=store.account_name, container_name=store.container_name)
    )
    warned: list[str] = []
    suffix = re.sub(r"^https://", "core.local@", writing.emulator.blob_url)
    remote = RemoteFiles(None, client, client._credential, suffix, warned.append)  # type: ignore[arg-type]
    (found,) = remote.at(f"azureml://datastores/keyless/paths/azureml/{run_id}/model/", "m") or []
    assert (found.name, found.size) == ("m/a folder/größe ✓ 50%.bin", 1_500_000)
    assert b"".join(found.read(1_499_990)) == b"m" * 10
    with pytest.raises(Replaced):
        list(found.read(1_500_001))
    assert remote.at("azureml://registries/somewhere", "m") is None

    # A service that tells nothing of outputs: their names are those of the job, and they lie where they usually do.
    silent = RemoteFiles(Silent(), client, client._credential, suffix, warned.append)  # type: ignore[arg-type]
    names = sorted(one.name for one in silent.of(run_id, "p"))
    assert names == ["p/named-outputs/model/a folder/größe ✓ 50%.bin", "p/named-outputs/report/report"]
    assert silent.of("no-such-job", "p") == []
    assert not warned


def test_more_than_the_limit_is_refused_and_the_metrics_are_kept(writing: TrainingRepository) -> None:
    done = writing.step("aml-run", {"job_file": "jobs/job.yml", "download_artifacts": True, "artifacts_limit_mb": 1})
    assert done.code == 1
    (annotation,) = done.annotations
    assert "nothing of it was downloaded" in annotation
    assert "artifacts_limit_mb" in annotation
    assert "größe ✓ 50%.bin" in annotation
    assert done.outputs["run_metrics"] == "{}"
    assert "artifact_path" not in done.outputs


FAILS = """\
import pathlib, sys
pathlib.Path("outputs").mkdir(exist_ok=True)
pathlib.Path("outputs/checkpoint.bin").write_bytes(b"c" * 2_000_000)
for number in range(5_000):
    print(f"line {number}: the model learns and learns and learns")
sys.exit(3)
"""


def test_a_job_that_failed_leaves_its_whole_log_and_what_it_wrote(writing: TrainingRepository) -> None:
    writing.write({"jobs/src/write.py": FAILS})
    done = writing.step("aml-run", {"job_file": "jobs/job.yml", "download_artifacts": True, "log_limit_mb": 0.05})
    assert done.code == 1
    (annotation,) = done.annotations
    assert "its script ended with exit code 3" in annotation
    parent = Path(done.outputs["artifact_path"]) / "parent"
    assert (parent / "outputs/checkpoint.bin").stat().st_size == 2_000_000
    assert len((parent / "user_logs/std_log.txt").read_text().splitlines()) == 5_000
    result = json.loads(done.outputs["result"])
    assert (result["status"], result["artifact_path"]) == ("Failed", done.outputs["artifact_path"])
    assert "outputs/checkpoint.bin" in result["artifacts"]


def test_files_of_a_failed_job_that_cannot_be_had_hide_no_reason(writing: TrainingRepository) -> None:
    writing.write({"jobs/src/write.py": FAILS})
    done = writing.step("aml-run", {"job_file": "jobs/job.yml", "download_artifacts": True, "artifacts_limit_mb": 0.5})
    assert done.code == 1
    (annotation,) = done.annotations
    assert "its script ended with exit code 3" in annotation
    (warning,) = re.findall(r"^::warning [^:]*::(The files of job .*)", done.log, re.MULTILINE)
    assert "are not downloaded." in warning
    assert "artifacts_limit_mb" in warning
    assert "artifact_path" not in done.outputs
