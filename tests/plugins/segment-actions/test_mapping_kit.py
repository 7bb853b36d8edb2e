import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klavier import ConfigError
from klavier.vendor import FidelityName
from klavier_segment_actions import resolve_mapping
from klavier_segment_actions.mapping_kit.directives import DIRECTIVES
from tests.support.vectors import recorded

EVENT: dict[str, Any] = {
    "type": "track",
    "event": "Signed Up",
    "userId": "u-1",
    "anonymousId": None,
    "properties": {
        "n": None,
        "zero": 0,
        "empty": "",
        "off": False,
        "price": 12.5,
        "whole": 3.0,
        "items": [{"sku": "a", "tags": ["x", "y"]}, {"sku": "b"}],
        "names": ["p", "q"],
        "one": {"sku": "c", "deep": {"er": 1}},
        "evil": "{{userId}}",
        "json": '{"k": [1, 2]}',
    },
    "traits": {"email": "Ada@Example.com"},
    "context": {"traits": {"email": "ctx@example.com"}},
}


@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
@pytest.mark.parametrize(
    ("name", "folder"),
    [("segment-actions-mapping-kit.jsonl", "vectors"), ("segment-actions-liquid.jsonl", "vectors-2")],
)
def test_recorded_cases(name: str, folder: str, fidelity: FidelityName) -> None:
    wrong = []
    for case in recorded(name, folder):
        try:
            result = json.loads(json.dumps(resolve_mapping(case["mapping"], case["event"], fidelity)))
            failed = False
        except ConfigError:
            result, failed = None, True
        if failed is not bool(case["expected_error"]) or result != case["expected_result"]:
            wrong.append((case["name"], result))
    assert wrong == []


EXAMPLES: list[tuple[Any, Any]] = [
    ({"@path": "$.properties.items[1].sku"}, "b"),
    ({"@path": "properties.items.0.tags.length"}, 2),
    ({"@path": "$.event[0]"}, "S"),
    ({"@path": "$.properties['one'][\"deep\"].er"}, 1),
    ({"@path": "$.properties.items[one]"}, None),
    ({"@transform": {"apply": {"a": 1}, "mapping": {"@path": "."}}}, {"a": 1}),
    ({"@arrayPath": ["$.properties.one", {"@path": "$.nope"}]}, [None]),
    ({"@path": "$.properties.items[01].sku"}, None),
    ({"@path": "$.properties.zero.deeper"}, 0),
    ({"@path": "$.properties.price.deeper"}, None),
    ({"@path": {"@template": "$.properties.{{properties.names.0}}rice"}}, 12.5),
    ({"@template": "{{event}}, {{{ userId }}}, {{properties.names}}"}, "Signed Up, u-1, p,q"),
    ({"@template": "{{properties.whole}}{{properties.one}}"}, "3[object Object]"),
    ({"@if": {"exists": {"@path": "$.anonymousId"}, "then": 1, "else": {"@path": "$.userId"}}}, "u-1"),
    ({"@if": {"blank": {"@path": "$.properties.items"}, "then": "filled", "else": "empty"}}, "filled"),
    ({"@if": {"blank": {"@literal": [[]]}, "then": "filled", "else": "empty"}}, "empty"),
    ({"@case": {"operator": "upper", "value": {"@path": "$.event"}}}, "SIGNED UP"),
    ({"@case": {"operator": "lower", "value": {"@path": "$.properties.price"}}}, 12.5),
    ({"@replace": {"pattern": "(", "replacement": "[", "value": "a(b(c"}}, "a[b[c"),
    ({"@replace": {"pattern": "B", "replacement": "-", "ignorecase": True, "global": False, "value": "abab"}}, "a-ab"),
    ({"@replace": {"pattern": "a", "pattern2": "b", "replacement2": "c", "value": "ab"}}, "c"),
    ({"@arrayPath": ["$.properties.items", {"id": {"@path": "$.sku"}}]}, [{"id": "a"}, {"id": "b"}]),
    ({"@arrayPath": ["$.properties.items", {"@path": "$.tags"}]}, [["x", "y"], None]),
    ({"@arrayPath": ["$.properties.names"]}, ["p", "q"]),
    (
        {"@arrayPath": [{"@arrayPath": ["$.properties.items", {"@path": "$.tags"}]}, {"first": {"@path": "$.0"}}]},
        [{"first": "x"}, {}],
    ),
    ({"@arrayPath": ["$.properties.one", {}]}, {"sku": "c", "deep": {"er": 1}}),
    ({"@literal": {"a": [1, {"@path": "$.userId"}]}}, {"a": [1, "u-1"]}),
    ({"@json": {"mode": "encode", "value": {"@path": "$.properties.one"}}}, '{"sku":"c","deep":{"er":1}}'),
    ({"@json": {"mode": "encode", "value": {"é": [1.0, None, True, "\n"]}}}, '{"é":[1,null,true,"\\n"]}'),
    ({"@json": {"mode": "encode", "value": {"@path": "$.nope"}}}, None),
    ({"@json": {"mode": "decode", "value": {"@path": "$.properties.json"}}}, {"k": [1, 2]}),
    (
        {"@flatten": {"separator": "-", "value": {"@path": "$.properties.items"}}},
        {"0-sku": "a", "0-tags-0": "x", "0-tags-1": "y", "1-sku": "b"},
    ),
    (
        {"@flatten": {"separator": ".", "omitArrays": True, "value": {"a": {"b": [1]}}}},
        {"a.b": [1]},
    ),
    ({"@flatten": {"separator": ".", "value": {"@path": "$.nope"}}}, {}),
    ({"@flatten": {"separator": ".", "value": {"a": [{"@path": "$.nope"}, 2, None]}}}, {"a.1": 2, "a.2": None}),
    (
        {"@flatten": {"separator": ".", "omitArrays": True, "value": {"a": [{"@path": "$.nope"}, 2]}}},
        {"a": [None, 2]},
    ),
    (
        {
            "@merge": {
                "direction": "right",
                "objects": [{"1": "x"}, {"@arrayPath": ["$.properties.items", {"@path": "$.tags"}]}],
            }
        },
        {"0": ["x", "y"]},
    ),
    ({"@merge": {"direction": "right", "objects": [{"a": 1, "b": 1}, {"a": 2}]}}, {"a": 2, "b": 1}),
    ({"@merge": {"direction": "left", "objects": [{"a": 1, "b": 1}, {"a": 2}]}}, {"a": 1, "b": 1}),
    ({"@merge": {"direction": "right", "objects": [{"@path": "$.properties.names"}]}}, {"0": "p", "1": "q"}),
    ({"@merge": {"direction": "right", "objects": [{"a": {"b": {"@path": "$.nope"}}}]}}, {"a": {}}),
    (
        {
            "@transform": {
                "apply": {"who": {"@path": "$.userId"}},
                "mapping": {"a": {"@path": "$.who"}, "b": {"@path": "$.userId"}},
            }
        },
        {"a": "u-1"},
    ),
    (
        {"a": {"@excludeWhenNull": {"b": None, "c": {"d": None, "e": 0}, "f": [None]}}},
        {"a": {"c": {"e": 0}, "f": [None]}},
    ),
    ({"@liquid": "{{ userId | upcase }} {{ properties.whole }} {{ properties.one }}"}, "U-1 3 [object Object]"),
    ({"@liquid": "{% assign x = properties.names | join: '-' %}{{ x }}{% unless x %}no{% endunless %}"}, "p-q"),
    ([{"@path": "$.nope"}, 1], [None, 1]),
    ("$.userId", "$.userId"),
]


@pytest.mark.parametrize(("mapping", "expected"), EXAMPLES, ids=[json.dumps(m)[:60] for m, _ in EXAMPLES])
@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
def test_directives(mapping: Any, expected: Any, fidelity: FidelityName) -> None:
    before = copy.deepcopy((mapping, EVENT))
    assert resolve_mapping({"v": mapping}, EVENT, fidelity) == ({} if expected is None else {"v": expected})
    assert (mapping, EVENT) == before


def test_the_root_directive_builds_the_event_that_the_rest_reads() -> None:
    mapping = {
        "__segment_internal_directive": {"@transform": {"apply": {"p": {"@path": "$.properties.one"}}}},
        "sku": {"@path": "$.p.sku"},
        "gone": {"@path": "$.properties.one.sku"},
    }
    assert resolve_mapping(mapping, EVENT) == {"sku": "c"}
    with pytest.raises(ConfigError, match=r"^__segment_internal_directive: must be a @transform directive"):
        resolve_mapping({"__segment_internal_directive": 5}, EVENT)


def test_placeholders_in_values_are_expanded_in_deployed_fidelity_only() -> None:
    mapping = {"@template": "{{{properties.evil}}}"}
    assert resolve_mapping(mapping, EVENT) == "{{userId}}"
    assert resolve_mapping(mapping, EVENT, "deployed") == "u-1"


def test_replacement_patterns_are_expanded_in_deployed_fidelity_only() -> None:
    mapping = {"@replace": {"pattern": "b", "replacement": "<$&$$>", "value": "abc"}}
    assert resolve_mapping(mapping, EVENT) == "a<$&$$>c"
    assert resolve_mapping(mapping, EVENT, "deployed") == "a<b$>c"


@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ userId | upcas }}", "unknown filter 'upcas'"),
        ("{% if userId %}{{ traits.email | sha_256 }}{% endif %}", "unknown filter 'sha_256'"),
        ("{{ properties.names | sort }}", "filter 'sort' is disabled"),
        ("{% widget %}", "unexpected tag 'widget'"),
        ("{% for a in b %}{% endfor %}", "tag 'for' is disabled"),
    ],
)
def test_unknown_and_disabled_parts_of_templates_are_errors(
    template: str, message: str, fidelity: FidelityName
) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_mapping({"v": {"@liquid": template}}, {}, fidelity)
    assert str(caught.value).startswith(f"v.@liquid: {message}")


MISTAKES = [
    ({"a": {"@path": 5}}, "a.@path: must be a string or a directive, not a number"),
    ({"a": {"@path": "$.b", "@literal": 1}}, "a: a directive has one key that begins with @, and this has 2 keys"),
    ({"a": {"b": [{"@pth": "$.b"}]}}, "a.b[0]: @pth is no directive; directives are @arrayPath"),
    ({"a": {"@path": ".."}}, "a.@path: the path has no key"),
    ({"a": {"@if": {"then": 1}}}, "a.@if: requires 'exists' or 'blank'"),
    ({"a": {"@if": "x"}}, "a.@if: must be an object of options, not a string"),
    ({"a": {"@case": {"operator": "title", "value": "x"}}}, "a.@case.operator: must be 'lower' or 'upper'"),
    ({"a": {"@replace": {"value": "x"}}}, "a.@replace: requires 'pattern'"),
    ({"a": {"@replace": {"pattern": "x"}}}, "a.@replace: requires 'value'"),
    ({"a": {"@replace": {"pattern": "x", "value": "x", "global": "yes"}}}, "a.@replace.global: must be true or false"),
    ({"a": {"@replace": {"pattern": "x", "value": 3}}}, "a.@replace.value: must be a string or a directive"),
    ({"a": {"@arrayPath": "$.b"}}, "a.@arrayPath: must be an array"),
    ({"a": {"@arrayPath": ["$.b", {"c": {"@json": {}}}]}}, "a.@arrayPath[1].c.@json: requires 'mode'"),
    ({"a": {"@merge": {"direction": "up", "objects": []}}}, "a.@merge.direction: must be one of 'left', 'right'"),
    ({"a": {"@merge": {"direction": "left"}}}, "a.@merge: requires 'objects'"),
    ({"a": {"@merge": {"direction": "left", "objects": [3]}}}, "a.@merge.objects[0]: must be an object or a directive"),
    ({"a": {"@flatten": {"value": 1}}}, "a.@flatten: requires 'separator'"),
    ({"a": {"@transform": {"apply": {}}}}, "a.@transform: requires 'apply'; add it"),
    ({"a": {"@transform": {"apply": {"x": {"@foo": 1}}, "mapping": {"y": 1}}}}, "a.@transform.apply.x: @foo is no"),
    ({"a": {"@liquid": "{% for x in y %}{% endfor %}"}}, "a.@liquid: tag 'for' is disabled"),
    ({"a": {"@liquid": "x" * 1001}}, "a.@liquid: must be a template of at most 1000 characters"),
    ({"a": {"@liquid": 4}}, "a.@liquid: must be a string"),
    ({"a": {"@template": None}}, "a.@template: must be a string or a directive, not null"),
    ({"a": object()}, "a: must be a directive or a JSON value"),
]


@pytest.mark.parametrize(("mapping", "message"), MISTAKES, ids=[m[:50] for _, m in MISTAKES])
def test_mistakes_are_reported_with_their_path(mapping: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_mapping(mapping, EVENT)
    assert caught.value.problems[0].startswith(message)


def test_all_mistakes_are_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_mapping({"a": {"@path": 1}, "b": {"@foo": 2}, "c": {"@case": {}}}, EVENT)
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["a.@path", "b", "c.@case"]


EVENT_ERRORS = [
    ({"a": {"@path": {"@path": "$.properties.price"}}}, r"a\.@path: the path must resolve to a string, not a number"),
    ({"a": {"@template": {"@path": "$.nope"}}}, r"a\.@template: the template must resolve to a string, not nothing"),
    ({"a": {"@flatten": {"separator": {"@path": "$.properties.zero"}, "value": {}}}}, r"a\.@flatten: the separator"),
    ({"a": {"@liquid": "{{ '%' | url_decode }}"}}, r"a\.@liquid: filter 'url_decode' cannot be applied"),
    ({"a": {"@json": {"mode": "decode", "value": "1" * 30}}}, None),
]


@pytest.mark.parametrize(("mapping", "message"), EVENT_ERRORS)
def test_errors_that_depend_on_the_event(mapping: Any, message: str | None) -> None:
    if message is None:
        resolve_mapping(mapping, EVENT)
        return
    with pytest.raises(ConfigError, match=message):
        resolve_mapping(mapping, EVENT)


def test_deep_mappings_and_events_are_refused() -> None:
    mapping: Any = 1
    for _ in range(200):
        mapping = [mapping]
    with pytest.raises(ConfigError, match="nested deeper than 100 levels"):
        resolve_mapping({"a": mapping}, EVENT)
    deep: Any = 1
    for _ in range(20_000):
        deep = {"d": deep}
    with pytest.raises(ConfigError, match="nested too deep"):
        resolve_mapping({"@flatten": {"separator": ".", "value": {"@path": "$.deep"}}}, {"deep": deep})


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc.d"), inner, max_size=3),
    max_leaves=8,
)
paths = st.sampled_from(["$.", "$.a", "$.a.b", "a[0].b", "$.b.length", "$.c", "..", "x"])
names = st.sampled_from([*DIRECTIVES, "@foo", "@"])
option_names = st.sampled_from(
    [
        "exists",
        "blank",
        "then",
        "else",
        "operator",
        "value",
        "pattern",
        "replacement",
        "separator",
        "mode",
        "direction",
        "objects",
        "apply",
        "mapping",
        "global",
        "omitArrays",
    ]
)
option_texts = st.sampled_from(
    ["upper", "lower", "encode", "decode", "left", "right", ".", "{{a}}", "{{ a | upcase }}"]
)


def directives(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    options = st.dictionaries(option_names, inner | option_texts | st.lists(inner, max_size=2), max_size=5)
    given_value = inner | paths | option_texts | options | st.tuples(paths, inner).map(list)
    return st.dictionaries(names, given_value, min_size=1, max_size=1)


mappings = st.recursive(
    values | paths,
    lambda inner: directives(inner) | st.dictionaries(st.sampled_from("xyz@"), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None)
@given(mapping=mappings, event=st.dictionaries(st.sampled_from("abc"), values, max_size=3))
def test_any_mapping_returns_json_or_an_error_with_a_path(mapping: Any, event: dict[str, Any]) -> None:
    before = copy.deepcopy((mapping, event))
    for fidelity in ("documented", "deployed"):
        try:
            json.dumps(resolve_mapping(mapping, event, fidelity), allow_nan=False)
        except ConfigError as error:
            assert all(problem for problem in error.problems)  # noqa: PT017 -- either end is right, the message is not
    assert (mapping, event) == before
