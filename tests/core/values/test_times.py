"""Times as Klaviyo takes them."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klavier.values import klaviyo_time, read_epoch_seconds, read_time, unix_seconds

_PLAIN = st.from_regex(
    r"(19[89]|20[0-9])[0-9]-[01][0-9]-[0-3][0-9]T([01][0-9]|2[0-3]):[0-6][0-9]:[0-5][0-9]\.[0-9]{3}Z", fullmatch=True
)


@given(st.one_of(_PLAIN, st.datetimes().map(lambda moment: f"{moment.isoformat()[:19]}.000Z")))
def test_a_plain_time_comes_back_unchanged(text: str) -> None:
    assert klaviyo_time(text) == (text if is_time(text) and text >= "1990" else None)


def is_time(text: str) -> bool:
    try:
        return bool(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ"))  # noqa: DTZ007 -- only whether it is one counts
    except ValueError:
        return False


@pytest.mark.parametrize("text", ["2024-03-01T10:20:30.123Z", "1990-01-01T00:00:00.000Z", "2024-03-01T10:20:30+02:00"])
def test_rfc_3339_comes_back_unchanged(text: str) -> None:
    assert read_time(text) == (text, "")


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2024-02-06", "2024-02-06T00:00:00Z"),
        ("20240206", "2024-02-06T00:00:00Z"),
        ("20240206T134634Z", "2024-02-06T13:46:34Z"),
        ("2024-W06-2", "2024-02-06T00:00:00Z"),
        ("2024-02-06 13:46:34", "2024-02-06T13:46:34Z"),
        ("2024-02-06 13:46:34.123 UTC", "2024-02-06T13:46:34.123000Z"),
        ("2024-02-06 13:46:34 GMT", "2024-02-06T13:46:34Z"),
        ("2024-02-06 13:46:34.123 +0000", "2024-02-06T13:46:34.123000Z"),
        ("2024-02-06 13:46:34+00", "2024-02-06T13:46:34Z"),
        ("2024-02-06 13:46:34 -05:00", "2024-02-06T13:46:34-05:00"),
        ("  2024-02-06T13:46:34.5Z\n", "2024-02-06T13:46:34.500000Z"),
        ("Tue, 06 Feb 2024 13:46:34 GMT", "2024-02-06T13:46:34Z"),
        (1707227194, "2024-02-06T13:46:34Z"),
        (1707227194.5, "2024-02-06T13:46:34.500000Z"),
        (1707227194123, "2024-02-06T13:46:34.123000Z"),
        ("1707227194", "2024-02-06T13:46:34Z"),
        ("1707227194123", "2024-02-06T13:46:34.123000Z"),
        ("1707227194.5", "2024-02-06T13:46:34.500000Z"),
        ("9999-12-31", "9999-12-31T00:00:00Z"),
    ],
)
def test_forms_that_are_read(value: Any, time: str) -> None:
    assert read_time(value) == (time, "")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("2/6/2024", "no ISO 8601 time"),
        ("06.02.2024", "no ISO 8601 time"),
        ("2024", "no ISO 8601 time"),
        ("20240206134634", "no epoch number"),
        ("2024-02-06x13:46", "no ISO 8601 time"),
        ("2024-13-01T10:20:30.123Z", "no ISO 8601 time"),
        ("2024-02-06 13:46:34 PST", "no ISO 8601 time"),
        ("soon", "no ISO 8601 time"),
        ("2024-02-06 UTC" * 3_000, "no ISO 8601 time"),
        ("1971-01-01T00:00:00Z", "before 1990"),
        ("0001-01-01", "before 1990"),
        (-5, "before 1990"),
        (-1e300, "before 1990"),
        ("123456789", "before 1990"),
        (1e300, "beyond the year 9999"),
        (1707227194123456, "beyond the year 9999"),
        ("1707227194123456", "no epoch number in seconds or milliseconds"),
        (True, "a boolean where a time is expected"),
        (["2024-02-06"], "an array where a time is expected"),
    ],
)
def test_what_is_no_time_has_the_right_reason(value: Any, reason: str) -> None:
    time, found = read_time(value)
    assert time is None
    assert reason in found


@pytest.mark.parametrize("absent", [None, "", "  "])
def test_an_absent_time_needs_no_reason(absent: Any) -> None:
    assert read_time(absent) == (None, "")


def test_seconds_stay_seconds() -> None:
    assert read_epoch_seconds(253402214400) == ("9999-12-31T00:00:00Z", "")
    assert read_epoch_seconds(1e18)[1] == "a time beyond the year 9999"
    assert read_epoch_seconds("1707227194")[0] is None
    assert unix_seconds("2024-02-06T13:46:34.900Z") == unix_seconds("2024-02-06T14:46:34+01:00") == 1707227194


@given(st.text(alphabet="0123456789-:TZ .UTC+W,", max_size=30))
def test_any_text_is_a_time_or_has_a_reason(text: str) -> None:
    time, reason = read_time(text)
    assert (time is None) == (reason != "" or not text.strip())
