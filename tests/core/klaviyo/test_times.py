"""Times as Klaviyo takes them."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klavier.klaviyo.times import klaviyo_time

_PLAIN = st.from_regex(
    r"(19[89]|20[0-9])[0-9]-[01][0-9]-[0-3][0-9]T([01][0-9]|2[0-3]):[0-6][0-9]:[0-5][0-9]\.[0-9]{3}Z", fullmatch=True
)


@given(st.one_of(_PLAIN, st.datetimes().map(lambda moment: f"{moment.isoformat()[:19]}.000Z")))
def test_a_plain_time_comes_back_unchanged_unless_it_is_none_or_too_early(text: str) -> None:
    assert klaviyo_time(text) == (text if is_time(text) and text >= "1990" else None)


def is_time(text: str) -> bool:
    try:
        return bool(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ"))  # noqa: DTZ007 -- only whether it is one counts
    except ValueError:
        return False


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("2024-03-01T10:20:30.123Z", True),
        ("1990-01-01T00:00:00.000Z", True),
        ("1989-12-31T23:59:59.999Z", False),
        ("2024-13-01T10:20:30.123Z", False),
        ("2024-W09-5T10:20:30.123Z", False),
        ("2024-03-01 10:20:30.123Z", False),
        ("", False),
    ],
)
def test_what_comes_back_unchanged(text: str, plain: object) -> None:
    assert (klaviyo_time(text) == text) is plain
