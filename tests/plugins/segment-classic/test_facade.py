"""How fields are found: spellings, dates, null and undefined."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klavier.testing.strategies import json_objects, json_values
from klavier_segment_classic.facade.dates import Date, read_dates, read_seconds
from klavier_segment_classic.facade.keys import UNDEFINED, Keys, count_names, find, first_truthy, normalize, without
from klavier_segment_classic.fidelity import DEPLOYED, DOCUMENTED


@pytest.mark.parametrize(
    "spelling", ["firstName", "first_name", "First Name", "$first_name", "FIRST-NAME", "first\u00fcname"]
)
def test_spellings_of_one_name(spelling: str) -> None:
    assert normalize(spelling) == "firstname"
    assert Keys({"x": 1, spelling: 2}).get("firstname") == 2


def test_dots_are_kept() -> None:
    assert normalize("Address.City") == "address.city"


def test_the_first_spelling_is_used_even_where_it_is_null() -> None:
    assert Keys({"$email": None, "email": "a"}).get("email") is None
    assert find({"$email": None, "email": "a"}, "email") is None


def test_an_absent_member_is_undefined() -> None:
    assert Keys({}).get("email") is UNDEFINED
    assert find(None, "email") is UNDEFINED
    assert find(["email"], "email") is UNDEFINED


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({"address": {"City": "Tokyo"}}, "Tokyo"),
        ({"address.city": "Tokyo"}, "Tokyo"),
        ({"address.city": "Tokyo", "address": {"city": "Paris"}}, "Tokyo"),
        ({"address": {"city": "Paris"}, "address.city": "Tokyo"}, "Paris"),
        ({"address": None, "address.city": "Tokyo"}, None),
        ({"address": {"country": "JP"}}, UNDEFINED),
        ({"address": "Tokyo"}, UNDEFINED),
        ({"address": ["city"]}, UNDEFINED),
        ({}, UNDEFINED),
    ],
)
def test_members_within_an_object(members: dict[str, Any], found: object) -> None:
    assert Keys(members).within("address", "city") is found


def test_removing_takes_one_spelling_for_each_name() -> None:
    members = {"Order ID": 1, "order_id": 2, "orderId": 3, "x": 4}
    assert without(members, count_names("orderId")) == {"order_id": 2, "orderId": 3, "x": 4}
    assert without(members, count_names("orderId", "order_id")) == {"orderId": 3, "x": 4}
    assert len(members) == 4


@given(json_objects())
def test_removing_equals_deleting_names_one_by_one(members: dict[str, Any]) -> None:
    names = ["$id", "id", "email", "first_name"]
    slowly = dict(members)
    for name in names:
        key = next((key for key in slowly if normalize(key) == normalize(name)), None)
        if key is not None:
            del slowly[key]
    assert without(members, count_names(*names)) == slowly


def test_the_first_truthy_value() -> None:
    assert first_truthy(None, "", 0, UNDEFINED, [], "x") == []
    assert first_truthy(None, "") == ""
    assert first_truthy("", UNDEFINED) is UNDEFINED


# Dates ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2014-05-06", "2014-05-06T00:00:00.000Z"),
        ("2014-05-06T07:08", "2014-05-06T07:08:00.000Z"),
        ("2014-05-06 07:08:09", "2014-05-06T07:08:09.000Z"),
        ("2014-05-06T07:08:09Z", "2014-05-06T07:08:09.000Z"),
        ("2014-05-06T07:08:09.1Z", "2014-05-06T07:08:09.100Z"),
        ("2014-05-06T07:08:09.123456Z", "2014-05-06T07:08:09.123Z"),
        ("2014-05-06T07:08:09+02:00", "2014-05-06T05:08:09.000Z"),
        ("2014-05-06T07:08:09-0230", "2014-05-06T09:38:09.000Z"),
        ("2014-13-45", "2015-02-14T00:00:00.000Z"),
        ("2014-00-00", "2014-01-01T00:00:00.000Z"),
        ("2014-02-30T25:61:61Z", "2014-03-03T02:02:01.000Z"),
        ("0050-01-02", "1950-01-02T00:00:00.000Z"),
        ("0999-01-02", "0999-01-02T00:00:00.000Z"),
    ],
)
def test_iso_text_becomes_a_date(text: str, written: str) -> None:
    found = read_dates({"a": [text]})["a"][0]
    assert found == written
    assert isinstance(found, Date)


@pytest.mark.parametrize(
    "text", ["2014-05", "2014", "20140506", "2014-05-06T", "2014-05-06x", " 2014-05-06", "2014-W19-2", "12-34-5678", ""]
)
def test_other_text_is_no_date(text: str) -> None:
    assert read_dates({"a": text}) == {"a": text}


@given(json_values())
def test_reading_dates_twice_changes_nothing(value: Any) -> None:
    once = read_dates(value)
    assert read_dates(once) == once


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001 -- made aware below
def test_fast_and_slow_readers_agree(moment: datetime) -> None:
    text = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}"
    expected = int(
        (moment.replace(microsecond=0, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1)
    )
    assert read_seconds(f"{text}Z") == read_seconds(f"{text}000+00:00") == expected


@pytest.mark.parametrize(
    ("timestamp", "seconds"),
    [
        (None, 0),
        (0, 0),
        (31557599999, 31557599999),
        (31557600000, 31557600),
        (1.9, 1),
        (-1, -1),
        (True, 0),
        ("ts=1709288430", None),
        ("1709288430 or so", 1709288430),
        ("March 1, 2024", 1709251200),
        ("Fri, 01 Mar 2024 10:20:30 GMT", 1709288430),
        ("2024-03-01 10:20:30 PM", 1709331630),
        ("soon", None),
        ("", None),
        ([], None),
        ({}, None),
        (1e300, None),
    ],
)
def test_timestamps(timestamp: object, seconds: object) -> None:
    assert read_seconds(timestamp) == seconds


def test_every_field_differs() -> None:
    """A field that is the same in both columns is no difference."""
    for name in DOCUMENTED.__attrs_attrs__:
        assert getattr(DOCUMENTED, name.name) != getattr(DEPLOYED, name.name), name.name


def test_a_timestamp_of_many_digits_is_no_time() -> None:
    assert read_seconds("9" * 30_000) is None
    assert read_seconds("1" * 4301) is None
