"""Hostile strings of 30 KB in every place of an event, and mappings that multiply it: all work is bounded.

None of these tests measures time: an algorithm that backtracks or multiplies would not end within pytest's timeout.
"""

from typing import Any

import pytest

from klavier import ConfigError, load_vendor, parse_event, rehearse
from klavier.vendor import FidelityName
from klavier_segment_actions import matches_trigger, resolve_mapping
from klavier_segment_actions.mapping_kit.bounds import MOST_VALUES

LENGTH = 30_000
HOSTILE = [
    part * (LENGTH // len(part)) + end
    for part, end in [
        ("@", ""),
        ("a@", ""),
        ("a.", "@"),
        (".", "@b.c"),
        ("1", "x"),
        ("1.", ""),
        ("0", "1"),
        (" ", "x"),
        ("\t\n", ""),
        ("{{", ""),
        ("{{{a", "}"),
        ("{{a}", ""),
        ("[0]", ""),
        ("]", ""),
        ("a[", "]"),
        ("-", ":"),
        ("+1", ""),
        ("2024-", "T"),
        ("(", ")"),
        ("a*", "b"),
        ("😀", ""),
        ("%", "zz"),
        ("<", ">"),
        ("=", ";"),
    ]
]

MAPPINGS = [
    {
        "action": "trackEvent",
        "trigger": 'match(event, "*a*a*a*a*a*b") or type != "x"',
        "fields": {
            "profile": {
                "email": {"@path": "$.traits.email"},
                "phone_number": {"@path": "$.traits.phone"},
                "country_code": "US",
                "external_id": {"@path": "$.userId"},
            },
            "metric_name": {"@template": {"@path": "$.event"}},
            "value": {"@path": "$.properties.value"},
            "time": {"@path": "$.properties.time"},
            "properties": {
                "replaced": {"@replace": {"pattern": "a", "replacement": "bb", "value": {"@path": "$.event"}}},
                "liquid": {"@liquid": "{{ event | strip_html | normalize_whitespace | slugify | url_encode | size }}"},
                "date": {"@liquid": "{{ event | date: '%Y' | truncatewords: 3 | split: 'a' | size }}"},
                "json": {"@json": {"mode": "decode", "value": {"@path": "$.event"}}},
                "found": {"@path": {"@path": "$.event"}},
            },
        },
    },
    {
        "action": "upsertProfile",
        "trigger": "",
        "fields": {
            "email": {"@path": "$.traits.email"},
            "phone_number": {"@path": "$.traits.phone"},
            "location": {"zip": {"@path": "$.traits.zip"}},
            "properties": {"@flatten": {"separator": ".", "value": {"@path": "$.traits"}}},
        },
    },
    {
        "action": "subscribeProfile",
        "trigger": "",
        "fields": {
            "email": {"@path": "$.traits.email"},
            "consented_at": {"@path": "$.properties.time"},
            "historical_import": True,
        },
    },
]


@pytest.mark.parametrize(("fidelity", "wire"), [("documented", "current"), ("deployed", "native")])
@pytest.mark.parametrize("text", HOSTILE, ids=[repr(text[:4]) for text in HOSTILE])
def test_hostile_strings_in_every_place(text: str, fidelity: str, wire: str) -> None:
    settings = {"api_key": "k", "mappings": MAPPINGS, "fidelity": fidelity, "wire": wire}
    vendor = load_vendor("segment-actions", settings)
    usual = {"email": "a@b.io", "phone": "+15005550006", "zip": "1"}
    for place in ("email", "phone", "zip"):
        event = {"type": "track", "event": "E", "userId": "u", "properties": {}, "traits": {**usual, place: text}}
        assert len(rehearse(vendor, [parse_event(event)]).outcomes) == 1
    for place in ("value", "time"):
        event = {"type": "track", "event": text, "userId": "u", "properties": {place: text}, "traits": usual}
        assert len(rehearse(vendor, [parse_event(event)]).outcomes) == 1


@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
def test_stars_of_triggers_do_not_backtrack(fidelity: FidelityName) -> None:
    fql = 'match(event, "' + "*a" * 200 + '*b")'
    assert matches_trigger(fql, {"event": "a" * LENGTH}, fidelity) is False


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("a*c", ["ac", "abc", "acc", "a\nc"], ["ab", "bac", "a"]),
        ("*b*", ["b", "abc"], ["", "ac"]),
        ("ab*ba", ["abba", "ab ba"], ["aba", "abab"]),
        ("*", ["", "x"], []),
        ("a*b*a", ["aba", "a b b a"], ["ab", "aa", "bab"]),
    ],
)
def test_stars_match_any_characters(pattern: str, matching: list[str], other: list[str]) -> None:
    fql = f'match(event, "{pattern}")'
    assert all(matches_trigger(fql, {"event": text}) for text in matching)
    assert not any(matches_trigger(fql, {"event": text}) for text in other)


def nested(depth: int, build: Any) -> Any:
    mapping: Any = {"@path": "$.x"}
    for _ in range(depth):
        mapping = build(mapping)
    return mapping


MULTIPLYING = [
    nested(60, lambda inner: {"@transform": {"apply": {"x": [{"@path": "$.x"}, {"@path": "$.x"}]}, "mapping": inner}}),
    nested(3, lambda inner: {"@arrayPath": [{"@literal": [{"x": 1}] * 1000}, {"a": inner}]}),
    nested(4, lambda inner: {"@arrayPath": [{"@literal": [{"x": 1}] * 100}, {"a": inner}]}),
    {"@template": "{{x}}" * 20_000},
    {"@template": {"@template": "{{{x}}}"}},
]


@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
@pytest.mark.parametrize("mapping", MULTIPLYING)
def test_multiplying_mappings_are_bounded(mapping: Any, fidelity: FidelityName) -> None:
    with pytest.raises(ConfigError, match=r"to more than [0-9]+ (values|characters)"):
        resolve_mapping({"a": mapping}, {"x": "{{{y}}}" * 50 + "z" * 100_000}, fidelity)


def test_the_parts_before_a_match_are_bounded() -> None:
    mapping = {"@replace": {"pattern": "a", "replacement": "$`", "value": {"@path": "$.x"}}}
    assert resolve_mapping(mapping, {"x": "bab"}, "deployed") == "bbb"
    with pytest.raises(ConfigError, match="more than 1000000 characters"):
        resolve_mapping(mapping, {"x": "a" * LENGTH}, "deployed")


def test_long_keys_of_flattened_objects_are_bounded() -> None:
    deep: Any = dict.fromkeys("abcdefghij", 1)
    for _ in range(100):
        deep = {"k" * 2000: deep}
    with pytest.raises(ConfigError, match="more than 1000000 characters"):
        resolve_mapping({"@flatten": {"separator": ".", "value": {"@path": "$.x"}}}, {"x": deep})


def test_large_arrays_are_mapped() -> None:
    items = [{"sku": number} for number in range(MOST_VALUES // 4)]
    mapping = {"@arrayPath": ["$.items", {"id": {"@path": "$.sku"}}]}
    assert resolve_mapping(mapping, {"items": items})[-1] == {"id": MOST_VALUES // 4 - 1}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{a}}{{{a}}}", "11"),
        ("{{{{a}}}}", "}"),
        ("{{}}{{{}}}{{ }}", "{{}}}[object Object]"),
        ("{{a}{{a}}", "{{a}1"),
        ("{{a}}}", "1}"),
        ("{{{a}}", ""),
        ("}}{{a", "}}{{a"),
        ("{ {a}}", "{ {a}}"),
    ],
)
def test_placeholders(template: str, expected: str) -> None:
    assert resolve_mapping({"@template": template}, {"a": 1}) == expected
