"""YAML of which every value is the text that stands in the file.

SDK v1 read its files as YAML 1.2 and turned arguments and environment variables into text. PyYAML reads YAML 1.1, in which
``yes`` is true and ``010`` is eight: with its types, a script would not get what the user wrote.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aml_actions.errors import ActionError


def load(file: Path, name: str) -> Any:  # noqa: ANN401 - any YAML: mappings, lists, text and None
    """Return the content of a YAML file.

    Args:
        file: what to read.
        name: how the user calls it, for the message.

    Raises:
        ActionError: it is not YAML, or not UTF-8.

    """
    import yaml

    class Loader(yaml.SafeLoader):
        """Knows two types of values: text and null."""

    Loader.yaml_implicit_resolvers = {
        first: [
            (tag, pattern) for tag, pattern in resolvers if tag in ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        text = file.read_text(encoding="utf-8-sig")
        return yaml.load(text, Loader)  # noqa: S506 - a SafeLoader
    except UnicodeDecodeError as error:
        raise ActionError(
            f"{name} is not UTF-8 text.", value=f"byte {error.start}", fix="save the file as UTF-8"
        ) from None
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(name, text, error) from None
    except yaml.YAMLError as error:
        raise ActionError(f"{name} is not YAML.", cause=str(error), fix="correct the file") from None


def _not_yaml(name: str, text: str, error: Any) -> ActionError:  # noqa: ANN401 - yaml.MarkedYAMLError, imported late
    mark = error.problem_mark or error.context_mark
    lines = text.splitlines()
    line = lines[mark.line].strip() if mark and mark.line < len(lines) else ""
    place = f"line {mark.line + 1}, column {mark.column + 1}: {line}" if mark else None
    cause = "; ".join(part for part in (error.context, error.problem) if part)
    return ActionError(
        f"{name} is not YAML.",
        value=place,
        cause=cause,
        fix="correct the file; often it is the indentation",
        file=name,
        line=mark.line + 1 if mark else None,
    )
