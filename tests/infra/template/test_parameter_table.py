"""The page tells of the parameters that the template has."""

from __future__ import annotations

import json

import pytest
from infra.template import parameter_table
from infra.template.walk import TEMPLATE_FILE


def test_the_page_is_up_to_date() -> None:
    assert parameter_table.main(["--check"]) == 0, "run: python tests/infra/template/parameter_table.py"


def test_every_parameter_has_a_row() -> None:
    template = json.loads(TEMPLATE_FILE.read_text(encoding="utf-8"))
    rows = [line for line in parameter_table.tables(template).splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [
        name
        for group in dict.fromkeys(each["metadata"]["group"] for each in template["parameters"].values())
        for name, each in template["parameters"].items()
        if each["metadata"]["group"] == group
    ]


def test_a_page_without_a_place_for_the_tables_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the markers"):
        parameter_table.page("# A page", {"parameters": {}})
