"""YAML of SDK v1: every value is the text that stands there, and no file can exhaust the step that reads it."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from aml_actions.errors import ActionError
from aml_run import yaml_text

LETTERS = "abcdefghijkl"


def content(text: str) -> Any:
    return yaml_text.parse(text, "a.yml").content


def refusal(text: str) -> ActionError:
    with pytest.raises(ActionError) as caught:
        content(text)
    return caught.value


def aliases(first: str, each: str) -> str:
    """Twelve keys, each of which repeats the one before nine times."""
    lines = [f"a: &a {first}"]
    for before, name in itertools.pairwise(LETTERS):
        lines.append(f"{name}: &{name} " + each % ", ".join([f"*{before}"] * 9))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("value", ["yes", "010", "1e-3", "1.50", "2024-01-31", "0x1F", "12:30", "~x", "nulls"])
def test_a_value_is_the_text_that_stands_there(value: str) -> None:
    assert content(f"a: {value}\n") == {"a": value}


@pytest.mark.parametrize("value", ["", "~", "null", "Null", "NULL", "# comment"])
def test_nothing_is_none(value: str) -> None:
    assert content(f"a: {value}\n") == {"a": None}


@pytest.mark.parametrize("value", ["''", "'null'", '"~"', "!!str null"])
def test_a_quoted_nothing_is_text(value: str) -> None:
    assert isinstance(content(f"a: {value}\n")["a"], str)


def test_lists_mappings_and_keys() -> None:
    assert content("a: [x, {y: z}]\nyes: 1\n1: b\n") == {"a": ["x", {"y": "z"}], "yes": "1", "1": "b"}


def test_aliases_and_merged_keys() -> None:
    text = "base: &base {a: '1', b: '2'}\nname: &name train\nx: {<<: *base, b: '3'}\ny: {<<: [*base, {c: '4'}]}\nz: *name\n"
    assert content(text) == {
        "base": {"a": "1", "b": "2"},
        "name": "train",
        "x": {"a": "1", "b": "3"},
        "y": {"a": "1", "b": "2", "c": "4"},
        "z": "train",
    }


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_is_none(text: str) -> None:
    assert content(text) is None


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ("[" * 100_000, "levels deep", 1),
        ("\n".join(" " * level + "a:" for level in range(200)), "levels deep", 51),
        (aliases("[x, x]", "[%s]"), "holds more than", 6),
        (aliases("{x: y, z: z}", "{<<: [%s]}"), "holds more than", 6),
        ("".join(f"k{number}: v\n" for number in range(60_000)), "holds more than", 50_000),
        ("a: &a [*a]\n", "contains itself", 1),
        ("a: &a\n  b: {c: *a}\n", "contains itself", 2),
        ("a: 1\nb: *c\n", "anchor that is not there", 2),
        ("a: 1\nb: 2\na: 3\n", "the key a twice", 3),
        ("a: {<<: text}\n", "holds no keys", 1),
        ("? [a]\n: b\n", "a key that is no text", 1),
        ("a: {{ b }}\n", "a key that is no text", 1),
        ("a: &k [1]\n*k : b\n", "a key that is no text", 2),
        ("a: 1\n---\nb: 2\n", "several documents", 2),
        ("a: !!python/object/apply:os.system [id]\n", "has the tag", 1),
        ("a: !!timestamp x\n", "has the tag", 1),
        ("a: !own [1]\n", "has the tag", 1),
        ("script: train.py\n target: x\n", "is not YAML", 2),
        ("a:\n\t- b\n", "is not YAML", 2),
    ],
)
def test_what_cannot_be_read_is_one_error_with_its_line(text: str, said: str, line: int) -> None:
    error = refusal(text)
    assert said in error.what
    assert (error.file, error.line) == ("a.yml", line)


def test_control_characters_are_an_error_like_any_other() -> None:
    assert "is not YAML" in refusal("a: \x01\n").what


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"a: \xe9\n", b"\x00" * 10, b"a: b\n" * 2_000_000])
def test_a_file_that_is_binary_or_huge_is_an_error_like_any_other(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.yml").write_bytes(data)
    with pytest.raises(ActionError) as caught:
        yaml_text.load(tmp_path / "a.yml", "code/a.yml")
    assert caught.value.file == "code/a.yml"


def test_a_byte_order_mark_is_not_part_of_the_first_key(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_bytes(b"\xef\xbb\xbfa: b\n")
    assert yaml_text.load(tmp_path / "a.yml", "a.yml") == {"a": "b"}


@pytest.mark.parametrize(
    ("key", "line"),
    [("a", 1), ("a.b", 2), ("a.b.1.c", 4), ("a.b.1.missing", 4), ("a.missing.x", 1), ("d", 5), ("missing", None)],
)
def test_the_line_of_a_key_or_of_the_nearest_one_above(tmp_path: Path, key: str, line: int | None) -> None:
    (tmp_path / "a.yml").write_text("a:\n  b:\n  - x\n  - c: y\nd: z\n")
    assert yaml_text.line_of(tmp_path / "a.yml", key) == line
