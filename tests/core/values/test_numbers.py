"""Numbers and amounts, also as text."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klavier.values import read_amount, read_number


@pytest.mark.parametrize(
    ("value", "number"),
    [(5, 5), (-1.5, -1.5), ("5", 5), (" 12.50 ", 12.5), ("-3", -3), ("+3", 3), (".5", 0.5), ("5.", 5), ("1e3", 1000)],
)
def test_a_number_is_read(value: Any, number: float) -> None:
    assert read_number(value) == (number, "")
    assert read_amount(value) == (number, "")


@pytest.mark.parametrize(
    "text", ["1,234", "1,234.50", "1.234,50", "12,5", "1 234", "1'234.00", "1\u202f234", "1_000", "1.234.567"]
)
def test_a_separator_is_named(text: str) -> None:
    for number, reason in (read_number(text), read_amount(f"${text}"), read_amount(f"{text} EUR")):
        assert number is None
        assert "thousands separator or decimal comma" in reason


@pytest.mark.parametrize(
    "value", ["many", "5 per month", "5%", "0x10", "Infinity", "nan", "١٢", "1e999", True, [], {}, "9" * 40_000]
)
def test_what_is_no_number_has_a_reason(value: Any) -> None:
    for number, reason in (read_number(value), read_amount(value)):
        assert number is None
        assert reason


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_does_not_have_is_no_number(value: float) -> None:
    assert read_number(value)[0] is None


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("$19.99", 19.99),
        ("-$5", -5),
        ("5 USD", 5),
        ("EUR 5", 5),
        ("EUR5.50", 5.5),
        ("12.50€", 12.5),
        ("£ 3", 3),
        ("5USD", 5),
    ],
)
def test_an_amount_may_have_a_currency(text: str, amount: float) -> None:
    assert read_amount(text) == (amount, "")
    assert read_number(text)[0] is None


@pytest.mark.parametrize("text", ["$", "USD", "$$5", "$5 USD", "5 usd extra", "USD 5 USD", "-", "$-"])
def test_an_amount_has_one_currency_and_a_number(text: str) -> None:
    assert read_amount(text)[0] is None


@pytest.mark.parametrize("absent", [None, ""])
def test_an_absent_number_needs_no_reason(absent: Any) -> None:
    assert read_number(absent) == read_amount(absent) == (None, "")


@given(st.text(alphabet="0123456789.,' $€eE+-USD", max_size=12))
def test_no_digit_is_cut(text: str) -> None:
    for number, _ in (read_number(text), read_amount(text)):
        if number is not None and "e" not in text.lower().replace("eur", "").replace("usd", ""):
            digits = "".join(filter(str.isdigit, text))
            assert float(digits) == pytest.approx(
                abs(number) * 10 ** len(text.partition(".")[2].rstrip(" $€USDE")), rel=1e-9
            )
