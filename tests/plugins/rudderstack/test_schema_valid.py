"""Whatever an event contains, every request body is valid against Klaviyo's schema of its revision."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klavier import Request, load_vendor, parse_event, rehearse
from klavier.klaviyo.operations import find_operation
from tests.support.schemas import assert_valid, schema

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["", " ", "x", "u1", "0", "-3", "5 USD", "$1,200.50", "true", "usd", "USD", "x" * 300, "zoë", "a.b"]
    ),
    st.text(max_size=8),
)
ODD = st.one_of(
    SCALARS,
    st.just([]),
    st.just({}),
    st.just([None]),
    st.lists(SCALARS, max_size=2),
    st.dictionaries(st.sampled_from(["a", "b.c", "email", "id", ""]), SCALARS, max_size=2),
)
EMAILS = st.sampled_from(["ada@example.com", "zoë@example.com", " a@b.co ", "not-an-email", "a@" + "b" * 120 + ".com"])
PHONES = st.sampled_from(
    [
        "+15005550006",
        "+12 345 678 900",
        "(415) 555-2671",
        "12345",
        "+4402071838750",
        "+999123456",
        "+1",
        "+",
        "0",
        "+٣٣",
    ]
)
TIMES = st.sampled_from(
    ["2024-03-01T10:20:30.123Z", "2024-03-01", "1970-01-01T00:00:00Z", 1700000000, "2024-02-30T00:00:00Z", "now"]
)
NAMES = st.sampled_from(
    [
        "Signed Up",
        "Product Viewed",
        " product added ",
        "CHECKOUT STARTED",
        "Product Clicked",
        "x" * 128,
        " ",
        "toString",
    ]
)


def mostly(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy of the usual values of a place, and of any other."""
    return st.one_of(usual, usual, ODD)


def members(required: dict[str, Any] | None = None, /, **optional: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(required or {}, optional=optional)


ADDRESS = members(city=ODD, state=ODD, region=ODD, country=ODD, zip=ODD, postalCode=ODD, postal_code=ODD, street=ODD)
CONSENTS = mostly(st.sampled_from(["email", "sms", "web", ["email"], ["email", "sms"], []]))
CONTROL = members(
    subscribe=mostly(st.booleans()), listId=mostly(st.just("L1")), consent=CONSENTS, smsConsent=mostly(st.booleans())
)
TRAITS = members(
    email=mostly(EMAILS),
    phone=mostly(PHONES),
    userId=ODD,
    id=ODD,
    firstName=ODD,
    firstname=ODD,
    last_name=ODD,
    title=ODD,
    organization=ODD,
    image=ODD,
    timezone=ODD,
    _kx=ODD,
    street=ODD,
    zip=ODD,
    address=mostly(ADDRESS),
    location=ODD,
    consent=CONSENTS,
    smsConsent=ODD,
    subscribe=mostly(st.booleans()),
    properties=mostly(CONTROL),
    plan=ODD,
    **dict.fromkeys(
        ("$email", "$id", "$anonymous", "$exchange_id", "$first_name", "$locale", "$zip", "$latitude"), ODD
    ),
)
ITEMS = mostly(
    st.lists(
        mostly(members(product_id=ODD, sku=ODD, name=ODD, price=ODD, total=ODD, row_total=ODD, categories=ODD, x=ODD)),
        max_size=2,
    )
)
PROPERTIES = members(
    revenue=ODD,
    total=ODD,
    value=ODD,
    currency=mostly(st.sampled_from(["USD", "eur", "dollars"])),
    email=mostly(EMAILS),
    phone=mostly(PHONES),
    event=ODD,
    name=ODD,
    order_id=ODD,
    categories=ODD,
    items=ITEMS,
    products=ITEMS,
    title=ODD,
    city=ODD,
    quantity=ODD,
    **dict.fromkeys(("$value", "$event_id"), ODD),
)
EXTERNAL_IDS = mostly(st.lists(mostly(members(type=mostly(st.just("klaviyo-profileId")), id=ODD)), max_size=2))
FIELDS = mostly(st.lists(mostly(st.sampled_from(["plan", "title", "a.b"])), max_size=2))
EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["identify", "track", "screen", "group"])},
    optional={
        "userId": ODD,
        "anonymousId": ODD,
        "messageId": ODD,
        "timestamp": mostly(TIMES),
        "originalTimestamp": mostly(TIMES),
        "groupId": mostly(st.just("G1")),
        "event": mostly(NAMES),
        "name": mostly(NAMES),
        "traits": mostly(TRAITS),
        "properties": mostly(PROPERTIES),
        "latitude": ODD,
        "request_ip": ODD,
        "context": mostly(
            members(
                traits=mostly(TRAITS),
                ip=ODD,
                externalId=EXTERNAL_IDS,
                location=mostly(members(latitude=ODD, longitude=ODD)),
            )
        ),
        "integrations": mostly(
            members(Klaviyo=mostly(members(fieldsToUnset=FIELDS, fieldsToAppend=FIELDS, fieldsToUnappend=FIELDS)))
        ),
    },
)
SETTINGS = st.fixed_dictionaries(
    {"private_api_key": st.just("pk_x")},
    optional={
        "list_id": st.sampled_from(["", "L0"]),
        "consent": st.sampled_from(["email", ["email", "sms"], ["web"], []]),
        "sms_consent": st.booleans(),
        "enforce_email_as_primary": st.booleans(),
        "flatten_properties": st.booleans(),
    },
)
WIRES = (
    *((version, fidelity, "current") for version in ("v1", "v2", "v3") for fidelity in ("documented", "deployed")),
    ("v2", "documented", "native"),
    ("v3", "documented", "native"),
)


def check(request: Request) -> None:
    operation = find_operation(request.method, request.path)
    assert operation is not None, request.path
    assert request.revision is not None
    # The way to add to a list has no schema of its own in some of the revisions: its shape never changed.
    revision = request.revision
    assert_valid(operation.name, revision, request.json)


@pytest.mark.parametrize(("version", "fidelity", "wire"), WIRES)
def test_every_body_matches_the_published_schema(version: str, fidelity: str, wire: str) -> None:
    schema("create_event", "2026-10-15")  # skips where the schemas are absent

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(SETTINGS, st.lists(EVENTS, min_size=1, max_size=3))
    def holds(chosen: dict[str, Any], payloads: list[dict[str, Any]]) -> None:
        mode = {"api_version": version, "fidelity": fidelity, "wire": wire}
        vendor = load_vendor("rudderstack", {**chosen, **mode})
        result = rehearse(vendor, [parse_event(payload) for payload in payloads])
        for request in result.requests:
            check(request)
        for outcome in result.outcomes:
            assert outcome.kind in ("delivered", "rejected"), outcome.reason

    holds()
