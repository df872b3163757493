"""YAML of which every value is the text that stands in the file.

SDK v1 read its files as YAML 1.2 and turned arguments and environment variables into text: with the types of YAML, a script would
not get what the user wrote.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aml_actions import yaml_reader
from aml_actions.errors import ActionError
from aml_actions.text_files import read_text
from aml_actions.yaml_reader import Document


def load(file: Path, name: str) -> Any:  # noqa: ANN401 - any YAML: mappings, lists, text and None
    """Return the content of a YAML file.

    Args:
        file: what to read.
        name: how the user calls it, for the message.

    Raises:
        ActionError: it is not YAML, not UTF-8, has a key twice, or exceeds what a person writes.

    """
    return parse(read_text(file, name), name).content


def parse(text: str, name: str) -> Document:
    """Return the content of a YAML text.

    Raises:
        ActionError: as for `load`.

    """
    return yaml_reader.parse(text, name, typed=False, unique=True)


def line_of(file: Path, key: str) -> int | None:
    """Return the line of a key such as ``steps.train.compute``, or of the nearest key above it that is there; from 1."""
    try:
        lines = parse(read_text(file, file.name), file.name).lines
    except ActionError:
        return None
    parts = key.split(".")
    shorter = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((lines[path] for path in shorter if path in lines), None)
