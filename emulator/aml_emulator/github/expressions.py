"""Find what `${{ }}` expressions refer to. Only references are read here; act evaluates."""

import re
from collections.abc import Iterator

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_STRING = re.compile(r"'(?:[^']|'')*'")
_NAME = r"[A-Za-z_][A-Za-z0-9_-]*"
_STEP_OUTPUT = re.compile(rf"\bsteps\.({_NAME})\.outputs\.({_NAME})", re.IGNORECASE)
_STEP = re.compile(rf"\bsteps\.({_NAME})", re.IGNORECASE)
_NEEDS_OUTPUT = re.compile(rf"\bneeds\.({_NAME})\.outputs\.({_NAME})", re.IGNORECASE)
_INDEXED = re.compile(rf"\[\s*'({_NAME})'\s*\]")


def bodies(text: str) -> Iterator[str]:
    """Give the expressions in a text, with `steps['a']` written as `steps.a`, and without other strings' content."""
    for body in _EXPRESSION.findall(text):
        yield normalized(body)


def normalized(body: str) -> str:
    """Give one expression in the form the searches here read. An `if:` may stand without its braces."""
    return _STRING.sub("''", _INDEXED.sub(r".\1", body))


def step_outputs(text: str) -> list[tuple[str, str]]:
    """Give each (step, output) that a text's expressions read."""
    return [found for body in bodies(text) for found in _STEP_OUTPUT.findall(body)]


def steps(text: str) -> list[str]:
    """Give each step that a text's expressions refer to."""
    return [found for body in bodies(text) for found in _STEP.findall(body)]


def needed_outputs(text: str) -> list[tuple[str, str]]:
    """Give each (job, output) that a text's expressions read from `needs`."""
    return [found for body in bodies(text) for found in _NEEDS_OUTPUT.findall(body)]


def calls(text: str, function: str) -> bool:
    """Tell whether an expression in the text calls a function."""
    pattern = re.compile(rf"(?<![\w.-]){re.escape(function)}\s*\(", re.IGNORECASE)
    return any(pattern.search(body) for body in bodies(text))


def reads_secrets(text: str) -> bool:
    """Tell whether an expression in the text reads the `secrets` context, or the token in `github`."""
    pattern = re.compile(r"(?<![\w.-])secrets\b|(?<![\w.-])github\.token\b", re.IGNORECASE)
    return any(pattern.search(body) for body in bodies(text))
