import dataclasses
import datetime as dt
import enum
import json
import math
import uuid
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from klavier import EventError
from klavier.strictjson import DEEPEST, checked_copy, find_fault, kind_of, read_text

IN_RANGE = st.integers(-(2**63), 2**64 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
ODD = ['"', "\\", '\\"', "/", "\u2028", "\x00", "e1"]
TEXT = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(ODD)
SCALARS = st.none() | st.booleans() | IN_RANGE | FLOATS | TEXT
JSONS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=20
)
SPELLINGS = st.fixed_dictionaries(
    {
        "ensure_ascii": st.booleans(),
        "indent": st.sampled_from([None, 0, 1, "\t"]),
        "separators": st.sampled_from([None, (",", ":"), (" ,", ": "), (", ", " :")]),
    }
)


def place_of(value: Any) -> str:
    with pytest.raises(EventError) as caught:
        checked_copy(value)
    return caught.value.place


def error_of(text: bytes | str) -> EventError:
    with pytest.raises(EventError) as caught:
        read_text(text)
    return caught.value


@settings(max_examples=200, deadline=None)
@given(value=JSONS, spelling=SPELLINGS, as_bytes=st.booleans())
@example(value={'"': 1}, spelling={}, as_bytes=True)
@example(value=[2**64 - 1, -(2**63), -0.0, 1e308, 5e-324], spelling={}, as_bytes=True)
def test_every_document_in_range_is_read_as_the_standard_library_reads_it(
    value: Any, spelling: dict[str, Any], *, as_bytes: bool
) -> None:
    text = json.dumps(value, **spelling)
    assert repr(read_text(text.encode() if as_bytes else text)) == repr(json.loads(text))


class RepeatedError(Exception):
    """A reference reader met the same key twice."""


def reference(text: bytes) -> Any:
    """Read with the standard library and check everything afterwards, the slow and plain way."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(found)) != len(found):
            raise RepeatedError
        return dict(found)

    def check(value: Any, depth: int) -> None:
        if isinstance(value, (dict, list)):
            assert depth < DEEPEST
            for member in [*value, *value.values()] if isinstance(value, dict) else value:
                check(member, depth + 1)
        elif isinstance(value, str):
            value.encode()
        elif isinstance(value, float):
            assert math.isfinite(value)
        elif isinstance(value, int):
            assert -(2**63) <= value < 2**64

    value = json.loads(text.decode().removeprefix("\ufeff"), object_pairs_hook=pairs)
    check(value, 0)
    return value


PUNCTUATION = ["{", "}", "[", "]", ",", ":", " ", '"', "\\"]
STRINGS = ['"a"', '"a":1', '"b":2', "\\u0022", "\\ud800", '"\\ud83d\\ude00"', "é", "\u2028", "\ufeff"]
NUMBERS = ["1", "-0", "1e5", "1e999", "1.50", "0.1234567890123456789"]
HUGE = ["18446744073709551615", "18446744073709551616", "-9223372036854775809"]
PIECES = st.lists(st.sampled_from([*PUNCTUATION, *STRINGS, *NUMBERS, *HUGE, "NaN", "null", "true"]), max_size=9)


@settings(max_examples=300, deadline=None)
@given(text=PIECES.map("".join) | JSONS.map(json.dumps), cut=st.integers(0, 30), piece=PIECES.map("".join))
@example(text='{"a":1,"a":"\\u0022"}', cut=30, piece="")
@example(text='{"a":"\\u0022\\u0022","a":""}', cut=30, piece="")
@example(text='{"x":18446744073709551616, "y":1}', cut=30, piece="")
def test_any_text_is_read_exactly_or_refused_for_a_reason(text: str, cut: int, piece: str) -> None:
    raw = (text[:cut] + piece + text[cut:]).encode()
    try:
        expected: Any = repr(reference(raw))
    except (ValueError, AssertionError, RepeatedError):
        expected = EventError
    try:
        found: Any = repr(read_text(raw))
    except EventError:
        found = EventError
    assert found == expected


@pytest.mark.parametrize(
    ("text", "words", "place"),
    [
        ("", "text is empty", ""),
        (" \n", "text is empty", ""),
        ("{'a': 1}", "not JSON at column 2", ""),
        ('{"a": 1} x', "not JSON at column 10", ""),
        ('{\n  "a": 1\n  "b": 2\n}', "not JSON at line 3 column 3", ""),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7", ""),
        ('{"a": {"b": [1, {"c": 1, "c": 2}]}}', "same key twice", "a.b[1].c"),
        ('{"b": {}, "b": {"x": 1}}', "same key twice", "b"),
        ('{"a": [NaN]}', "NaN or infinity", "a[0]"),
        ('{"a": [0, -Infinity]}', "NaN or infinity", "a[1]"),
        ('{"a": 1e999}', "NaN or infinity", "a"),
        ('{"a": {"b": 18446744073709551616}}', "beyond 64 bits", "a.b"),
        ('{"a": -9223372036854775809}', "beyond 64 bits", "a"),
        ('{"a": ' + "9" * 5000 + "}", "beyond 64 bits", "a"),
        ('{"a": "\\ud800"}', "half a surrogate", "a"),
        ('{"a": {"\\udc00": 1}}', "half a surrogate", "a.?"),
        ('{"\ud800": 1}', "half a surrogate", "?"),
        ("[" * 10_000, "250 levels", ""),
        ("[" * 10_000 + "]" * 10_000, "250 levels", ""),
        ('{"a":' * 600 + "1" + "}" * 600, "250 levels", "a.a.a"),
    ],
)
def test_what_is_refused_is_named(text: bytes | str, words: str, place: str) -> None:
    error = error_of(text)
    assert words in error.problem
    assert error.place.startswith(place) if len(text) > 3000 else error.place == place


@pytest.mark.parametrize(
    "text", [b'\xef\xbb\xbf{"a": 1}', '\ufeff{"a": 1}', bytearray(b'{"a":1}'), memoryview(b'{"a": 1}')]
)
def test_a_byte_order_mark_and_other_kinds_of_bytes_are_read(text: Any) -> None:
    assert read_text(text) == {"a": 1}


@pytest.mark.parametrize("text", [None, 5, {"a": 1}, ["{}"]])
def test_what_is_no_text_is_refused(text: Any) -> None:
    assert "is a string or bytes" in error_of(text).problem


@pytest.mark.parametrize("wide", ["", ' "b": 1,'])
@pytest.mark.parametrize("levels", [DEEPEST, DEEPEST + 1])
def test_the_bound_on_nesting_is_the_same_on_every_way_in(levels: int, wide: str) -> None:
    text = f'{{{wide}"a":' * (levels - 1) + "{}" + "}" * (levels - 1)
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    if levels <= DEEPEST:
        read_text(text)
        assert checked_copy(value) == value
        find_fault(value)
    else:
        for refused in (lambda: read_text(text), lambda: checked_copy(value), lambda: find_fault(value)):
            with pytest.raises(EventError, match="250 levels"):
                refused()


def test_many_brackets_side_by_side_are_fine() -> None:
    value = {"a": [[]] * 1000, "b": [{}] * 1000}
    assert checked_copy(value) == value


def test_large_strings_are_fine() -> None:
    text = "é" * 2_500_000
    assert checked_copy({"a": text, "b": None}) == {"a": text, "b": None}
    assert read_text(json.dumps({"a": text})) == {"a": text}
    assert place_of({"a": text + "\ud800"}) == "a"


class Text(str):
    __slots__ = ()


class Number(int):
    pass


class Table(dict[str, Any]):
    pass


class Shade(enum.Enum):
    RED = "red"
    NONE = math.nan


class Unequal(dict[str, Any]):
    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    __hash__ = None


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (dt.datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=dt.UTC), "2026-01-02T03:04:05.000600+00:00"),
        (dt.datetime(2026, 1, 2), "2026-01-02T00:00:00"),  # noqa: DTZ001 -- naive ones are the case
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.time(3, 4), "03:04:00"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Shade.RED, "red"),
        (Text("é"), "é"),
        (Number(5), 5),
        (Table(a=1), {"a": 1}),
        (Unequal(a=1), {"a": 1}),
        ((1, [2]), [1, [2]]),
        (-0.0, -0.0),
        (2**64 - 1, 2**64 - 1),
        (-(2**63), -(2**63)),
    ],
)
def test_what_python_means_is_written_as_json(value: Any, written: Any) -> None:
    assert repr(checked_copy({"a": value})) == repr({"a": written})
    assert repr(checked_copy({"null": None, "a": [value]})) == repr({"null": None, "a": [written]})


@dataclasses.dataclass
class Plain:
    a: int = 1


@attrs.frozen
class Frozen:
    a: int = 1


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        2**64,
        -(2**63) - 1,
        Number(2**70),
        "\ud800",
        Text("\udfff"),
        b"x",
        {1},
        Decimal("1.5"),
        1j,
        dt.timedelta(1),
        object(),
        Plain(),
        Frozen(),
        Shade.NONE,
        Shade,
        len,
        iter(()),
        range(3),
        {1: 2},
        {None: 1},
        {Text("a"): 1},
        {"\ud800": 1},
    ],
)
@pytest.mark.parametrize("null", [{}, {"null": None}])
def test_what_json_cannot_say_is_refused_at_its_place(value: Any, null: dict[str, Any]) -> None:
    assert place_of(null | {"a": [{"b": 0}, {"b": value}]}).startswith("a[1].b")
    assert place_of(null | {"a": (value,)}).startswith("a[0]")


def test_circles_and_deep_nesting_are_refused() -> None:
    circle: dict[str, Any] = {"b": 1}
    circle["a"] = [circle, circle]
    assert place_of(circle).startswith("a[0].a[0]")
    deep: Any = 1
    for _ in range(10_000):
        deep = {"a": deep}
    assert place_of(deep).startswith("a.a")


def test_places_and_problems_show_no_values_and_stay_short() -> None:
    with pytest.raises(EventError) as caught:
        checked_copy({"k" * 500: {"j" * 500: {"s3cret"}}})
    assert len(str(caught.value)) < 200
    assert "s3cret" not in str(caught.value)


def test_a_place_can_be_given() -> None:
    with pytest.raises(EventError, match=r"^body\.a\[1\]: "):
        find_fault({"a": [1, math.nan]}, "body")
    with pytest.raises(EventError, match=r"^body: "):
        find_fault(math.nan, "body")


@pytest.mark.parametrize(
    ("value", "kind"),
    [(None, "null"), (True, "a boolean"), (1, "a number"), ({}, "an object"), ([], "an array"), ({1}, "a Python set")],
)
def test_kinds_are_named(value: Any, kind: str) -> None:
    assert kind_of(value) == kind


@settings(max_examples=100, deadline=None)
@given(value=st.dictionaries(TEXT, JSONS, max_size=4))
def test_a_copy_is_equal_and_shares_nothing_that_changes(value: dict[str, Any]) -> None:
    copy = checked_copy(value)
    assert repr(copy) == repr(value)
    mutable = {id(item) for item in walk(value) if isinstance(item, (dict, list))}
    assert not any(id(item) in mutable for item in walk(copy))


def walk(value: Any) -> list[Any]:
    members = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [value, *(inner for member in members for inner in walk(member))]
