"""The tables of the template's parameters and outputs in docs/infrastructure.md, from the template itself.

python tests/infra/template/parameter_table.py [--check]
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
TEMPLATE = ROOT / "infra" / "deploy.core-infra.json"
PAGE = ROOT / "docs" / "infrastructure.md"

_MARKED = re.compile(r"(<!-- generated:parameters -->\n).*?(<!-- /generated -->)", re.DOTALL)


def tables(template: dict[str, Any]) -> str:
    """Return a heading and a table for each group of parameters, in the template's order."""
    groups: dict[str, list[str]] = {}
    for name, declaration in template["parameters"].items():
        metadata = declaration["metadata"]
        cells = (f"`{name}`", _kind(declaration), _default(declaration), metadata["description"])
        groups.setdefault(metadata["group"], []).append(f"| {' | '.join(cells)} |")
    head = "| parameter | type | default | what it is |\n|---|---|---|---|"
    return "\n\n".join(f"### {group}\n\n{head}\n" + "\n".join(rows) for group, rows in groups.items())


def page(text: str, template: dict[str, Any]) -> str:
    """Return the page with its tables renewed.

    Raises:
        ValueError: the page lacks the markers.
    """
    renewed, count = _MARKED.subn(lambda match: f"{match[1]}\n{tables(template)}\n\n{match[2]}", text)
    if count != 1:
        raise ValueError(f"{PAGE} lacks the markers <!-- generated:parameters --> ... <!-- /generated -->")
    return renewed


def _kind(declaration: dict[str, Any]) -> str:
    if allowed := declaration.get("allowedValues"):
        return ", ".join(f"`{value}`" for value in allowed)
    if "minValue" in declaration:
        return f"{declaration['type']}, {declaration['minValue']} to {declaration.get('maxValue', '...')}"
    return str(declaration["type"])


def _default(declaration: dict[str, Any]) -> str:
    value, words = declaration["defaultValue"], declaration["metadata"].get("default")
    if words:  # of an expression
        return str(words)
    if isinstance(value, list):
        return "<br>".join(f"`{entry}`" for entry in value)
    if isinstance(value, str):
        return f"`{value}`" if value else "empty"
    return f"`{json.dumps(value)}`"


def main(arguments: list[str] | None = None) -> int:
    """Write the page, or return 1 when it has drifted and `--check` was given."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the page would change")
    check = parser.parse_args(arguments).check
    old = PAGE.read_text(encoding="utf-8")
    new = page(old, json.loads(TEMPLATE.read_text(encoding="utf-8")))
    if new == old:
        return 0
    print(f"{'drifted' if check else 'wrote'}: {PAGE.relative_to(ROOT)}")
    if not check:
        PAGE.write_text(new, encoding="utf-8")
    return int(check)


if __name__ == "__main__":
    sys.exit(main())
