"""What reaches the runner, and in which form."""

import base64
import io

import pytest
from support.steps import decode, read_outputs

from aml_actions.workflow import Workflow


@pytest.fixture
def stream():
    return io.StringIO()


@pytest.fixture
def workflow(stream, tmp_path):
    return Workflow(
        stream, output_file=tmp_path / "output", summary_file=tmp_path / "summary", outputs=("run_id", "result")
    )


def test_an_annotation_with_several_lines_stays_one_annotation(workflow, stream):
    workflow.error("100% wrong\nsecond line\r\n::warning::third", title="aml-run: a, b", file="a:b,c.json", line=3)
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert text.startswith("::error title=aml-run%3A a%2C b,file=a%3Ab%2Cc.json,line=3::")
    assert decode(text.split("::", 2)[2]).rstrip("\n") == "100% wrong\nsecond line\r\n::warning::third"


def test_a_line_of_our_own_that_looks_like_a_command_is_only_printed(workflow, stream):
    for text in (
        "::error::from a file name",
        "  ::add-mask::x",
        "a ##[error]b",
        "x\n::set-env name=A::b",
        "x\r::error::y",
    ):
        stream.truncate(0)
        stream.seek(0)
        workflow.info(text)
        lines = stream.getvalue().splitlines()
        assert lines[0].startswith("::stop-commands::"), text
        assert lines[-1] == f"::{lines[0].removeprefix('::stop-commands::')}::"


def test_a_jobs_log_cannot_talk_to_the_runner(workflow, stream):
    workflow.relay("epoch 1\n::add-mask::e\n::stop-commands::mine\n::mine::\n::error::gone\n")
    first, *inner, last = stream.getvalue().splitlines()
    token = first.removeprefix("::stop-commands::")
    assert last == f"::{token}::"
    assert f"::{token}::" not in inner
    assert inner[0] == "epoch 1"


def test_each_relay_has_another_token(workflow, stream):
    """A log that has seen one token must not be able to use it."""
    workflow.relay("a")
    workflow.relay("b")
    tokens = {line for line in stream.getvalue().splitlines() if line.startswith("::stop-commands::")}
    assert len(tokens) == 2


def test_a_secret_is_masked_whole_by_line_and_in_base64(workflow, stream):
    key = "-----BEGIN KEY-----\nfirst-line-of-key\n}\nlast-line-of-key"
    workflow.mask(key)
    masks = [decode(line.removeprefix("::add-mask::")) for line in stream.getvalue().splitlines()]
    assert key in masks
    assert "first-line-of-key" in masks
    assert base64.b64encode(key.encode()).decode() in masks
    assert "}" not in masks, "masking a brace would make the whole log unreadable"


def test_an_empty_secret_is_not_masked(workflow, stream):
    workflow.mask("  \n")
    assert stream.getvalue() == ""


def test_a_masked_secret_is_in_no_output_of_ours(workflow, stream, tmp_path):
    workflow.mask("s3cret-value")
    said = len(stream.getvalue())
    workflow.info("uses s3cret-value")
    workflow.relay("log: s3cret-value and " + base64.b64encode(b"s3cret-value").decode())
    workflow.error("s3cret-value", title="s3cret-value")
    workflow.summary("| s3cret-value |")
    workflow.set_output("result", {"token": "s3cret-value"})
    written = stream.getvalue()[said:] + (tmp_path / "summary").read_text() + (tmp_path / "output").read_text()
    assert "s3cret-value" not in written
    assert base64.b64encode(b"s3cret-value").decode() not in written


def test_a_short_secret_does_not_spoil_outputs(workflow, tmp_path):
    """A user name such as "ml" is masked in the log, but an output that happens to hold these letters stays right."""
    workflow.mask("ml")
    workflow.set_output("run_id", "ml-team")
    assert read_outputs((tmp_path / "output").read_text()) == {"run_id": "ml-team"}


def test_outputs_keep_line_breaks_and_delimiters(workflow, tmp_path):
    tricky = "a\nghadelimiter_x\nrun_id<<EOF\nb=c\n"
    workflow.set_output("run_id", tricky)
    workflow.set_output("result", {"ä": [1, None]})
    assert read_outputs((tmp_path / "output").read_text(encoding="utf-8")) == {
        "run_id": tricky,
        "result": '{"ä": [1, null]}',
    }


def test_an_undeclared_output_is_a_defect(workflow):
    with pytest.raises(ValueError, match="not declared"):
        workflow.set_output("run_ids", "x")


def test_a_summary_larger_than_the_runner_takes_is_cut_and_says_so(workflow, tmp_path):
    for _ in range(3):
        workflow.summary("x" * 600_000)
    text = (tmp_path / "summary").read_text()
    assert len(text.encode()) <= 1_000_000
    assert "The rest is left out" in text


def test_a_runner_without_summary_or_output_files_is_no_error(stream):
    plain = Workflow(stream, outputs=("result",))
    plain.summary("x")
    plain.set_output("result", "y")
    assert "output result=y" in stream.getvalue()


def test_a_group_ends_even_when_its_work_fails(workflow, stream):
    with pytest.raises(RuntimeError), workflow.group("upload"):
        raise RuntimeError
    assert stream.getvalue().splitlines() == ["::group::upload", "::endgroup::"]
