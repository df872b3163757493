from __future__ import annotations

from pathlib import Path

import pytest

from aml_emulator.blobs import Blob
from aml_emulator.studio import logs


@pytest.fixture
def blob(tmp_path: Path) -> Blob:
    path = tmp_path / "log"
    path.touch()
    return Blob("container", "user_logs/std_log.txt", path, "text/plain", '"0x1"')


def append(blob: Blob, data: bytes) -> None:
    with blob.path.open("ab") as file:
        file.write(data)


def test_following_a_log_gives_every_line_once(blob: Blob) -> None:
    append(blob, b"one\ntw")
    first = logs.read(blob, 0)
    assert (first.text, first.partial, first.end, first.more) == ("one\n", "tw", 4, False)
    append(blob, b"o\nthree\n")
    second = logs.read(blob, first.end)
    assert (second.start, second.text, second.partial, second.end) == (4, "two\nthree\n", "", 14)
    third = logs.read(blob, second.end)
    assert (third.text, third.partial, third.end, third.size) == ("", "", 14, 14)


def test_a_long_log_comes_in_chunks_that_join_to_the_whole(blob: Blob) -> None:
    whole = "".join(f"line {number} äöü €\n" for number in range(500))
    append(blob, whole.encode())
    offset, text, chunks = 0, "", 0
    while True:
        chunk = logs.read(blob, offset, limit=1000)
        text, offset, chunks = text + chunk.text, chunk.end, chunks + 1
        if not chunk.more:
            break
    assert text + chunk.partial == whole
    assert chunks > 5


@pytest.mark.parametrize("limit", range(7, 16))
def test_a_line_longer_than_a_chunk_is_not_cut_inside_a_character(blob: Blob, limit: int) -> None:
    whole = "ä€😀" * 40
    append(blob, whole.encode())
    offset, text = 0, ""
    while True:
        chunk = logs.read(blob, offset, limit=limit)
        text, offset = text + chunk.text, chunk.end
        if not chunk.more:
            break
        assert chunk.end > chunk.start
    assert text + chunk.partial == whole


def test_bytes_that_are_no_text_do_not_stop_a_reader(blob: Blob) -> None:
    append(blob, b"\xff\xfe\x80" * 1000 + b"\nafter\n")
    offset, text = 0, ""
    while True:
        chunk = logs.read(blob, offset, limit=100)
        text, offset = text + chunk.text, chunk.end
        if not chunk.more:
            break
    assert text.endswith("\nafter\n")


def test_a_log_that_began_anew_is_read_from_its_beginning(blob: Blob) -> None:
    append(blob, b"second attempt\n")
    chunk = logs.read(blob, 5000)
    assert (chunk.start, chunk.text) == (0, "second attempt\n")


def test_the_tail_begins_with_a_whole_line(blob: Blob) -> None:
    append(blob, b"".join(b"line %03d\n" % number for number in range(100)))
    tail = logs.tail(blob, limit=40)
    assert tail.text == "line 096\nline 097\nline 098\nline 099\n"
    assert (tail.end, tail.size) == (900, 900)


def test_a_progress_bar_shows_its_last_state(blob: Blob) -> None:
    append(blob, b"start\r\n 10%\r 50%\r100%\ndone\n 20%\r 30%\r")
    chunk = logs.read(blob, 0)
    assert chunk.text == "start\n100%\ndone\n"
    assert chunk.partial == " 30%"


def test_terminal_colours_and_control_characters_are_left_out(blob: Blob) -> None:
    append(blob, b"\x1b[1;31merror\x1b[0m: \x1b]0;title\x07no\x00 file\x1b[K\tthere\n")
    assert logs.read(blob, 0).text == "error: no file\tthere\n"
