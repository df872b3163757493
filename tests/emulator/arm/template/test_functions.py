"""Every function of the language. Rows marked "Bicep" are results of Microsoft's engine, as Azure/bicep's own tests state them
(FunctionResolverTests.GetLiteralTransformations, baselines_bicepparam/Expressions); "docs" are examples of the reference pages."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
from emulator.arm.template.language import GROUP_ID, evaluated

from aml_emulator.arm.template.errors import TemplateError
from aml_emulator.arm.template.functions import FUNCTIONS

_LAMBDA = "lambda('a', 'b', {})"

BICEP = [
    ("base64(' Fizz ')", "IEZpenog"),
    ("base64ToString('IEZpenog')", " Fizz "),
    ("dataUri(' Fizz ')", "data:text/plain;charset=utf-8;base64,IEZpenog"),
    ("dataUriToString('data:text/plain;charset=utf-8;base64,IEZpenog')", " Fizz "),
    ("first('Fizz')", "F"),
    ("last('Fizz')", "z"),
    ("toLower(' Fizz ')", " fizz "),
    ("toUpper(' Fizz ')", " FIZZ "),
    ("trim(' Fizz ')", "Fizz"),
    ("uriComponent(' Fizz ')", "%20Fizz%20"),
    ("uriComponentToString('%20Fizz%20')", " Fizz "),
    ("uniqueString('snap', 'crackle', 'pop')", "byghxckddilkc"),
    ("guid('foo', 'bar', 'baz')", "2ed86837-7c7c-5eaa-9864-dd077fd19b0d"),
    ("replace('foot', 't', 'd')", "food"),
    ("format('{0}/{1}/{2}/{3}', 1, 2, 3, true())", "1/2/3/True"),
    ("padLeft('00', 5, ' ')", "   00"),
    ("length('table')", 5),
    ("length(createArray(1, 2, 3, 4, 5))", 5),
    ("uri('https://github.com/another/repo', '/Azure/bicep')", "https://github.com/Azure/bicep"),
    ("substring('foot', 0, 3)", "foo"),
    ("take('foot', 3)", "foo"),
    ("skip('foot', 3)", "t"),
    ("empty('non-empty string')", False),
    ("contains('foot', 'foo')", True),
    ("contains('FOOBAR', 'foo')", False),
    ("indexOf('food', 'o')", 1),
    ("indexOf('FOOBAR', 'foo')", 0),
    ("lastIndexOf('food', 'o')", 2),
    ("startsWith('food', 'foo')", True),
    ("endsWith('foot', 't')", True),
    ("min(10, 4, 1, 6)", 1),
    ("max(10, 4, 1, 6)", 10),
    ("split('fizz,buzz,pop', ',')", ["fizz", "buzz", "pop"]),
    ("take(createArray('fizz', 'buzz', 'pop'), 2)", ["fizz", "buzz"]),
    ("contains(createArray('fizz', 'buzz', 'pop'), 'fizz')", True),
    ("intersection(createArray('fizz', 'buzz', 'pop'), createArray('snap', 'crackle', 'pop'))", ["pop"]),
    ("union(createArray('fizz', 'buzz'), createArray('pop'))", ["fizz", "buzz", "pop"]),
    ("first(createArray('fizz', 'buzz', 'pop'))", "fizz"),
    ("first(createArray())", None),
    ("last(createArray('fizz', 'buzz', 'pop'))", "pop"),
    ("last(createArray())", None),
    ("indexOf(createArray('fizz', 'buzz', 'pop', 'fizz'), 'fizz')", 0),
    ("indexOf(createArray('FIZZ'), 'fizz')", -1),
    ("lastIndexOf(createArray('fizz', 'buzz', 'pop', 'fizz'), 'fizz')", 3),
    ("min(createArray(10, 4, 1, 6))", 1),
    ("max(createArray(10, 4, 1, 6))", 10),
    ("array(createArray())", []),
    ('base64ToJson(base64(\'{"hi": "there"}\')).hi', "there"),
    ("bool(true())", True),
    ("concat(createArray('abc'), createArray('def'))", ["abc", "def"]),
    ("contains('foo/bar', '/')", True),
    ("dateTimeAdd(dateTimeFromEpoch(1680224438), 'P1D')", "2023-04-01T01:00:38Z"),
    ("dateTimeToEpoch(dateTimeFromEpoch(1680224438))", 1680224438),
    ("empty(createArray())", True),
    ("filter(createArray(1, 2), lambda('i', less(lambdaVariables('i'), 2)))", [1]),
    ("flatten(createArray(createArray('abc'), createArray('def')))", ["abc", "def"]),
    ("format('->{0}<-', 123)", "->123<-"),
    ("guid('asdf')", "228d27cc-6fdb-5934-b7ac-1efccebade04"),
    ("int(123)", 123),
    ("intersection(createArray(1, 2, 3), createArray(2, 3, 4))", [2, 3]),
    ("items(createObject('foo', 'abc', 'bar', 123))", [{"key": "bar", "value": 123}, {"key": "foo", "value": "abc"}]),
    ("join(createArray('abc', 'def', 'ghi'), '/')", "abc/def/ghi"),
    ("join(createArray('abc', 123, true()), '/')", "abc/123/True"),
    ("lastIndexOf('abcba', 'b')", 3),
    ("map(range(0, 3), lambda('i', format('Hi {0}!', lambdaVariables('i'))))", ["Hi 0!", "Hi 1!", "Hi 2!"]),
    ("padLeft(13, 5)", "   13"),
    ("range(0, 3)", [0, 1, 2]),
    (
        "reduce(createArray('a', 'b', 'c'), '', "
        + _LAMBDA.format("format('{0}-{1}', lambdaVariables('a'), lambdaVariables('b'))")
        + ")",
        "-a-b-c",
    ),
    ("replace('abc', 'b', '/')", "a/c"),
    ("skip(createArray(1, 2, 3), 1)", [2, 3]),
    (
        "sort(createArray('c', 'd', 'a'), " + _LAMBDA.format("less(lambdaVariables('a'), lambdaVariables('b'))") + ")",
        ["a", "c", "d"],
    ),
    ("string('asdf')", "asdf"),
    ("substring('asdfasf', 3)", "fasf"),
    (
        "toObject(createArray('a', 'b'), lambda('x', lambdaVariables('x')), lambda('x', format('Hi {0}!', lambdaVariables('x'))))",
        {"a": "Hi a!", "b": "Hi b!"},
    ),
    ("trim('  adf asdf  ')", "adf asdf"),
    ("union(createObject('abc', 'def'), createObject('def', 'ghi'))", {"abc": "def", "def": "ghi"}),
    ("uniqueString('asd', 'asdf', 'asdf')", "iizpqit7ih3cc"),
    ("uniqueString('/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/myRg')", "js26ofeqkqeve"),
    ("uri('https://github.com', 'Azure/bicep')", "https://github.com/Azure/bicep"),
    ("uriComponent('UB*8h 0+=_)9h9n')", "UB%2A8h%200%2B%3D_%299h9n"),
    ("uriComponentToString('%20%25%20')", " % "),
    ("add(123, 456)", 579),
    ("sub(456, 123)", 333),
    ("mul(2, 3)", 6),
    ("div(10, 2)", 5),
    ("less(1, 2)", True),
    ("greater(1, 2)", False),
    ("greaterOrEquals(1, 2)", False),
    ("lessOrEquals(1, 2)", True),
    ("format('{0}', createObject('a', 'b', '!c', 2))", "{'a':'b','!c':2}"),
]

REFERENCE = [
    ("format('{0:N0}', 8175133)", "8,175,133"),
    ("string(createObject('valueA', 10, 'valueB', 'Example Text'))", '{"valueA":10,"valueB":"Example Text"}'),
    ("uniqueString('fu')", "6rkxbspxjmsho"),
    ("uniqueString('fubar')", "cj2xpqsiwjfne"),
    ("uniqueString('fu', 'bar')", "q5wxoscxs5j6k"),
    ("uniqueString('/subscriptions/00000000-0000-0000-0000-000000000000', 'resource-id')", "cwvxuqg24sifi"),
    ("uniqueString('a')", "eveiun73364hy"),
    ("base64('one, two, three')", "b25lLCB0d28sIHRocmVl"),
    ("json('null')", None),
    ('json(\'{"a": "b"}\')', {"a": "b"}),
    ("json('{''a'':''b''}').a", "b"),
    ("take('foot', -1)", ""),
    ("take('foot', 9)", "foot"),
    ("skip(createArray(1), -1)", [1]),
    ("skip(createArray(1), 9)", []),
    ("int('123')", 123),
    ("bool('1')", True),
    ("bool('False')", False),
    ("mod(7, 3)", 1),
    ("mod(-7, 3)", -1),
    ("div(-8, 3)", -2),
    ("split('one;two,three', createArray(',', ';'))", ["one", "two", "three"]),
    ("startsWith('Food', 'fOO')", True),
    ("endsWith('Foot', 'OT')", True),
    ("empty(null())", True),
    ("empty(createObject())", True),
    ("first('')", ""),
    ("concat('a', 1, true())", "a1True"),
    ("concat(1, 'a')", "1a"),
    ("equals('a', 'A')", False),
    ("equals(createObject('K', 1), createObject('k', 1))", True),
    ("equals(1, '1')", False),
    ("equals(1, true())", False),
    ("contains(createObject('Key', 1), 'kEY')", True),
    ("contains(createArray('a'), 'A')", False),
    ("coalesce(null(), null(), 'c', 'd')", "c"),
    ("not(false())", True),
    ("or(false(), true())", True),
    ("and(true(), true(), false())", False),
    ("if(true(), 'yes', div(1, 0))", "yes"),
    ("if(false(), div(1, 0), 'no')", "no"),
    (
        "union(createObject('a', createObject('x', 1)), createObject('A', createObject('y', 2)))",
        {"a": {"x": 1, "y": 2}},
    ),
    ("union(createArray(1, 1, 2), createArray(2, 3))", [1, 2, 3]),
    ("intersection(createObject('a', 1, 'b', 2), createObject('b', 2, 'a', 3))", {"b": 2}),
    ("array('x')", ["x"]),
    ("float('1.5')", 1.5),
    ("objectKeys(createObject('b', 1, 'a', 2))", ["a", "b"]),
    ("shallowMerge(createArray(createObject('a', 1), createObject('A', 2, 'b', 3)))", {"a": 2, "b": 3}),
    ("tryGet(createObject('a', createArray(5)), 'a', 0)", 5),
    ("tryGet(createObject('a', 1), 'b')", None),
    ("indexFromEnd(createArray(1, 2, 3), 1)", 3),
    ("tryIndexFromEnd(createArray(1), 2)", None),
    ("mapValues(createObject('a', 1), lambda('v', add(lambdaVariables('v'), 1)))", {"a": 2}),
    (
        "groupBy(createArray('ab', 'ac', 'b'), lambda('x', first(lambdaVariables('x'))))",
        {"a": ["ab", "ac"], "b": ["b"]},
    ),
    (
        "filter(createArray('a', 'b'), lambda('x', 'i', equals(lambdaVariables('i'), 1)))",
        ["b"],
    ),
    ("dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y')", "2023-04-07T14:53:14Z"),
    ("dateTimeAdd('2020-04-07 14:53:14Z', '-P9D')", "2020-03-29T14:53:14Z"),
    ("dateTimeAdd('2020-04-07 14:53:14Z', 'PT1H', 'yyyy-MM-dd HH')", "2020-04-07 15"),
    ("dateTimeAdd('20200407T145314Z', 'PT0S', 'd')", "04/07/2020"),
    ("dateTimeAdd('2020-04-07T14:53:14.5+02:00', 'PT0S', 'o')", "2020-04-07T12:53:14.5000000Z"),
    (
        "dateTimeAdd('2020-04-07T14:03:04Z', 'PT0S', 'ddd, d MMMM yy h:m:s tt fff \\a\\t ''UTC''')",
        "Tue, 7 April 20 2:3:4 PM 000 at UTC",
    ),
    ("format('{0,-5}|{1,5}|{{}}', 'ab', 'cd')", "ab   |   cd|{}"),
    ("format('{0:D3} {0:X} {0:00000}', 42)", "042 2A 00042"),
    ("cidrSubnet('10.144.0.0/20', 24, 1)", "10.144.1.0/24"),
    ("cidrHost('10.144.3.0/24', 1)", "10.144.3.2"),
    ("parseCidr('10.144.0.0/20').lastUsable", "10.144.15.254"),
]

SCOPE = [
    (
        "resourceId('Microsoft.Web/serverfarms/', 'plan')",
        f"{GROUP_ID}/providers/Microsoft.Web/serverfarms/plan",
    ),
    (
        "resourceId('customRg', 'My.Rp/parent/child', 'myParent', 'myChild')",
        "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/customRg/providers/My.Rp/parent/myParent/child/myChild",
    ),
    (
        "resourceId('sub', 'customRg', 'My.Rp/parent', 'p')",
        "/subscriptions/sub/resourceGroups/customRg/providers/My.Rp/parent/p",
    ),
    (
        "subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'x')",
        "/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.Authorization/roleDefinitions/x",
    ),
    ("subscriptionResourceId('other', 'My.Rp/a', 'x')", "/subscriptions/other/providers/My.Rp/a/x"),
    (
        "extensionResourceId(tenantResourceId('My.Rp/parent/child', 'myParent', 'myChild'), "
        "'My.ExtensionRp/parent/child', 'myParent', 'myChild')",
        "/providers/My.Rp/parent/myParent/child/myChild/providers/My.ExtensionRp/parent/myParent/child/myChild",
    ),
    (
        "managementGroupResourceId('mg', 'My.Rp/a', 'x')",
        "/providers/Microsoft.Management/managementGroups/mg/providers/My.Rp/a/x",
    ),
    ("resourceGroup().location", "westeurope"),
    ("RESOURCEGROUP().Id", GROUP_ID),
    ("subscription().tenantId", "t"),
    ("deployment().name", "own"),
    ("environment().name", "AzureLocal"),
    ("tenant().tenantId", "t"),
    ("deployer().objectId", "o"),
]


@pytest.mark.parametrize(
    ("text", "value"), [*BICEP, *REFERENCE, *SCOPE], ids=[row[0] for row in [*BICEP, *REFERENCE, *SCOPE]]
)
def test_a_function_gives_what_azure_gives(text: str, value: Any) -> None:
    found = evaluated(text)
    assert (found, type(found)) == (value, type(value))


REFUSED = [
    (
        "base64ToString(concat(base64('abc'), '@'))",
        "The template language function 'base64ToString' was invoked with a parameter that is not valid. The value cannot be decoded "
        "from base64 representation.",
    ),
    (
        "bool('sdf')",
        "The template language function 'bool' was invoked with a parameter that is not valid. The value cannot be converted to the "
        "target type.",
    ),
    (
        "dataUriToString(concat(dataUri('abc'), '@'))",
        "The template language function 'dataUriToString' was invoked with a parameter that is not valid. The value cannot be "
        "converted to the target type.",
    ),
    (
        "dataUriToString('Hi 0!')",
        "The template language function 'dataUriToString' expects its parameter to be formatted as a valid data URI. The provided "
        "value 'Hi 0!' was not formatted correctly. Please see https://aka.ms/arm-functions#dataUriToString for usage details.",
    ),
    (
        "dateTimeAdd(dateTimeFromEpoch(1680224438), 'PTASDIONS1D')",
        "The template function 'dateTimeAdd' has an invalid parameter. The second parameter 'PTASDIONS1D' is not a valid ISO8601 "
        "Duration string. Please see https://aka.ms/arm-syntax-functions .",
    ),
    (
        "format('->{123}<-', 123)",
        "Unable to evaluate language function 'format': the format is invalid: 'Index (zero based) must be greater than or equal to "
        "zero and less than the size of the argument list.'. Please see https://aka.ms/arm-function-format for usage details.",
    ),
    (
        "int('asdf')",
        "The template language function 'int' cannot convert provided value 'asdf' to integer value. Please see "
        "https://aka.ms/arm-function-int for usage details.",
    ),
    (
        "uri('github.com', 'Azure/bicep')",
        "The template language function 'uri' expects its first argument to be a uri string. The provided value is 'github.com'. "
        "Please see https://aka.ms/arm-function-datauri for usage details.",
    ),
]


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_function_refuses_in_the_words_of_microsofts_engine(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as refused:
        evaluated(text)
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (
            "substring('1234567890', 0, 11)",
            "The index parameter: '0', the length parameter: '11', the length of the string parameter: '10'",
        ),
        ("add(9223372036854775807, 1)", "overflow"),
        ("div(1, 0)", "divide by zero"),
        ("mod(1, 0)", "divide by zero"),
        (
            "toLower(1)",
            "'toLower' expects its parameter at position '1' to be of type 'String'. The provided value is of type 'Integer'",
        ),
        ("guid('a', 1)", "'guid': all function parameters must be string literals"),
        ("concat(createArray(1), 'a')", "Either all or none of the parameters must be an array"),
        ("concat()", "requires at least '1' argument(s) while '0' were provided"),
        ("toLower('a', 'b')", "requires exactly '1' argument(s) while '2' were provided"),
        ("substring('a')", "requires between '2' and '3' argument(s) while '1' were provided"),
        ("and(true())", "requires at least '2' argument(s) while '1' were provided"),
        ("if(1, 2, 3)", "'if' expects its parameter at position '1' to be of type 'Boolean'"),
        ("resourceId('Microsoft.Web/sites')", "requires at least '2' argument(s)"),
        (
            "resourceId('Microsoft.Web/sites/slots', 'a')",
            "requires '2' resource name argument(s), of which '1' were provided",
        ),
        (
            "utcNow()",
            "'utcNow' is not expected at this location. It can only be used as the default value of a parameter",
        ),
        ("newGuid()", "'newGuid' is not expected at this location"),
        ("reference('x')", "The template function 'reference' is not expected at this location."),
        ("listKeys('x', '2020-01-01')", "The template function 'listKeys' is not expected at this location."),
        (
            "copyIndex()",
            "'copyIndex' is not expected at this location. The function can only be used in a resource with copy specified.",
        ),
        ("nothing('x')", "The template function 'nothing' is not valid."),
        ("parameters('x')", "The template parameter 'x' is not found."),
        ("variables('x')", "The template variable 'x' is not found."),
        ("createObject('a', 1).b", "The language expression property 'b' doesn't exist, available properties are 'a'."),
        ("createArray(1)[3]", "The language expression property array index '3' is out of bounds."),
        ("createArray(1)['a']", "property name must be an integer"),
        ("createObject('a', 1)[0]", "property name must be a string"),
        ("json('{')", "'json' was invoked with a parameter that is not valid"),
        ("json('NaN')", "NaN is no number"),
        ("range(0, 10001)", "the count '10001' must be between 0 and 10000"),
        ("padLeft('a', 99999999999)", "must be between 0 and"),
        ("padLeft('a', 3, 'xx')", "must be one character"),
        ("flatten(createArray(1))", "every item of the array must be an array"),
        ("map(createArray(1), lambda('a', 'b', 'c', 1))", "the lambda must have 1 or 2 argument(s), not 3"),
        ("lambda('a', 1)", "is used as a value"),
        ("cidrSubnet('x', 1, 1)", "'x' is no range of addresses"),
    ],
)
def test_a_wrong_call_is_told_with_the_function_and_the_value(text: str, part: str) -> None:
    with pytest.raises(TemplateError) as refused:
        evaluated(text)
    assert part in refused.value.message


def test_now_and_new_guids_are_defaults_of_parameters() -> None:
    declared = {
        "now": {"type": "string", "defaultValue": "[utcNow()]"},
        "day": {"type": "string", "defaultValue": "[utcNow('yyyy-MM-dd')]"},
        "id": {"type": "string", "defaultValue": "[newGuid()]"},
    }
    found = evaluated(
        "createArray(parameters('now'), parameters('day'), parameters('id'), parameters('ID'))", parameters=declared
    )
    assert re.fullmatch(r"\d{8}T\d{6}Z", found[0])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", found[1])
    assert uuid.UUID(found[2]).version == 4
    assert found[2] == found[3]


def test_text_that_grows_without_end_is_refused() -> None:
    variables = {
        "v0": "x" * 1000,
        **{f"v{n}": f"[concat(variables('v{n - 1}'), variables('v{n - 1}'))]" for n in range(1, 60)},
    }
    with pytest.raises(TemplateError, match=r"'concat' is longer than 4194304 characters"):
        evaluated("variables('v59')", variables=variables)


def test_every_function_is_in_a_row_of_these_tables() -> None:
    texts = json.dumps([row[0] for row in [*BICEP, *REFERENCE, *SCOPE]]).lower()
    elsewhere = {"parameters", "variables", "copyindex", "reference", "newguid", "utcnow", "lambdavariables"}
    missing = [name for name in FUNCTIONS if name not in elsewhere and f"{name}(" not in texts]
    assert missing == []
