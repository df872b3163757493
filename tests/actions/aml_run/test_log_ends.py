"""The ends of the logs of a failed job."""

from hypothesis import given
from hypothesis import strategies as st

from aml_run import log_ends
from aml_run.log_ends import BUILD_LOG, parse
from aml_run.signed_blobs import Unreadable


class Store:
    """Blobs by URL; counts what is read of them."""

    def __init__(self, **blobs: bytes) -> None:
        self.blobs = blobs
        self.read: dict[str, int] = {}

    def length(self, url: str) -> int | None:
        return len(self.blobs[url]) if url in self.blobs else None

    def fetch(self, url: str, offset: int) -> bytes:
        if url not in self.blobs:
            raise Unreadable("HTTP 403")
        data = self.blobs[url][offset : offset + 1000]
        self.read[url] = self.read.get(url, 0) + len(data)
        return data

    def ends(self, log_files: dict[str, str], named: str = "") -> dict[str, list[str]]:
        found = log_ends.read(log_files, named, self.fetch, self.length)
        return {name: end.lines for name, end in found.items()}


def test_of_a_long_log_the_end_is_read() -> None:
    store = Store(long=b"".join(b"line %d\n" % number for number in range(200_000)))
    lines = store.ends({"user_logs/std_log.txt": "long"})["user_logs/std_log.txt"]
    assert lines[-1] == "line 199999"
    assert all(line.startswith("line ") for line in lines)
    assert store.read["long"] == 128 * 1024


def test_what_cannot_be_read_or_is_empty_is_left_out() -> None:
    store = Store(full=b"x\n", blank=b"\n\n")
    files = {"user_logs/std_log_0.txt": "full", "user_logs/std_log_1.txt": "blank", "user_logs/std_log_2.txt": "gone"}
    assert store.ends(files) == {"user_logs/std_log_0.txt": ["x"]}


def test_the_logs_of_the_service_are_read_only_where_the_script_has_none() -> None:
    store = Store(script=b"x\n", system=b"mount failed\n")
    system = {"system_logs/data_capability/data-capability.log": "system"}
    assert store.ends({"user_logs/std_log.txt": "script", **system}) == {"user_logs/std_log.txt": ["x"]}
    assert store.ends(system) == {"system_logs/data_capability/data-capability.log": ["mount failed"]}


def test_the_file_that_the_service_names_is_read_among_hundreds() -> None:
    store = Store(x=b"x\n")
    files = {f"user_logs/std_log_process_{number:03}.txt": "x" for number in range(300)}
    assert "user_logs/std_log_process_299.txt" in store.ends(files, "user_logs/std_log_process_299.txt")
    assert len(store.ends(files)) == 32


def test_signatures_of_addresses_and_secrets_are_not_shown() -> None:
    data = b"GET https://a.blob/x?sv=2021&sig=abc%2Fdef&se=2030 failed\nkept~Secret\n"
    lines = parse(data, hide=lambda text: text.replace("kept~Secret", "***")).lines
    assert lines == ["GET https://a.blob/x?sv=***&sig=***&se=*** failed", "***"]


def test_a_line_that_begins_before_what_was_read_is_left_out() -> None:
    assert parse(b"ret-of-a-cut-secret\nwhole\n", whole=False).lines == ["whole"]


def test_the_first_error_of_a_build_is_found_above_its_end() -> None:
    log = [
        "#7 [2/3] COPY requirements.txt .",
        "Collecting exceptiongroup",
        "#9 12.34 ERROR: Could not find a version that satisfies the requirement nosuch==1 (from versions: none)",
        "#9 12.35 ERROR: No matching distribution found for nosuch==1",
        *("cleaning up" for _ in range(100)),
        "The command returned a non-zero code: 1",
    ]
    end = parse("\n".join(log).encode(), is_build=True)
    assert end.first_error[:2] == log[2:4]
    assert parse("\n".join(log).encode()).first_error == []


def test_progress_bars_are_shown_as_a_terminal_leaves_them() -> None:
    assert parse(b"10 %\r50 %\r100 %\r\nnext\n").lines == ["100 %", "next"]


@given(st.binary(), st.booleans(), st.booleans())
def test_any_bytes_are_lines(data: bytes, whole: bool, is_build: bool) -> None:
    assert all("\n" not in line for line in parse(data, whole, is_build=is_build).lines)


def test_the_build_log_is_read_with_the_others() -> None:
    store = Store(build=b"ERROR: x\n")
    assert log_ends.read({BUILD_LOG: "build"}, "", store.fetch, store.length)[BUILD_LOG].first_error == ["ERROR: x"]
