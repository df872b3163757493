"""The filter patterns, with the examples of GitHub's cheat sheet."""

import pytest

from aml_emulator.github.patterns import matches


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("main", "main", True),
        ("main", "main2", False),
        ("releases/*", "releases/v1", True),
        ("releases/*", "releases/v1/beta", False),
        ("releases/**", "releases/v1/beta", True),
        ("**", "any/thing", True),
        ("*", "main", True),
        ("*", "feature/a", False),
        ("v2*", "v2.0", True),
        ("v[12].[0-9]+.[0-9]+", "v1.10.1", True),
        ("v[12].[0-9]+.[0-9]+", "v3.1.1", False),
        ("*.jsx?", "page.js", True),
        ("*.jsx?", "page.jsx", True),
        ("code/**", "code/train/train.py", True),
        ("code/**", "codes/train.py", False),
        ("**.md", "docs/a/README.md", True),
        ("**/README.md", "README.md", True),
        ("docs/**/*.md", "docs/hello.md", True),
        ("docs/**/*.md", "docs/a/markdown/file.md", True),
        ("*.js", "js/index.js", False),
        ("a.b", "axb", False),
        (r"\*", "*", True),
        (r"\*", "x", False),
    ],
)
def test_a_pattern_matches_as_on_github(pattern: str, value: str, expected: bool) -> None:
    assert matches([pattern], value) is expected


def test_a_later_pattern_takes_back_and_adds_again() -> None:
    patterns = ["releases/**", "!releases/**-alpha", "releases/10-alpha"]
    assert matches(patterns, "releases/10")
    assert not matches(patterns, "releases/beta/3-alpha")
    assert matches(patterns, "releases/10-alpha")


def test_an_unclosed_bracket_is_told() -> None:
    with pytest.raises(ValueError, match="without a \\]"):
        matches(["v[1"], "v1")
