from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klavier import ConfigError
from klavier_segment_actions import matches_trigger
from tests.support.vectors import recorded

EVENT: dict[str, Any] = {
    "type": "track",
    "event": "Order Completed",
    "name": "Home",
    "userId": "u-1",
    "properties": {"price": 10, "text": "hello world", "flag": True, "off": False, "none": None, "a b": "c", "0x": 1},
    "traits": {"plan": "pro"},
    "context": {"page": {"url": "https://x.io/a"}},
}


def test_recorded_cases() -> None:
    wrong = [
        case["fql"]
        for case in recorded("segment-actions-triggers.jsonl")
        if matches_trigger(case["fql"], case["event"], "deployed") is not case["expected"].get("match", False)
    ]
    assert wrong == []


def test_both_fidelities_agree_on_triggers_without_defects() -> None:
    """They differ in precedence, ignored words, stars in match, and null of type and event only."""
    defects = {'not type = "track"', 'type = "track" and foo = "bar"', 'match(properties.s, "h*d")'}
    defects |= {'match(event, "*der*")', 'properties.arr.0.id = "x"', ""}
    for case in recorded("segment-actions-triggers.jsonl"):
        try:
            documented = matches_trigger(case["fql"], case["event"])
        except ConfigError:
            continue
        if case["fql"] not in defects:
            assert documented is case["expected"].get("match", False), case["fql"]


BOTH = [
    ('type = "track"', True),
    ('type != "track"', False),
    ('event = "Order Completed" and traits.plan = "pro"', True),
    ('event = "order completed"', False),
    ("properties.price = 10", True),
    ("properties.price != 10", False),
    ("properties.missing != 10", False),
    ("properties.price > 9.5", True),
    ("properties.text > 5", False),
    ('properties.price = "10"', False),
    ('properties.missing != "x"', True),
    ("properties.flag = true", True),
    ("properties.off = false", True),
    ("properties.off = true", False),
    ("properties.none = null", True),
    ("properties.flag != null", True),
    ("userId != null", True),
    ("name = null", False),
    ('contains(properties.text, "lo w")', True),
    ('!contains(properties.price, "1")', False),
    ('match(context.page.url, "https://*")', True),
    ('!match(event, "*Completed")', False),
    ('properties.a\\ b = "c"', True),
    ('type = "page" or type = "track"', True),
]


@pytest.mark.parametrize(("fql", "expected"), BOTH)
def test_both_fidelities(fql: str, expected: bool) -> None:  # noqa: FBT001 -- a column of the table
    assert matches_trigger(fql, EVENT) is expected
    assert matches_trigger(fql, EVENT, "deployed") is expected


DEFECTS = [
    # trigger, documented, deployed
    ('type = "track" or event = "X" and traits.plan = "free"', True, False),
    ('type = "page" and event = "A" or event = "Order Completed"', True, True),
    ('event = "Order Completed" or type = "page" and name = "X"', True, False),
    ('(type = "page" or (event = "Order Completed" and traits.plan = "pro")) and name = "Home"', True, False),
    ('type = "track" AND event = "Order Completed"', True, True),
    ('type = "page" OR event = "Order Completed"', True, False),
    ('!(type = "page")', True, False),
    ('not type = "track"', False, True),
    ('match(event, "Order")', False, False),
    ('match(event, "Order Completed")', True, True),
    ('match(event, "O*C*d")', True, False),
    ("event = null", False, False),
    ("event != null", True, True),
    ("properties.flag != true", False, True),
    ("properties.0x = 1", True, False),
    ("type = 'track'", True, False),
    ('\\type = "track"', True, True),
]


@pytest.mark.parametrize(("fql", "documented", "deployed"), DEFECTS)
def test_defects(fql: str, documented: bool, deployed: bool) -> None:  # noqa: FBT001 -- columns of the table
    assert (matches_trigger(fql, EVENT), matches_trigger(fql, EVENT, "deployed")) == (documented, deployed)


ONLY_DEPLOYED = [
    # trigger, whether Segment's implementation matches it; as documented they are errors
    ('event contains "Order"', True),
    ('event starts_with "Com"', False),
    ('properties.text not_ends_with "wor"', True),
    ("properties.price number_equals 10", True),
    ("properties.flag exists 1", True),
    ("properties.flag is_false 1", False),
    ("properties.price like 10", False),
    ('contains(properties_, "x")', False),
    ('!contains(traits_, "x") or type = "track"', True),
    ('type = "track" and (anonymousId = "a")', False),
    ('type = "track" or (anonymousId = "a")', True),
    ('(anonymousId = "a") or type = "track"', False),
]


@pytest.mark.parametrize(("fql", "expected"), ONLY_DEPLOYED)
def test_names_and_empty_parentheses(fql: str, expected: bool) -> None:  # noqa: FBT001 -- a column of the table
    assert matches_trigger(fql, EVENT, "deployed") is expected
    with pytest.raises(ConfigError):
        matches_trigger(fql, EVENT)


NUMBERS = [
    ("true", 1.5, True),
    ("true", 1, False),
    ("false", 1, True),
    ("false", False, False),
    ('"true"', 5, False),
    ('"1e1"', 11, True),
    ('"1e1"', 10, False),
    ('"0x0A"', 11, True),
    ('"0b11"', 3, False),
    ('"Infinity"', 5, False),
    ('"-Infinity"', 5, True),
    ('" 4 "', 5, True),
    ('""', 0.5, True),
    ('"4 or so"', 5, False),
    ("null", 5, False),
]
"""How Segment's implementation converts the value of `properties.it > ...` to a number."""


@pytest.mark.parametrize(("text", "actual", "expected"), NUMBERS)
def test_deployed_number_conversion(text: str, actual: Any, expected: bool) -> None:  # noqa: FBT001 -- a column of the table
    assert matches_trigger(f"properties.it > {text}", {"properties": {"it": actual}}, "deployed") is expected


def test_deployed_fidelity_does_not_compare_user_ids_with_booleans() -> None:
    assert not matches_trigger("userId >= false", {"userId": 5}, "deployed")


MISTAKES = [
    ("type", "expected =, !=, <, <=, > or >=, not the end (column 5)"),
    ('typ = "track"', "'typ' is no field; did you mean 'type'? (column 1)"),
    ('type = "track" and', "expected a field, not the end"),
    ('type = "track" event = "X"', "expected 'and', 'or' or the end, not 'event' (column 16)"),
    ('(type = "track"', "expected 'and', 'or' or ')', not the end (column 16)"),
    ('type = "track', "the string has no closing quote (column 8)"),
    ("type = track", "expected a string in quotes, a number, true, false or null, not 'track' (column 8)"),
    ("properties = 1", "properties is followed by a dot and a name, like properties.plan (column 1)"),
    ("properties.x[0] = 1", "a name ends with"),
    ("properties. = 1", "expected a name after the dot, not '=' (column 13)"),
    ('properties.x > "5"', "> compares with a number, not a string (column 16)"),
    ("properties.x = -", "a number has digits (column 16)"),
    ("properties.x = 1.2.3", "a number has one decimal point (column 19)"),
    ("properties.x = 1.", "a number does not end with a decimal point (column 17)"),
    ('contains(type, "t")', "contains() does not work on type; compare it with = (column 10)"),
    ("contains(event, 5)", "contains() takes a string in quotes, not '5' (column 17)"),
    ('match(event "x")', "match() takes a field, a comma and a string, not a string (column 13)"),
    ('type = "track" ; x', "unexpected character (column 16)"),
    ('type !"track"', "after '!' comes"),
    ("(" * 60 + 'type = "a"' + ")" * 60, "parentheses nest deeper than 50 levels (column 51)"),
    ("properties.a\\", "a backslash escapes the character after it"),
]


@pytest.mark.parametrize(("fql", "message"), MISTAKES, ids=[m[:40] for _, m in MISTAKES])
def test_mistakes_are_reported_with_their_column(fql: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        matches_trigger(fql, EVENT)
    assert str(caught.value).startswith(message)
    assert "(column " in str(caught.value)


def test_the_empty_trigger() -> None:
    assert matches_trigger("", EVENT)
    assert not matches_trigger(" ", EVENT, "deployed")


@pytest.mark.parametrize(("fql", "event"), [(5, {}), ('type = "a"', [])])
def test_other_kinds_of_input(fql: Any, event: Any) -> None:
    with pytest.raises(ConfigError, match="must be"):
        matches_trigger(fql, event)


words = st.sampled_from(
    [
        "type",
        "event",
        "properties.x",
        "traits",
        ".",
        "and",
        "or",
        "not",
        "!",
        "!=",
        "=",
        "<=",
        "(",
        ")",
        ",",
        "contains",
        "match",
        '"a"',
        "'b'",
        '"',
        "1",
        "-2.5",
        "null",
        "true",
        "\\",
        "[",
        "é",
        " ",
        "\n",
        "AND",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(words, max_size=14), st.booleans())
def test_any_text_is_parsed_or_rejected_with_a_column(parts: list[str], spaced: bool) -> None:  # noqa: FBT001 -- drawn
    fql = (" " if spaced else "").join(parts)
    assert isinstance(matches_trigger(fql, EVENT, "deployed"), bool)
    try:
        assert isinstance(matches_trigger(fql, EVENT), bool)
    except ConfigError as error:
        column = int(str(error).rsplit("(column ", 1)[1].rstrip(")"))
        assert 1 <= column <= len(fql) + 1
