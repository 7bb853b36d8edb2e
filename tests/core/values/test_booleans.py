"""Booleans, also as text: they decide consent."""

from typing import Any

import pytest

from klavier.values import read_boolean


@pytest.mark.parametrize("value", [True, 1, 1.0, "true", " TRUE ", "t", "Yes", "y", "on", "1"])
def test_true(value: Any) -> None:
    assert read_boolean(value) == (True, "")


@pytest.mark.parametrize("value", [False, 0, 0.0, "false", "False\n", "f", "NO", "n", "off", "0"])
def test_false(value: Any) -> None:
    assert read_boolean(value) == (False, "")


@pytest.mark.parametrize("value", ["maybe", "null", "none", "2", 2, -1, 0.5, [], [True], {}, "true" * 10_000, " "])
def test_what_is_neither_has_a_reason(value: Any) -> None:
    found, reason = read_boolean(value)
    assert found is None
    assert "neither true nor false" in reason


@pytest.mark.parametrize("absent", [None, ""])
def test_an_absent_boolean_needs_no_reason(absent: Any) -> None:
    assert read_boolean(absent) == (None, "")
