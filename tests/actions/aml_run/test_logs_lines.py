"""Lines of a log: the same wherever the network cut it, harmless, without secrets, and small whatever the job prints."""

import io
import itertools
import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from aml_actions.workflow import Workflow
from aml_run import log_lines
from aml_run.log_lines import LONGEST, Lines, harmless

_pieces = st.sampled_from(["\r", "\n", "\r\n", " ", "ab", "ü", "✓", "😀", "\x1b[31m", "50%|##", "\x00"]) | st.text(
    max_size=8
)
_content = st.lists(_pieces | st.binary(max_size=3), max_size=30).map(
    lambda parts: b"".join(part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass") for part in parts)
)
_cuts = st.lists(st.integers(0, 200), max_size=12)


def cut(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The bytes as the network brings them."""
    places = [0, *sorted({min(place, len(data)) for place in cuts}), len(data)]
    return [data[first:last] for first, last in itertools.pairwise(places)]


def lines_of(data: bytes, cuts: Iterable[int] = (), lines: Lines | None = None) -> list[str]:
    lines = lines or Lines()
    found = [line for piece in cut(data, cuts) for line in lines.feed(piece)]
    return [*found, *lines.finish()]


def last_state(line: str) -> str:
    """What a terminal shows in the end of a line that was written over: the last that was anything but blank."""
    segments = line.split("\r")
    return next((one for one in [segments[-1], *reversed(segments)] if one.strip()), segments[-1])


@given(_content, _cuts)
@settings(max_examples=300, deadline=None)
def test_lines_are_the_same_wherever_they_were_cut(data: bytes, cuts: list[int]) -> None:
    *complete, rest = data.decode("utf-8", "replace").split("\n")
    expected = [last_state(line) for line in [*complete, *([rest] if last_state(rest) else [])]]
    assert lines_of(data, cuts) == expected


SECRET = "TOP-Secret_0123456789"
_around = st.lists(
    st.sampled_from([SECRET, SECRET[:9], "\n", "\r", "xyz ", "\x1b[1m", f"{SECRET[:7]}\x1b[0m{SECRET[7:]}", "w" * 30]),
    max_size=25,
)


@given(parts=_around, cuts=_cuts)
@example(parts=[SECRET] * 8, cuts=[])  # hiding them makes the line so short that its cut end comes into sight
@example(parts=["w" * 30, SECRET, "w" * 30, "w" * 30], cuts=[35])
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_secret_is_hidden_across_every_border(
    parts: list[str], cuts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_lines, "LONGEST", 40)  # so that long lines are cut in all places
    workflow = Workflow(io.StringIO())
    workflow.mask(SECRET)
    data = "".join(parts).encode()
    lines = Lines(workflow.hide, lambda: workflow.longest_secret)
    shown = [lines.shown(line) for line in lines_of(data, cuts, lines)]
    assert shown == [lines.shown(line) for line in lines_of(data, (), lines)]
    for line in shown:
        assert SECRET not in line
        # Nor is a piece of it that a cut would have made; the script itself may print the first nine characters.
        assert SECRET[:10] not in line
        assert SECRET[-8:] not in line


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_what_is_shown_moves_no_cursor_and_begins_no_line(text: str) -> None:
    shown = harmless(text)
    assert len(shown.splitlines()) <= 1
    assert not [one for one in shown if (ord(one) < 32 and one != "\t") or 127 <= ord(one) < 160]
    assert harmless(shown) == shown
    if text.isprintable() and "##" not in text:
        assert shown == text


def test_escape_sequences_vanish_and_control_characters_are_seen() -> None:
    assert harmless("\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x1b\\ \x1b[2J\x1bMdone") == "red link done"
    assert harmless("bell\x07 back\x08 tab\t \u202egnp.exe") == "bell␇ back␈ tab\t \ufffdgnp.exe"
    assert harmless("##vso[task.complete result=Failed]##[error]") == "# #vso[task.complete result=Failed]# #[error]"
    assert harmless("## heading") == "## heading"


def test_a_progress_bar_is_shown_once() -> None:
    bar = "".join(f"\r{number:3}%|####" for number in range(101))
    assert lines_of(f"begin\n{bar}\nend\r\n".encode(), range(0, 2000, 7)) == ["begin", "100%|####", "end"]


def test_a_long_line_is_cut_and_says_so() -> None:
    data = b"x" * 1_000_000 + b"\nnext\n"
    first, second = lines_of(data, range(0, 1_000_000, 65_536))
    assert first == "x" * LONGEST + " … [a line of 1,000,000 characters, cut here]"
    assert second == "next"


def test_a_line_without_an_end_takes_no_memory() -> None:
    piece = b"0123456789abcdef" * 4096
    lines = Lines()
    tracemalloc.start()
    try:
        for _ in range(512):  # 32 MiB
            assert lines.feed(piece) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1024 * 1024
    (line,) = lines.finish()
    assert line.endswith("[a line of 33,554,432 characters, cut here]")
