"""Phone numbers in E.164 form."""

from typing import Any

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klavier.values import read_phone


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+15005550006", "+15005550006"),
        ("+1 (617) 555-1333", "+16175551333"),
        ("(+1) 617-555-1333", "+16175551333"),
        ("tel:+1-617-555-1333", "+16175551333"),
        ("p:+16175551333", "+16175551333"),
        ("\u200e+44 20 7946 0958", "+442079460958"),
        ("+44 (0)20 7946 0958", "+442079460958"),
        ("+44(0)20 7946 0958", "+442079460958"),
        ("+4402079460958", "+442079460958"),
        ("+49 (0) 521 1234567", "+495211234567"),
        ("+7 (8) 495 123-45-67", "+74951234567"),
        ("+39 06 6982 1234", "+390669821234"),
        ("+39 (0)6 6982 1234", "+390669821234"),
        ("\uff0b\uff14\uff14 20 7946 0958", "+442079460958"),
    ],
)
def test_a_number_is_read(text: str, number: str) -> None:
    assert read_phone(text) == (number, "")


@pytest.mark.parametrize(
    "text",
    [
        "+1 617-555-1333 x12",
        "+1 617-555-1333 ext. 12",
        "+1 617-555-1333,,12",
        "+1 617-555-1333#12",
        "tel:+1-617-555-1333;ext=12",
        "+1 617-555-1333 / 1334",
        "+1 617-555-1333 +1 617-555-1334",
        "+1 800 FLOWERS",
        "call +1 617-555-1333",
        "+16175551333 (home)",
        "6175551333",
        "00442079460958",
        "+1617555133312",
        "+34 (0)912345678",
        "+372 (0)5123456",
        "+1 555 1333",
        "+0123456789",
        "+999123456789",
        "+",
        "n/a",
        "\U0001f4de",
        "+1" + "6" * 40_000,
        5551333,
        True,
        ["+16175551333"],
    ],
)
def test_what_is_no_number_has_a_reason(text: Any) -> None:
    number, reason = read_phone(text)
    assert number is None
    assert reason


@pytest.mark.parametrize("absent", [None, ""])
def test_an_absent_number_needs_no_reason(absent: Any) -> None:
    assert read_phone(absent) == (None, "")


def test_a_region_stands_in_for_the_country_code() -> None:
    assert read_phone("(617) 555-1333", "US") == ("+16175551333", "")
    assert read_phone("020 7946 0958", "GB") == ("+442079460958", "")
    assert read_phone("617-555-1333 x12", "US")[0] is None


@given(st.from_regex(r"\+[1-9][0-9]{2,14}", fullmatch=True))
def test_the_fast_reading_agrees_with_the_library(text: str) -> None:
    number, _ = read_phone(text)
    try:
        parsed = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        assert number is None
        return
    possible = phonenumbers.is_possible_number_with_reason(parsed) == phonenumbers.ValidationResult.IS_POSSIBLE
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    assert number == (written if possible else None)


@given(st.text(), st.text(max_size=5))
def test_letters_are_never_read_as_digits(before: str, after: str) -> None:
    number, _ = read_phone(f"{before}+16175551333{after}")
    assert number is None or not any(
        character.isalpha() for character in (before.removeprefix("tel:") + after).lower().replace("p:", "")
    )
