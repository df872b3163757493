"""``python -m aml_actions.generate [--check]``: writes everything that follows from the specs, or tells what has drifted.

Written are ``action-catalog.md``, ``shared/aml_actions/parameter_keys.json`` and, for each action, ``action.yml``,
``parameters.schema.json`` and the tables of ``README.md`` between ``<!-- generated:NAME -->`` and ``<!-- /generated -->``
(NAME: inputs, outputs, parameters, permissions, secrets).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

from aml_actions import pages, parameters
from aml_actions.discovery import find_actions
from aml_actions.schema import file_schema
from aml_actions.spec import ActionSpec

ROOT = Path(__file__).resolve().parents[2]
_MARKED = re.compile(r"(<!-- generated:(?P<name>\w+) -->\n).*?(<!-- /generated -->)", re.DOTALL)
_NEEDED = ("inputs", "outputs", "parameters", "permissions")


def generated(root: Path, specs: list[ActionSpec]) -> dict[Path, str]:
    """Return the text that each generated file must have.

    Raises:
        ValueError: a README lacks a marker, or has an unknown one.
    """
    files = {
        root / "action-catalog.md": pages.catalog(specs),
        root / "shared" / "aml_actions" / parameters.KEYS_FILE.name: _keys(specs),
    }
    for spec in specs:
        folder = root / "actions" / spec.name
        files[folder / "action.yml"] = pages.action_yml(spec)
        if spec.parameters_file:
            files[folder / "parameters.schema.json"] = (
                json.dumps(file_schema(spec), indent=2, ensure_ascii=False) + "\n"
            )
        files[folder / "README.md"] = _readme(folder / "README.md", pages.tables(spec))
    return files


def _keys(specs: list[ActionSpec]) -> str:
    """Return the keys of every parameters file: a step knows its own action only, and still says whose key it has met."""
    keys = {spec.name: {"file": spec.parameters_file, "keys": sorted(spec.parameters.model_fields)} for spec in specs}
    return json.dumps(keys, indent=2) + "\n"


def _readme(file: Path, tables: dict[str, str]) -> str:
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    names = [match["name"] for match in _MARKED.finditer(text)]
    if missing := [name for name in _NEEDED if name in tables and name not in names]:
        raise ValueError(
            f"{file} lacks the markers <!-- generated:NAME --> ... <!-- /generated --> for: {', '.join(missing)}"
        )
    if unknown := [name for name in names if name not in tables]:
        raise ValueError(f"{file} has unknown markers: {', '.join(unknown)} (known: {', '.join(tables)})")
    return _MARKED.sub(lambda match: f"{match[1]}\n{tables[match['name']]}\n{match[3]}", text)


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Write or check the generated files; return 1 when something has drifted or cannot be generated."""
    parser = argparse.ArgumentParser(prog="python -m aml_actions.generate", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 and name each file that would change"
    )
    check = parser.parse_args(arguments).check
    try:
        files = generated(root, find_actions())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    changed = [file for file, text in files.items() if not file.exists() or file.read_text(encoding="utf-8") != text]
    for file in changed:
        print(f"{'drifted' if check else 'wrote'}: {file.relative_to(root)}")
        if not check:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(files[file], encoding="utf-8")
    if check and changed:
        print("Run `make generate` and commit the result.")
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
