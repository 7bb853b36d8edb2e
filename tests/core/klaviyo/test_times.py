"""Times as Klaviyo takes them, told quickly where they are plain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klavier.klaviyo.times import is_plain_time, klaviyo_time

_PLAIN = st.from_regex(r"(19[89]|20[0-9])[0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\.[0-9]{3}Z")


@given(st.one_of(_PLAIN, st.text(max_size=30), st.datetimes().map(lambda moment: f"{moment.isoformat()[:23]}Z")))
def test_a_plain_time_is_one_that_comes_back_unchanged(text: str) -> None:
    if is_plain_time(text):
        assert klaviyo_time(text) == text
    elif len(text) == 24 and text.endswith("Z") and text[19:20] == ".":
        assert klaviyo_time(text) != text


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
def test_plain_times(text: str, plain: object) -> None:
    assert is_plain_time(text) is plain
