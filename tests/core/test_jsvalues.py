"""JavaScript's reading of JSON values."""

from typing import Any

import pytest

from klavier.jsvalues import parse_float, trim


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("5 USD", 5),
        (" \t\ufeff\u00a0-2.50", -2.5),
        (".5", 0.5),
        ("5.", 5),
        ("1e3x", 1000),
        ("1e", 1),
        ("\uff15", None),
        ("5\uff15", 5),
        ("\x1c5", None),
        ("\u06655", None),
        ("Infinity", None),
        ("9" * 400, None),
        (None, None),
        (True, None),
        ([7, 8], 7),
    ],
)
def test_parse_float(value: Any, number: float | None) -> None:
    assert parse_float(value) == number


def test_trim_removes_javascripts_white_space() -> None:
    assert trim("\ufeff\u3000 a b \u2028\t") == "a b"
    assert trim("\x1ca\x85") == "\x1ca\x85"
