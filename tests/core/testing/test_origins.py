"""What counts as derived, and what as invented."""

from typing import Any

import pytest

from klavier.testing.provenance import Origins

EVENT: dict[str, Any] = {
    "name": "  Ana de Armas ",
    "email": "Ana@Shop.test",
    "phone": "(415) 555-0132",
    "when": "2022-02-02T02:02:02.000+05:30",
    "epoch": 1700000000,
    "price": "$1,200.50",
    "amount": "12.5 USD",
    "big": 12345678901,
    "tags": ["a", "b"],
    "flag": True,
    "page": "Home",
    "word": "Viewed",
}


@pytest.mark.parametrize(
    "leaf",
    [
        "Ana de Armas",
        "ana@shop.test",
        "Ana",
        "de Armas",
        "na de Armas",
        "Viewed Home",
        "a,b",
        "true",
        "12345678901",
        True,
        12.5,
        12,
        1200.5,
        "2022-02-01T20:32:02Z",
        1643747522,
        "2023-11-14T22:13:20.000Z",
        "1970-01-20T16:13:20.000Z",
        1700000000000,
        "+14155550132",
    ],
)
def test_derived(leaf: Any) -> None:
    assert Origins(EVENT).explain(leaf)


@pytest.mark.parametrize(
    "leaf",
    [
        "Bob",
        "Viewed Product",
        "ana@shop.example",
        13,
        0.5,
        False,
        None,
        "",
        "2022-02-01T20:32:03Z",
        "+14155550133",
        "»",
    ],
)
def test_invented(leaf: Any) -> None:
    assert not Origins(EVENT).explain(leaf)


def test_null_comes_from_null() -> None:
    assert Origins({"gone": None}).explain(None)


def test_nothing_comes_from_nothing() -> None:
    assert not Origins().explain("word")
