"""Python tracebacks as interpreters and launchers write them."""

import subprocess
import sys
import textwrap
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from aml_run import tracebacks
from aml_run.tracebacks import Frame, Raised

GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "/wd/train.py", line 12, in <module>
  |     raise ExceptionGroup("folds", errors)
  | ExceptionGroup: folds (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/wd/train.py", line 4, in fold
    |     raise ValueError("a")
    | ValueError: a
    +---------------- 2 ----------------
    | Traceback (most recent call last):
    |   File "/wd/train.py", line 6, in fold
    |     raise TypeError("b")
    | TypeError: b
    +------------------------------------
""".splitlines()


def only(lines: list[str]) -> Raised:
    (raised,) = tracebacks.read(lines)
    return raised


def ran(folder: Path, script: str) -> list[str]:
    """Return what a script prints when a real interpreter runs it."""
    (folder / "train.py").write_text(textwrap.dedent(script))
    done = subprocess.run(
        [sys.executable, "-u", "train.py"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout.splitlines()


def test_a_plain_one(tmp_path: Path) -> None:
    raised = only(ran(tmp_path, "def f():\n    raise ValueError('no data')\n\nprint('begin')\nf()\n"))
    assert str(raised) == "ValueError: no data"
    assert [(Path(frame.file).name, frame.line, frame.function, frame.text) for frame in raised.frames] == [
        ("train.py", 5, "<module>", "f()"),
        ("train.py", 2, "f", "raise ValueError('no data')"),
    ]


def test_a_chain_hangs_on_its_last_exception(tmp_path: Path) -> None:
    script = """\
        try:
            try:
                {}["a"]
            except KeyError as error:
                raise ValueError("no a") from error
        except ValueError:
            undefined
        """
    raised = only(ran(tmp_path, script))
    assert [one.kind for one in tracebacks.chain(raised)] == ["NameError", "ValueError", "KeyError"]
    assert [one.frames[-1].line for one in tracebacks.chain(raised)] == [7, 5, 3]


def test_notes_belong_to_the_exception(tmp_path: Path) -> None:
    script = """\
        error = ValueError("no data")
        error.add_note("in fold 3")
        error.add_note("of 5")
        raise error
        """
    raised = only(ran(tmp_path, script))
    assert raised.notes == ["in fold 3", "of 5"]


def test_a_syntax_error_has_no_header(tmp_path: Path) -> None:
    raised = only(ran(tmp_path, "x = 1\nprint(x\n"))
    assert raised.kind == "SyntaxError"
    assert raised.frames[-1].line == 2
    assert raised.frames[-1].text == "print(x"


def test_a_syntax_error_of_a_module(tmp_path: Path) -> None:
    (tmp_path / "library.py").write_text("def f():\nreturn 1\n")
    raised = only(ran(tmp_path, "import library\n"))
    assert raised.kind == "IndentationError"
    assert [(Path(frame.file).name, frame.line) for frame in raised.frames] == [("train.py", 1), ("library.py", 2)]


def test_the_members_of_a_group_come_before_it() -> None:
    raised = only(GROUP)
    assert [str(one) for one in tracebacks.chain(raised)] == [
        "ValueError: a",
        "TypeError: b",
        "ExceptionGroup: folds (2 sub-exceptions)",
    ]
    assert raised.members[0].frames == (Frame("/wd/train.py", 4, "fold", 'raise ValueError("a")'),)


def test_a_group_within_a_group_as_python_writes_it(tmp_path: Path) -> None:
    script = """\
        def made(kind):
            try:
                raise kind("x")
            except Exception as error:
                return error

        raise ExceptionGroup("outer", [ExceptionGroup("inner", [made(OSError)]), made(TypeError)])
        """
    # The inner group was never raised: it has no traceback, and its member counts as one of the outer group.
    kinds = [one.kind for one in tracebacks.chain(only(ran(tmp_path, script)))]
    assert kinds == ["OSError", "TypeError", "ExceptionGroup"]


def test_what_does_not_end_the_process_is_marked(tmp_path: Path) -> None:
    script = """\
        import threading

        def f():
            raise OSError("in a thread")

        thread = threading.Thread(target=f)
        thread.start()
        thread.join()
        raise ValueError("the end")
        """
    first, second = tracebacks.read(ran(tmp_path, script))
    assert (first.kind, first.beside) == ("OSError", True)
    assert (second.kind, second.beside) == ("ValueError", False)


def test_processes_that_share_a_file_are_read_one_by_one() -> None:
    lines = [
        "[rank0]: Traceback (most recent call last):",
        "[rank1]: Traceback (most recent call last):",
        '[rank0]:   File "/wd/train.py", line 3, in <module>',
        '[rank1]:   File "/wd/train.py", line 9, in <module>',
        "[rank1]:     step()",
        "[rank0]:     wait()",
        "[rank1]: ValueError: bad batch",
        "[rank0]: torch.distributed.DistBackendError: NCCL error",
    ]
    found = tracebacks.read(lines)
    assert [(one.kind, one.frames[0].line, one.frames[0].text) for one in found] == [
        ("ValueError", 9, "step()"),
        ("torch.distributed.DistBackendError", 3, "wait()"),
    ]


def test_output_of_the_other_stream_may_stand_in_between() -> None:
    lines = [
        "Traceback (most recent call last):",
        '  File "/wd/train.py", line 3, in <module>',
        "epoch 3 of 10",
        "    step()",
        "loss: 0.5",
        "ValueError: bad batch",
    ]
    raised = only(lines)
    assert (str(raised), raised.frames[0].text) == ("ValueError: bad batch", "step()")


def test_colours_are_no_part_of_it() -> None:
    lines = [
        "Traceback (most recent call last):",
        '  File \x1b[35m"/wd/train.py"\x1b[0m, line \x1b[35m3\x1b[0m, in \x1b[35m<module>\x1b[0m',
        "\x1b[1;35mValueError\x1b[0m: \x1b[35mx\x1b[0m",
    ]
    assert only(lines).frames == (Frame("/wd/train.py", 3, "<module>"),)


PARTS = st.sampled_from(
    [
        *GROUP,
        "Traceback (most recent call last):",
        '  File "train.py", line 3',
        '  File "train.py", line 99999999999, in f',
        "    code()",
        "    ^^^^",
        "ValueError: x",
        "During handling of the above exception, another exception occurred:",
        "The above exception was the direct cause of the following exception:",
        "Exception ignored in: <function f>",
        '"""',
        "",
        "[rank0]: Traceback (most recent call last):",
    ]
)


@given(st.lists(st.one_of(PARTS, st.text()), max_size=60))
def test_any_log_is_read(lines: list[str]) -> None:
    for raised in tracebacks.read(lines):
        assert list(tracebacks.chain(raised))
        assert 0 <= raised.end < len(lines)
