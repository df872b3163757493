"""From the resources of a template to what is deployed, and in which order."""

from __future__ import annotations

from typing import Any

import pytest
from emulator.arm.template.language import GROUP_ID, planned

from aml_emulator.arm.template.errors import TemplateError

VERSION = "2024-01-01"


def thing(name: str, **members: Any) -> dict[str, Any]:
    return {"type": "My.Rp/things", "apiVersion": VERSION, "name": name, **members}


def thing_id(name: str) -> str:
    return f"{GROUP_ID}/providers/My.Rp/things/{name}"


def needs(resources: Any, name: str, **members: Any) -> set[str]:
    plan = planned(resources, **members)
    return {key.rpartition("/")[2] for key in plan.find(name)[0].needs}


def test_children_and_extensions_have_the_ids_that_azure_gives_them() -> None:
    resources = [
        thing("a", resources=[{"type": "parts", "apiVersion": VERSION, "name": "b"}]),
        {"type": "My.Rp/things/parts", "apiVersion": VERSION, "name": "a/c"},
        {"type": "My.Ext/marks", "apiVersion": VERSION, "name": "m", "scope": "My.Rp/things/a"},
        {"type": "My.Ext/marks", "apiVersion": VERSION, "name": "m", "scope": "[resourceId('My.Rp/things', 'z')]"},
        {"type": "My.Rp/things/providers/marks", "apiVersion": VERSION, "name": "a/My.Old/m"},
    ]
    assert [one.id for one in planned(resources).resources] == [
        thing_id("a"),
        f"{thing_id('a')}/parts/b",
        f"{thing_id('a')}/parts/c",
        f"{thing_id('a')}/providers/My.Ext/marks/m",
        f"{thing_id('z')}/providers/My.Ext/marks/m",
        f"{thing_id('a')}/providers/My.Old/marks/m",
    ]


def test_a_dependency_is_named_by_id_by_type_by_name_or_by_loop() -> None:
    resources = [
        thing("a"),
        thing("[concat('c', copyIndex())]", copy={"name": "Loop", "count": 2}),
        thing("by-id", dependsOn=["[toUpper(resourceId('My.Rp/things', 'a'))]"]),
        thing("by-type", dependsOn=["[concat('my.rp/things/', 'A')]"]),
        thing("by-name", dependsOn=["a"]),
        thing("by-loop", dependsOn=["loop"]),
    ]
    assert {name: needs(resources, name) for name in ("by-id", "by-type", "by-name", "by-loop")} == {
        "by-id": {"a"},
        "by-type": {"a"},
        "by-name": {"a"},
        "by-loop": {"c0", "c1"},
    }


def test_a_resource_of_another_group_is_not_the_templates_own_of_the_same_name() -> None:
    text = "[resourceId('another', 'My.Rp/things', 'a')]"
    reads = thing("reader", properties={"x": "[reference(resourceId('another', 'My.Rp/things', 'a'), '2024-01-01').x]"})
    assert needs([thing("a"), reads], "reader") == set()
    assert planned([thing("a")]).find(f"{GROUP_ID[:-3]}/another/providers/My.Rp/things/a") == []
    with pytest.raises(TemplateError, match="is not defined in the template"):
        planned([thing("a"), thing("b", dependsOn=[text])])


def test_a_reference_is_a_dependency() -> None:
    resources = [
        thing("a"),
        thing("b"),
        thing(
            "c",
            properties={
                "by": "[reference('a').x]",
                "id": "[if(true(), reference(resourceId('My.Rp/things', 'b')).x, '')]",
                "own": "[reference('c').x]",
            },
        ),
        thing("d", properties={"k": "[listKeys('b', '2020-01-01').keys[0]]"}),
    ]
    assert needs(resources, "c") == {"a", "b"}
    assert needs(resources, "d") == {"b"}


def test_a_resource_whose_condition_is_false_is_no_dependency() -> None:
    resources = [
        thing("a", condition="[parameters('on')]"),
        thing("b", dependsOn=["[resourceId('My.Rp/things', 'a')]"]),
    ]
    declared = {"on": {"type": "bool"}}
    assert needs(resources, "b", given={"on": False}, parameters=declared) == set()
    assert needs(resources, "b", given={"on": True}, parameters=declared) == {"a"}


def test_a_loop_that_goes_round_zero_times_may_be_a_dependency() -> None:
    resources = [thing("x[copyIndex()]", copy={"name": "none", "count": 0}), thing("b", dependsOn=["none"])]
    assert [one.name for one in planned(resources).resources] == ["b"]


def test_a_serial_loop_waits_for_the_batch_before() -> None:
    resources = [thing("[concat('c', copyIndex())]", copy={"name": "l", "count": 5, "mode": "Serial", "batchSize": 2})]
    plan = planned(resources)
    assert {one.name: {key.rpartition("/")[2] for key in one.needs} for one in plan.resources} == {
        "c0": set(),
        "c1": set(),
        "c2": {"c0", "c1"},
        "c3": {"c0", "c1"},
        "c4": {"c2", "c3"},
    }


def test_symbolic_names_name_resources() -> None:
    resources = {"first": thing("a"), "second": thing("b", dependsOn=["first"]), "old": thing("c", existing=True)}
    plan = planned(resources)
    assert needs(resources, "second") == {"a"}
    assert [one.deploys for one in plan.resources] == [True, True, False]


def test_a_loop_inside_a_loop_of_properties_knows_both_indexes() -> None:
    item = thing(
        "[concat('c', copyIndex())]",
        copy={"name": "outer", "count": 2},
        properties={
            "copy": [
                {"name": "p", "count": "[add(copyIndex(), 1)]", "input": "[add(mul(copyIndex(), 10), copyIndex('p'))]"}
            ]
        },
    )
    assert [one.body(one.scope)["properties"] for one in planned([item]).resources] == [{"p": [0]}, {"p": [10, 11]}]


def test_what_is_sent_is_the_resource_without_what_the_engine_reads() -> None:
    item = thing(
        "a", comments="x", condition=True, dependsOn=[], location="[resourceGroup().location]", sku={"name": "S"}
    )
    one = planned([item]).resources[0]
    assert one.body(one.scope) == {"location": "westeurope", "sku": {"name": "S"}}


WRONG = {
    "segments": (
        [{"type": "My.Rp/things/parts", "apiVersion": VERSION, "name": "b"}],
        "The template resource 'b' for type 'My.Rp/things/parts' has incorrect segment lengths. A nested resource type must have "
        "identical number of segments as its resource name. A root resource type must have segment length one greater than its "
        "resource name. Please see https://aka.ms/arm-template/#resources for usage details.",
    ),
    "not defined": (
        [thing("a", dependsOn=["[resourceId('My.Rp/things', 'z')]"])],
        f"The resource '{thing_id('z')}' is not defined in the template. Please see https://aka.ms/arm-template for usage details.",
    ),
    "circle": (
        [thing("x"), thing("a", dependsOn=["b"]), thing("b", properties={"p": "[reference('a').q]"})],
        f"Circular dependency detected on resource: '{thing_id('a')}'. Please see https://aka.ms/arm-template/#resources for usage "
        "details.",
    ),
    "twice": (
        [thing("a"), thing("A")],
        f"The resource '{thing_id('A')}' is defined multiple times in a template. Please see "
        "https://aka.ms/arm-template/#resources for usage details.",
    ),
    "reference outside of properties": (
        [thing("a", tags={"x": "[reference('b').x]"}), thing("b")],
        "The template function 'reference' is not expected at this location. Please see https://aka.ms/arm-template-expressions for "
        "usage details.",
    ),
    "reference in a name": (
        [thing("[reference('b').x]"), thing("b")],
        "The template function 'reference' is not expected at this location. Please see https://aka.ms/arm-template-expressions for "
        "usage details.",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_template_is_refused_in_azures_words(case: str) -> None:
    resources, message = WRONG[case]
    with pytest.raises(TemplateError) as refused:
        planned(resources)
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("resources", "part"),
    [
        ("x", "must be an array"),
        ([1], "must be an object, not a value of type 'Integer'"),
        ([{"type": "My.Rp/things", "name": "a"}], "The api-version is missing"),
        ([thing("")], "its name must be a string that is not empty"),
        ([thing("a", condition="yes")], "must be a boolean, not a value of type 'String'"),
        ([thing("a", copy=[])], "The copy of a resource must be an object"),
        (
            [thing("a", copy={"name": "c", "count": "[reference('a').n]"})],
            "'reference' is not expected at this location",
        ),
        ([thing("a", dependsOn=[1])], "A dependency must be a string"),
        ([thing("[concat('a', copyIndex())]", copy={"name": "l", "count": 801})], "'801' must be between 0 and 800"),
        ([thing("a", scope=1)], "The scope of a template resource must be a string"),
    ],
)
def test_a_declaration_that_is_none_is_told(resources: Any, part: str) -> None:
    with pytest.raises(TemplateError) as refused:
        planned(resources)
    assert part in refused.value.message
