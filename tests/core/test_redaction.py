import string
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from klavier.redaction import redact_json, redact_text

DIGITS = st.text(string.digits, min_size=9, max_size=14)
SEPARATORS = ["", " ", "-", ".", "/", " - ", ") ", "(", "\u00a0", "\u2011", ").("]


@st.composite
def phones(draw: st.DrawFn) -> str:
    """Spell a number of nine digits or more as people do: with a plus, brackets and separators."""
    digits = draw(DIGITS)
    parts = [digit + draw(st.sampled_from(SEPARATORS)) for digit in digits[:-1]]
    return draw(st.sampled_from(["", "+", "00", "tel:", "p"])) + "".join(parts) + digits[-1]


LOCAL = st.text(string.ascii_letters + string.digits + "!#$%&'*+-/=?^_`{|}~.éß", min_size=1, max_size=12)
DOMAIN = st.text(string.ascii_lowercase + string.digits + "-.ü", min_size=1, max_size=12)
EMAILS = st.builds("{}{}{}".format, LOCAL, st.sampled_from(["@", "%40"]), DOMAIN)
KEYS = st.builds(
    "{}_{}".format, st.sampled_from(["pk", "ck"]), st.text("0123456789abcdefXYZ_", min_size=1, max_size=40)
)
AROUND = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(["'", '"', "{'email': '", "=", ": ", "<"])


@settings(max_examples=200)
@given(before=AROUND, address=EMAILS, after=AROUND)
@example(before="", address="o'brien@example.com", after="")
def test_no_address_survives(before: str, address: str, after: str) -> None:
    assert address not in redact_text(before + address + after)


@settings(max_examples=200)
@given(before=AROUND, secret=phones(), after=AROUND)
def test_no_phone_number_survives(before: str, secret: str, after: str) -> None:
    shown = redact_text(f"{before} {secret}{after}")
    assert secret not in shown
    assert longest_run(shown) < 9


def longest_run(text: str) -> int:
    best = run = 0
    for char in text:
        run = run + 1 if char in string.digits else 0
        best = max(best, run)
    return best


@settings(max_examples=100)
@given(before=AROUND, secret=KEYS, after=AROUND)
def test_no_key_survives(before: str, secret: str, after: str) -> None:
    separator = " " if before[-1:].isalnum() else ""
    shown = redact_text(before + separator + secret + after)
    assert secret not in shown
    assert "(key)" in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("'ada@example.com' is not valid", "'(email)' is not valid"),
        ('Invalid email address: "ada@example.com".', 'Invalid email address: "(email)".'),
        ("{'email': 'ada@example.com', 'id': 5}", "{'email': '(email)', 'id': 5}"),
        ("/api/profiles?filter=equals(email,ada%40example.com)", "/api/profiles?filter=equals(email,(email))"),
        ("+1 (415) 555-2671 is not a valid phone number", "(number) is not a valid phone number"),
        ("call 555-2671 or 0049/30-123456", "call (number) or (number)"),
        ("p4155552671x", "p(number)x"),
        ("Authorization: Klaviyo-API-Key abc123", "Authorization: (key)"),
        ("bearer abc.def", "(key)"),
        ("key pk_0a1b2c, pk_x", "key (key), (key)"),
    ],
)
def test_what_is_redacted(text: str, shown: str) -> None:
    assert redact_text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "'foo' is not a valid field for the resource 'profile'",
        "the request has 5000002 bytes, Klaviyo takes 5000000; send smaller events",
        "the event has 401 properties, Klaviyo takes 400",
        "at /data/attributes/events-bulk-create/data/999/attributes/properties",
        "not before 2026-03-01T10:20:30Z",
        "error 6ba7b810-9dad-11d1-80b4-00c04fd430c8, or 12345678-1234-1234-1234-123456789012",
        "track_event of 01GDDKASAP8TKDDA2GRZDSVP4H",
        "must start with pk_",
        "status 429, retry after 60",
    ],
)
def test_what_is_kept(text: str) -> None:
    assert redact_text(text) == text


LONG = ["x" * 1_000_000, "@" * 300_000, "1 " * 300_000, "1-" * 300_000, "a@" * 300_000, "1(" * 300_000]


@pytest.mark.parametrize("text", LONG)
def test_long_texts_take_linear_time(text: str) -> None:
    started = time.process_time()
    redact_text(text)
    assert time.process_time() - started < 5


def test_json_keeps_its_shape_and_nothing_else() -> None:
    value = {
        "data": {"email": "ada@example.com", "n": 1, "f": 1.5, "b": True, "none": None},
        "list": ["a", ["b"]],
        "api_key": {"a": 1},
        "Token": "abc",
        "ada@example.com": 1,
    }
    assert redact_json(value) == {
        "data": {"email": "(str)", "n": "(int)", "f": "(float)", "b": "(bool)", "none": "null"},
        "list": ["(str)", ["(str)"]],
        "api_key": "(secret)",
        "Token": "(secret)",
        "(email)": "(int)",
    }


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]


@settings(max_examples=100)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=12,
    )
)
def test_no_leaf_of_json_survives(value: Any) -> None:
    kinds = {"null", "(str)", "(int)", "(float)", "(bool)", "(secret)"}
    assert set(leaves(redact_json(value))) <= kinds
