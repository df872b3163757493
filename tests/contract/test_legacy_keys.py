"""The five actions know every input, output, secret and key that the legacy actions had."""

from __future__ import annotations

import re

import pytest
from contract.legacy_keys import LEGACY_FILES, LEGACY_INPUTS, LEGACY_KEYS, LEGACY_OUTPUTS, LEGACY_SECRETS
from support.steps import ROOT

from aml_actions.discovery import find_actions

SPECS = {spec.name: spec for spec in find_actions()}
CONTRACT = ROOT.parent / "shared" / "contracts" / "legacy-actions.md"


def test_the_five_of_old_are_there():
    assert set(LEGACY_KEYS) <= set(SPECS)


@pytest.mark.parametrize("name", LEGACY_KEYS)
def test_every_legacy_name_is_declared(name):
    spec = SPECS[name]
    assert set(LEGACY_KEYS[name]) <= set(spec.parameters.model_fields)
    assert set(LEGACY_INPUTS[name]) <= {one.name for one in spec.inputs}
    assert set(LEGACY_OUTPUTS[name]) <= {one.name for one in spec.outputs}
    assert set(LEGACY_SECRETS[name]) <= {one.name for one in spec.secrets}
    assert spec.parameters_file == LEGACY_FILES[name]


@pytest.mark.parametrize("name", LEGACY_KEYS)
def test_every_key_is_described_where_people_look(name):
    spec = SPECS[name]
    readme = (ROOT / "actions" / name / "README.md").read_text(encoding="utf-8")
    schema = (ROOT / "actions" / name / "parameters.schema.json").read_text(encoding="utf-8")
    catalog = (ROOT / "action-catalog.md").read_text(encoding="utf-8").partition(f"\n## {name}\n")[2].split("\n## ")[0]
    for key in spec.parameters.model_fields:
        assert f"| `{key}` |" in readme, key
        assert f"| `{key}` |" in catalog, key
        assert f'"{key}": {{' in schema, key
    for one in (*spec.outputs, *spec.inputs, *spec.secrets):
        assert f"| `{one.name}` |" in readme, one.name
        assert f"| `{one.name}` |" in catalog, one.name


def _keys_of_the_contract(name: str) -> set[str]:
    """The first column of the table of keys in the action's section."""
    text = CONTRACT.read_text(encoding="utf-8")
    section = re.search(rf"^## 1\.\d `Azure/{name}`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section
    table = re.search(r"^\| Key in .*?\n\|[-| ]+\n((?:\|.*\n)+)", section[1], re.MULTILINE)
    assert table
    cells = [re.split(r"(?<!\\)\|", row)[1] for row in table[1].splitlines()]
    return {key for cell in cells for key in re.findall(r"`([a-z][a-z_]+)`", cell)}


@pytest.mark.skipif(not CONTRACT.is_file(), reason="the contract is no part of this repository; it lies beside it")
@pytest.mark.parametrize("name", LEGACY_KEYS)
def test_the_list_of_keys_is_the_one_of_the_contract(name):
    assert set(LEGACY_KEYS[name]) == _keys_of_the_contract(name)
