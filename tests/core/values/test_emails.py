"""E-mail addresses as Klaviyo takes them."""

from typing import Any

import pytest

from klavier.values import is_email, read_email


@pytest.mark.parametrize(
    "text", ["ada@shop.test", "a+b.c@b.co", "o'brien@mail.shop.co.uk", "ada@münchen.de", f"{'a' * 90}@shop.test"]
)
def test_an_address_is_read(text: str) -> None:
    assert read_email(f" {text}\n") == (text, "")


@pytest.mark.parametrize(
    "text",
    [
        "n/a",
        "ada@shop",
        "user@domain.c",
        "a@b..co",
        "a@.co",
        "@b.co",
        "a@b@c.co",
        "a b@c.co",
        "a@b.co, b@b.co",
        "<a@b.co>",
        "Ada <a@b.co>",
        "a@b.co\x00",
        f"{'a' * 92}@shop.test",
        "@" * 30_000,
    ],
)
def test_what_is_no_address_has_a_reason(text: str) -> None:
    found, reason = read_email(text)
    assert found is None
    assert "not an e-mail address" in reason
    assert not is_email(text)


@pytest.mark.parametrize("value", [5, True, ["a@b.co"], {"a": 1}])
def test_other_kinds_are_named(value: Any) -> None:
    found, reason = read_email(value)
    assert found is None
    assert "send a string" in reason


@pytest.mark.parametrize("absent", [None, ""])
def test_an_absent_address_needs_no_reason(absent: Any) -> None:
    assert read_email(absent) == (None, "")
