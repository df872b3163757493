"""Route templates of HTTP functions."""

from __future__ import annotations

import pytest

from aml_emulator.functions.host.templates import Template, TemplateError

GUID = "0fa9dfaa-cba3-4fa7-b590-23e48548f5c1"


@pytest.mark.parametrize(
    ("template", "path", "found"),
    [
        ("products", "products", {}),
        ("products", "Products/", {}),
        ("products", "products/1", None),
        ("products/{id}", "products/a%20b", {"id": "a b"}),
        ("products/{id}", "products", None),
        ("products/{id?}", "products", {}),
        ("products/{id:int?}", "products/12", {"id": "12"}),
        ("products/{id:int?}", "products/twelve", None),
        ("{category:alpha}/{id:guid}", f"a/{GUID}", {"category": "a", "id": GUID}),
        ("{category:alpha}/{id}", "a1/2", None),
        ("files/{name}.{kind}", "files/a.b.txt", {"name": "a.b", "kind": "txt"}),
        ("files.json", "filesxjson", None),
        ("{*rest}", "a/b/c", {"rest": "a/b/c"}),
        ("{*rest}", "", {}),
        ("on/{flag:bool}", "on/TRUE", {"flag": "TRUE"}),
        ("big/{n:long}", "big/-9007199254740993", {"n": "-9007199254740993"}),
    ],
)  # fmt: skip
def test_what_a_template_matches(template: str, path: str, found: dict[str, str] | None) -> None:
    assert Template(template).match(path) == found


@pytest.mark.parametrize("template", ["a/{b", "a}/b", "{a}/{a}", "{a:zip}", "x{*rest}", "x{y?}"])
def test_templates_that_are_malformed(template: str) -> None:
    with pytest.raises(TemplateError):
        Template(template)


def test_the_route_that_says_more_is_tried_first() -> None:
    routes = [Template(text) for text in ("{*rest}", "a/{b}", "a/b")]
    assert [one.text for one in sorted(routes, key=lambda one: one.rank)] == ["a/b", "a/{b}", "{*rest}"]
