"""YAML with the values of JSON, and its bounds. Text-only YAML is tested with the run configurations that are written in it."""

from __future__ import annotations

import itertools

import pytest

from aml_actions.errors import ActionError
from aml_actions.yaml_reader import parse


def content(text):
    return parse(text, "a.yml").content


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("300", 300),
        ("-7", -7),
        ("010", 10),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("on", "on"),
        ("1_000", "1_000"),
        ("0x1f", "0x1f"),
        ("12:30", "12:30"),
        ("2024-01-31", "2024-01-31"),
        ("'300'", "300"),
        ('"true"', "true"),
        ("!!str 300", "300"),
        (".inf", ".inf"),
        ("9" * 500, "9" * 500),
    ],
)
def test_a_value_means_what_json_means(text, value):
    found = content(f"a: {text}\n")["a"]
    assert (found, type(found)) == (value, type(value))


def test_keys_are_text():
    assert content("on: push\n1: x\ntrue: y\n") == {"on": "push", "1": "x", "true": "y"}


def test_a_key_that_stands_twice_is_noted_and_the_last_one_counts():
    document = parse("a: 1\nb: 2\na: 3\n", "a.yml")
    assert (document.content, document.doubles) == ({"a": 3, "b": 2}, [("a", 3)])


def test_lines_of_keys_and_entries():
    assert parse("a:\n  b: 1\nc:\n- x\n- y: 2\n", "a.yml").lines == {
        "a": 1,
        "a.b": 2,
        "c": 3,
        "c.0": 4,
        "c.1": 5,
        "c.1.y": 5,
    }


def _bomb(each: str) -> str:
    lines = ["a: &a {x: 1, y: 2}"]
    lines += [
        f"{name}: &{name} " + each % ", ".join([f"*{last}"] * 9) for last, name in itertools.pairwise("abcdefghijkl")
    ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [*a]",
        _bomb("[%s]"),
        _bomb("{<<: [%s]}"),
        "[" * 100_000,
        "a: !!python/object:os.system x",
        "a: !!timestamp x",
        "a: !!bool maybe",
        "a: 1\n---\nb: 2\n",
        "? [a]\n: b",
        "a: *b",
        "a: {",
        "a: \x01",
    ],
)
def test_what_no_file_of_settings_holds_is_one_error(text):
    with pytest.raises(ActionError) as caught:
        content(text)
    assert caught.value.what.startswith("a.yml ")
