"""JavaScript's dates, numbers and JSON."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klavier.jsdates import parse_date, to_civil, to_days, to_iso
from klavier_segment_actions.javascript.missing import MISSING
from klavier_segment_actions.javascript.values import (
    add,
    is_less,
    join_units,
    split_units,
    to_json,
    to_number,
    to_text,
)

DATES = [
    ("2024", "2024-01-01T00:00:00.000Z"),
    ("2024-03", "2024-03-01T00:00:00.000Z"),
    ("2024-02-30T00:00:00Z", "2024-03-01T00:00:00.000Z"),
    ("2024-03-01T24:00:00Z", "2024-03-02T00:00:00.000Z"),
    ("2024-03-01T10:20", "2024-03-01T10:20:00.000Z"),
    ("2024-03-01T10:20:30.5+0530", "2024-03-01T04:50:30.500Z"),
    ("2024-03-01 10:20:30.123456", "2024-03-01T10:20:30.123Z"),
    ("+012024-03-01T00:00:00Z", "+012024-03-01T00:00:00.000Z"),
    ("March 1, 2024", "2024-03-01T00:00:00.000Z"),
    ("1 Mar 2024 7:05 pm EST", "2024-03-02T00:05:00.000Z"),
    ("Fri, 01 Mar 2024 10:20:30 GMT-0800 (Pacific Standard Time)", "2024-03-01T18:20:30.000Z"),
    ("3/1/2024 10:20 AM", "2024-03-01T10:20:00.000Z"),
    ("01/03/2024", "2024-01-03T00:00:00.000Z"),
    ("2024/3/1", "2024-03-01T00:00:00.000Z"),
    ("12", "2001-12-01T00:00:00.000Z"),
    ("1/2/69", "1969-01-02T00:00:00.000Z"),
    ("10:20 Mar-1-49", "2049-03-01T10:20:00.000Z"),
    ("2024-03-01T10:20:30Z ", None),
    ("2024-W09-5", None),
    ("2024-13-01", None),
    ("2024-03-01T25:00:00Z", None),
    ("1st of March", None),
    ("32", "2032-01-01T00:00:00.000Z"),
    ("13", None),
    ("10:61 Mar 1 2024", None),
    ("soon", None),
    ("", None),
    ("999999", "+999999-01-01T00:00:00.000Z"),
]


@pytest.mark.parametrize(("text", "expected"), DATES)
def test_dates(text: str, expected: str | None) -> None:
    found = parse_date(text)
    if expected == "+999999-01-01T00:00:00.000Z":
        assert found is None  # beyond the range of dates
        return
    assert (None if found is None else to_iso(found)) == expected


@given(st.integers(-8_640_000_000_000_000, 8_640_000_000_000_000))
def test_dates_are_written_and_read_back(milliseconds: int) -> None:
    assert parse_date(to_iso(milliseconds)) == milliseconds


@given(st.integers(-100_000_000, 100_000_000))
def test_days_are_split_and_joined(days: int) -> None:
    parts = to_civil(days * 86_400_000)
    assert to_days(parts.year, parts.month, parts.day) == days


@given(st.text(alphabet=st.sampled_from("0123456789:-+./ TZapmMarjn()é"), max_size=20))
def test_any_text_is_a_date_or_none(text: str) -> None:
    found = parse_date(text)
    assert found is None or abs(found) <= 8.64e15


NUMBERS: list[tuple[Any, float]] = [
    ("", 0),
    (" 12.5 ", 12.5),
    ("0x1F", 31),
    ("0b11", 3),
    ("1e3", 1000),
    (".5", 0.5),
    ("5.", 5),
    ("-Infinity", -math.inf),
    (None, 0),
    (True, 1),
    ([], 0),
    ([7], 7),
    (["2"], 2),
]
NO_NUMBERS: list[Any] = ["1,5", "12px", "1_000", "e3", "--1", "0x", {}, [1, 2], MISSING, "NaN", "9" * 2000]


def test_numbers() -> None:
    assert [to_number(value) for value, _ in NUMBERS] == [number for _, number in NUMBERS]
    assert all(math.isnan(to_number(value)) for value in NO_NUMBERS)


def test_texts() -> None:
    values: list[Any] = [math.nan, -math.inf, 1.0, 1e21, None, MISSING, [1, [2, None], "x"], {}]
    assert [to_text(value) for value in values] == [
        "NaN", "-Infinity", "1", "1e+21", "null", "undefined", "1,2,,x", "[object Object]",
    ]  # fmt: skip


def test_comparisons_and_sums() -> None:
    assert is_less("10", "9")
    assert not is_less(10, "9")
    assert not is_less("x", 1)
    assert not is_less(1, "x")
    assert is_less(None, 0, or_equal=True)
    assert (add("3.14", 1), add(2, None), add([1], 2)) == ("3.141", 2, "12")


def test_json() -> None:
    value = {"a": [1.0, MISSING, math.nan], "b": MISSING, "é": {}}
    assert to_json(value) == '{"a":[1,null,null],"é":{}}'
    assert to_json({"a": [1]}, "  ") == '{\n  "a": [\n    1\n  ]\n}'
    assert to_json(MISSING) is MISSING


@given(st.text())
def test_utf16_units_are_joined_again(text: str) -> None:
    units = split_units(text)
    assert len(units) == len(text.encode("utf-16-le")) // 2
    assert join_units(units) == text
