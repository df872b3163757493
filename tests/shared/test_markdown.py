"""Text from elsewhere in a summary."""

import pytest

from aml_actions import markdown


@pytest.mark.parametrize(
    "hostile",
    [
        "<img src=x onerror=alert(1)>",
        "[click](https://evil.example)",
        "a | b",
        "`code`",
        "**bold**",
        "@everyone",
        "https://evil.example",
        "# title",
    ],
)
def test_text_from_a_job_stays_text(hostile):
    shown = markdown.escape(hostile)
    for dangerous in ("<", "@", "://"):
        assert dangerous not in shown
    for special in ("]", "`", "*", "|"):
        assert special not in shown.replace("\\" + special, "")
    assert not shown.startswith("#")


def test_a_value_with_line_breaks_stays_in_its_table_cell():
    assert markdown.table(["a"], [[markdown.escape("x\n| y |\nz")]]).count("\n") == 3


def test_a_log_cannot_leave_its_fence():
    text = markdown.fence("ok\n```\n# not a title\n````\n")
    assert text.startswith("`````text\n")
    assert text.endswith("\n`````\n")


def test_code_may_hold_backticks():
    assert markdown.code("a `b` c") == "``a `b` c``"
    assert markdown.code("`b`") == "`` `b` ``"


def test_a_link_cannot_be_ended_by_its_address():
    assert markdown.link("run [1]", "https://x/y)z (a)<b>") == r"[run \[1\]](https://x/y%29z%20%28a%29%3Cb%3E)"


def test_a_folded_section_has_a_plain_title():
    assert "<summary>&lt;b&gt;</summary>" in markdown.details("<b>", "body")
