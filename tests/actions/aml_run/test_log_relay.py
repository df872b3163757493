"""The log of a job in the log of the step: complete, in order, and obeyed by nobody."""

import io
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from aml_actions.workflow import Workflow
from aml_run import signed_blobs
from aml_run.logs import TAIL, LogRelay
from aml_run.signed_blobs import Unreadable, fetch

SIGNED = "?sv=2024&sig=SECRETSIGNATURE"


class Blob:
    """A store with one growing blob, which answers ranges as Azure Storage does."""

    def __init__(self) -> None:
        self.content: bytes | None = None
        self.status = 0
        self.breaks_after = 0
        self.ranges: list[str] = []
        blob = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                blob.ranges.append(self.headers["Range"])
                first, last = (int(part) for part in self.headers["Range"].removeprefix("bytes=").split("-"))
                if blob.status:
                    self.answer(blob.status, b"<Error/>")
                elif blob.content is None:
                    self.answer(404, b"")
                elif first >= len(blob.content):
                    self.answer(
                        416,
                        b"<Error><Code>InvalidRange</Code></Error>",
                        {"Content-Range": f"bytes */{len(blob.content)}"},
                    )
                else:
                    self.answer(206, blob.content[first : last + 1], cut=blob.breaks_after)
                    blob.breaks_after = 0

            def answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None, cut: int = 0) -> None:
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                if status == 403:
                    self.send_header("x-ms-error-code", "AuthorizationFailure")
                self.end_headers()
                self.wfile.write(body[:cut] if cut else body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/log{SIGNED}"


@pytest.fixture
def blob() -> Iterator[Blob]:
    store = Blob()
    yield store
    store.server.shutdown()
    store.server.server_close()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def relay(stream: io.StringIO) -> LogRelay:
    return LogRelay(Workflow(stream))


def spoken(text: str) -> list[str]:
    """The lines that the runner takes for text: those between stop-commands and its token, and those that are no command."""
    lines, token = [], ""
    for line in text.splitlines():
        if token:
            if line == f"::{token}::":
                token = ""
            else:
                lines.append(line)
        elif line.startswith("::stop-commands::"):
            token = line.removeprefix("::stop-commands::")
        elif not line.startswith("::"):
            lines.append(line)
    assert not token, "commands were left stopped"
    return lines


def commands(text: str) -> list[str]:
    """The commands that the runner obeys."""
    obeyed, token = [], ""
    for line in text.splitlines():
        if token:
            token = "" if line == f"::{token}::" else token
        elif line.startswith("::stop-commands::"):
            token = line.removeprefix("::stop-commands::")
        elif line.startswith("::"):
            obeyed.append(line)
    return obeyed


def test_only_new_lines_are_printed(blob: Blob, relay: LogRelay, stream: io.StringIO) -> None:
    files = {"user_logs/std_log.txt": blob.url}
    assert not relay.relay(files)
    blob.content = b"epoch 1\nepo"
    assert relay.relay(files)
    assert not relay.relay(files)
    blob.content += b"ch 2\n"
    relay.relay(files)
    relay.relay(files, final=True)
    relay.end_group()
    assert spoken(stream.getvalue()) == ["epoch 1", "epoch 2"]
    assert blob.ranges[-1].startswith("bytes=16-")


def test_an_unfinished_last_line_is_printed_at_the_end(blob: Blob, relay: LogRelay, stream: io.StringIO) -> None:
    blob.content = b"done"
    files = {"user_logs/std_log.txt": blob.url}
    relay.relay(files)
    assert spoken(stream.getvalue()) == []
    relay.relay(files, final=True)
    relay.end_group()
    assert spoken(stream.getvalue()) == ["done"]


def test_what_looks_like_a_command_is_text(blob: Blob, relay: LogRelay, stream: io.StringIO) -> None:
    lines = [
        "::error::forged",
        "::add-mask::e",
        "::set-output name=x::y",
        "::stop-commands::guess",
        "::guess::",
        "##[error]x",
    ]
    blob.content = "\n".join(lines).encode() + b"\n"
    relay.relay({"user_logs/std_log.txt": blob.url})
    relay.end_group()
    # What the runner obeys is left as it is: it is stopped. What its page would draw as an error is written apart.
    assert spoken(stream.getvalue()) == [*lines[:-1], "# #[error]x"]
    assert [one.split("::")[1].split(" ")[0] for one in commands(stream.getvalue())] == ["group", "endgroup"]


def test_each_file_is_a_group(blob: Blob, relay: LogRelay, stream: io.StringIO) -> None:
    blob.content = b"line\n"
    relay.relay({"azureml-logs/20_image_build_log.txt": blob.url})
    relay.relay({"user_logs/std_log.txt": blob.url, "system_logs/lifecycler/x.log": blob.url})
    relay.end_group()
    titles = [one.removeprefix("::group::") for one in commands(stream.getvalue()) if one.startswith("::group::")]
    assert titles == ["Environment: azureml-logs/20_image_build_log.txt", "Output: user_logs/std_log.txt"]
    assert commands(stream.getvalue()).count("::endgroup::") == 2


def test_a_character_that_is_split_between_two_reads_stays_whole(
    blob: Blob, relay: LogRelay, stream: io.StringIO
) -> None:
    text = "Übergröße ✓\n".encode()
    files = {"user_logs/std_log.txt": blob.url}
    for end in range(1, len(text) + 1):
        blob.content = text[:end]
        relay.relay(files)
    relay.end_group()
    assert spoken(stream.getvalue()) == ["Übergröße ✓"]


def test_a_long_log_is_read_in_pieces(
    blob: Blob, relay: LogRelay, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signed_blobs, "CHUNK", 30)
    blob.content = b"".join(b"line %03d\n" % number for number in range(50))
    relay.relay({"user_logs/std_log.txt": blob.url})
    relay.end_group()
    assert spoken(stream.getvalue()) == [f"line {number:03d}" for number in range(50)]


def test_a_flood_is_cut_but_its_end_is_kept(blob: Blob, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signed_blobs, "CHUNK", 100)
    blob.content = b"".join(b"line %04d\n" % number for number in range(1000))
    relay = LogRelay(Workflow(stream), limit=200)
    relay.relay({"user_logs/std_log.txt": blob.url})
    relay.end_group()
    assert len(spoken(stream.getvalue())) == 21
    assert "longer than 200 bytes" in stream.getvalue()
    relay.relay({"user_logs/std_log.txt": blob.url}, final=True)
    relay.end_group()
    # What ends the file is shown at its end, in a group of its own.
    assert spoken(stream.getvalue())[21:] == [f"line {number:04d}" for number in range(1000 - TAIL, 1000)]
    assert "::group::Output: user_logs/std_log.txt (its end)" in commands(stream.getvalue())
    assert relay.tails["user_logs/std_log.txt"][-1] == "line 0999"


@pytest.mark.parametrize("status", [403, 500])
def test_a_log_that_cannot_be_read_says_why_without_its_signature(blob: Blob, stream: io.StringIO, status: int) -> None:
    blob.status = status
    waited: list[float] = []
    relay = LogRelay(Workflow(stream), sleep=waited.append)
    relay.relay({"user_logs/std_log.txt": blob.url}, final=True)
    assert len(blob.ranges) == len(waited) + 1 == 3
    assert f"HTTP {status}" in relay.problem
    assert "SECRETSIGNATURE" not in relay.problem


def test_a_store_that_does_not_answer_reveals_no_signature(blob: Blob) -> None:
    blob.server.shutdown()
    blob.server.server_close()
    with pytest.raises(Unreadable) as caught:
        fetch(blob.url, 0)
    assert "SECRETSIGNATURE" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_log_that_is_begun_anew_is_shown_anew(
    blob: Blob, relay: LogRelay, stream: io.StringIO, tmp_path: Path
) -> None:
    relay.save_to(tmp_path)
    files = {"user_logs/std_log.txt": blob.url}
    blob.content = b"first try\nhalf a line"
    relay.relay(files)
    blob.content = b"again\n"
    relay.relay(files)
    relay.relay(files, final=True)
    relay.end_group()
    assert [line for line in spoken(stream.getvalue()) if "begun anew" not in line] == ["first try", "again"]
    assert "user_logs/std_log.txt was begun anew (it has 6 bytes now, of which 21 were read)" in stream.getvalue()
    assert (tmp_path / "user_logs/std_log.txt").read_bytes() == b"again\n"


def test_what_came_before_a_connection_broke_is_not_sent_again(
    blob: Blob, relay: LogRelay, stream: io.StringIO
) -> None:
    blob.content = b"".join(b"line %05d\n" % number for number in range(30_000))
    blob.breaks_after = 200_000
    relay.relay({"user_logs/std_log.txt": blob.url}, final=True)
    relay.end_group()
    assert spoken(stream.getvalue()) == [f"line {number:05d}" for number in range(30_000)]
    starts = [int(one.removeprefix("bytes=").partition("-")[0]) for one in blob.ranges]
    assert starts == [0, 196_608, 330_000]  # whole pieces of 64 KiB are kept


def test_files_are_shown_in_the_order_of_their_kinds_and_processes(blob: Blob, stream: io.StringIO) -> None:
    blob.content = b"x\n"
    names = [
        "user_logs/std_log_process_10.txt",
        "user_logs/std_log_process_2.txt",
        "azureml-logs/20_image_build_log.txt",
        "azureml-logs/75_job_post-tvmps_1.txt",
        "logs/user/stdout/10.0.0.4/process000.stdout.txt",
        "system_logs/lifecycler/lifecycler.log",
        "user_logs/std_log_²\r::error::.txt",
    ]
    relay = LogRelay(Workflow(stream))
    relay.relay(dict.fromkeys(names, blob.url))
    relay.end_group()
    titles = [one.removeprefix("::group::") for one in commands(stream.getvalue()) if one.startswith("::group::")]
    assert titles == [
        "Environment: azureml-logs/20_image_build_log.txt",
        "Output: user_logs/std_log_process_2.txt",
        "Output: user_logs/std_log_process_10.txt",
        "Output: user_logs/std_log_²␍::error::.txt",
        "Parallel: logs/user/stdout/10.0.0.4/process000.stdout.txt",
        "End: azureml-logs/75_job_post-tvmps_1.txt",
    ]
    assert {one.split("::")[1] for one in commands(stream.getvalue())} == {"group", "endgroup"}


def test_step_debug_shows_what_the_service_says_of_itself(blob: Blob, stream: io.StringIO) -> None:
    blob.content = b"mounted\n"
    relay = LogRelay(Workflow(stream, step_debug=True))
    relay.relay({"system_logs/data_capability/data-capability.log": blob.url})
    relay.end_group()
    assert spoken(stream.getvalue()) == ["mounted"]


def test_a_job_that_writes_faster_than_we_read_lets_others_have_their_turn(
    blob: Blob, relay: LogRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signed_blobs, "CHUNK", 100)
    blob.content = b"x" * 99 + b"\n"
    blob.content *= 1000
    relay.relay({"user_logs/std_log.txt": blob.url})
    assert len(blob.ranges) == 16


def test_a_disk_without_room_costs_the_copy_alone(
    blob: Blob, relay: LogRelay, stream: io.StringIO, tmp_path: Path
) -> None:
    (tmp_path / "user_logs").write_text("a file where a folder is to be")
    relay.save_to(tmp_path)
    blob.content = b"line\n"
    relay.relay({"user_logs/std_log.txt": blob.url}, final=True)
    relay.end_group()
    assert "line" in spoken(stream.getvalue())
