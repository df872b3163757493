"""Whatever a template holds, the answer is a value or an error in Azure's shape: never a failure of the emulator."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from emulator.arm.template.conftest import IDENTITIES, NAMESPACES, VERSION
from emulator.arm.template.language import scope, template
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.workbench import workbench

from aml_emulator.arm.subscriptions import register_provider
from aml_emulator.arm.template import evaluator, positions, secrets
from aml_emulator.arm.template.errors import TemplateError
from aml_emulator.arm.template.functions import FUNCTIONS
from aml_emulator.context import Emulator
from aml_emulator.http import Call, Reply, ServiceError

EXAMPLES = settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

_NAMES = [*FUNCTIONS, "if", "and", "or", "lambda", "listKeys", "ns.own", "providers", "nothing"]
_LITERALS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.text(max_size=8).map(lambda text: "'" + text.replace("'", "''") + "'"),
    st.sampled_from(
        [
            "'P1D'",
            "'a/b'",
            "'{0:N0}'",
            "'{\"a\":1}'",
            "'10.0.0.0/8'",
            "'x'",
            "'p'",
            "'v'",
            "'2024-01-01T00:00:00Z'",
            "'Full'",
        ]
    ),
)


def _call(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    call = st.builds(
        lambda name, arguments: f"{name}({', '.join(arguments)})", st.sampled_from(_NAMES), st.lists(inner, max_size=4)
    )
    return st.one_of(
        call,
        st.builds(lambda a, b: f"{a}[{b}]", call, inner),
        st.builds(lambda a, b: f"{a}.{b}", call, st.sampled_from("abc")),
    )


EXPRESSIONS = st.one_of(
    st.recursive(_LITERALS, _call, max_leaves=12).map(lambda text: f"[{text}]"),
    st.text(alphabet="[]()'.,? ax1-{}\\\"", max_size=40).map(lambda text: f"[{text}]"),
    st.text(max_size=20),
)
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 1000),
    EXPRESSIONS,
    st.sampled_from(["a", IDENTITIES, VERSION, "string", "inner"]),
)
_KEYS = st.sampled_from(
    [
        "name",
        "type",
        "apiVersion",
        "condition",
        "dependsOn",
        "copy",
        "scope",
        "properties",
        "resources",
        "location",
        "tags",
        "count",
        "input",
        "mode",
        "batchSize",
        "template",
        "parameters",
        "value",
        "reference",
        "keyVault",
        "id",
        "secretName",
        "defaultValue",
        "allowedValues",
        "minLength",
        "expressionEvaluationOptions",
        "namespace",
        "members",
        "output",
        "outputs",
        "variables",
        "functions",
        "resourceGroup",
        "subscriptionId",
        "existing",
        "nullable",
        "metadata",
        "$ref",
    ]
)
VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEYS, inner, max_size=5)),
    max_leaves=25,
)
_RESOURCES = st.fixed_dictionaries(
    {
        "type": st.sampled_from([IDENTITIES, "Microsoft.Resources/deployments"]),
        "apiVersion": st.just(VERSION),
        "name": st.sampled_from(["one", "two"]),
    },
    optional={
        "location": st.just("westeurope"),
        "tags": st.dictionaries(st.sampled_from("ab"), EXPRESSIONS, max_size=2),
        "copy": st.fixed_dictionaries({"name": st.just("l"), "count": st.one_of(st.integers(0, 3), EXPRESSIONS)}),
        "condition": st.one_of(st.booleans(), EXPRESSIONS),
        "dependsOn": st.lists(st.one_of(st.sampled_from(["one", "two", "l"]), VALUES), max_size=2),
        "properties": VALUES,
        "resources": VALUES,
        "scope": EXPRESSIONS,
    },
)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with workbench(tmp_path_factory.mktemp("bench")) as bench:
        emulator = bench.emulator
        for namespace in NAMESPACES:
            register_provider(emulator, namespace)
        yield emulator


@pytest.fixture(scope="module")
def ask(here: Emulator) -> Callable[[str, str, Any], Reply]:
    """Sends a body to a deployment, as the server would; what is no error of Azure's is raised."""
    group = f"/subscriptions/{here.tokens.identity.subscription_id}/resourceGroups/any"
    here.resources.put(group, {"location": "westeurope", "properties": {"provisioningState": "Succeeded"}})

    def send(method: str, action: str, body: Any) -> Reply:
        path = f"{group}/providers/Microsoft.Resources/deployments/d{action}"
        found = here.router.find(method, quote(path))
        assert found is not None
        query = {"api-version": VERSION}
        call = Call(method, path, quote(path), query, "", {}, json.dumps(body).encode(), found[2])
        try:
            return found[0](replace(call, params=found[2]))
        except ServiceError as error:
            return error.reply()

    return send


@EXAMPLES
@given(text=EXPRESSIONS)
def test_any_expression_gives_a_value_or_an_error(text: str) -> None:
    functions = [{"namespace": "ns", "members": {"own": {"output": {"type": "int", "value": 1}}}}]
    around = scope({"p": "x"}, parameters={"p": {"type": "string"}}, variables={"v": {"a": [1]}}, functions=functions)
    try:
        json.dumps(evaluator.evaluate(text, around))
    except TemplateError as error:
        assert error.message
    except ServiceError as error:
        assert error.status == 501


@EXAMPLES
@given(value=VALUES, path=st.lists(st.one_of(_KEYS, st.integers(0, 3)), max_size=4))
def test_any_text_has_positions(value: Any, path: list[str | int]) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=2), json.dumps(value)[:-1]):
        line, column = positions.Positions(text).of(path)
        assert line >= 1
        assert column >= 1


@EXAMPLES
@given(
    members=st.dictionaries(
        st.sampled_from(["resources", "parameters", "variables", "functions", "outputs", "definitions"]), VALUES
    ),
    given_=VALUES,
)
def test_any_template_is_validated_or_refused(ask: Callable[..., Reply], members: dict[str, Any], given_: Any) -> None:
    body = {"properties": {"mode": "Incremental", "template": template(**members), "parameters": given_}}
    for action in ("/validate", "/whatIf"):
        reply = ask("POST", action, body)
        assert reply.status in (200, 202, 400, 404, 409, 501), reply.body
        json.dumps(reply.body)
    json.dumps(secrets.hidden_request(body))


@settings(EXAMPLES, max_examples=150)
@given(
    resources=st.lists(_RESOURCES, max_size=3),
    outputs=st.dictionaries(
        st.just("o"), st.fixed_dictionaries({"type": st.just("string"), "value": EXPRESSIONS}), max_size=1
    ),
)
def test_any_deployment_ends_with_azures_error_at_most(
    ask: Callable[..., Reply], resources: list[Any], outputs: dict[str, Any]
) -> None:
    body = {"properties": {"mode": "Incremental", "template": template(resources=resources, outputs=outputs)}}
    reply = ask("PUT", "", body)
    assert reply.status in (200, 201, 400, 404, 409, 501), reply.body
    if reply.status in (200, 201):
        while (found := ask("GET", "", {}).body["properties"])["provisioningState"] in ("Accepted", "Running"):
            pass
        assert "InternalServerError" not in json.dumps(found)
