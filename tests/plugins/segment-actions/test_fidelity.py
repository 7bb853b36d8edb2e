"""Documented against deployed: only the fields of the fidelity table make a difference, and each of them makes one."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klavier import ConfigError, Request, Response, load_vendor, parse_event, rehearse
from klavier.vendor import FidelityTable
from klavier_segment_actions.account import run
from klavier_segment_actions.fidelity import DEPLOYED, DOCUMENTED, Fidelity

PAGE = Path(__file__).parents[3] / "docs" / "vendors" / "segment-actions.md"
FIELDS = {field.name for field in attrs.fields(Fidelity)}

EMAIL = {"email": {"@path": "$.traits.email"}}
TRACK = {
    "type": "track",
    "event": "E",
    "userId": "u",
    "messageId": "m",
    "properties": {},
    "traits": {"email": "a@b.io"},
}
IDENTIFY = {"type": "identify", "userId": "u", "messageId": "m", "traits": {"email": "a@b.io"}}
ENTERED = {**TRACK, "event": "Audience Entered", "context": {"personas": {"computation_key": "vip"}}}
REFUSED = Response(500)
TOO_LARGE = Response(413, {"errors": [{"source": {"pointer": "/data/attributes/profiles/data/0"}}]})


def track(*, batch: bool = False, **fields: Any) -> dict[str, Any]:
    return {"action": "trackEvent", "fields": {"profile": EMAIL, "enable_batching": batch, **fields}}


def other(action: str, trigger: str = "", **fields: Any) -> dict[str, Any]:
    return {"action": action, "trigger": trigger, "fields": fields}


def several(event: dict[str, Any], count: int = 2, **members: Any) -> list[dict[str, Any]]:
    return [{**event, "messageId": f"m{n}", **members} for n in range(count)]


CONSENT = several({**TRACK, "traits": {}}, 2)
Row = tuple[str, str, dict[str, Any], list[dict[str, Any]], list[Response]]

ROWS: list[Row] = [
    # field, row of the page, mapping, events, replies
    ("default_batching", "batching", {"action": "trackEvent", "fields": {"profile": EMAIL}}, [TRACK], []),
    (
        "remove_profile_trigger",
        "trigger of Remove Profile",
        {"action": "removeProfile", "fields": {"list_id": "L"}},
        [{**TRACK, "event": "Identify"}],
        [],
    ),
    (
        "profile_default",
        "`profile` of an event",
        {"action": "trackEvent", "fields": {"enable_batching": False}},
        [TRACK],
        [],
    ),
    (
        "creates_lists",
        "list of an audience without an id",
        other("addProfileToList", email=EMAIL["email"], enable_batching=False),
        [ENTERED],
        [],
    ),
    (
        "trigger_precedence",
        "triggers",
        {**track(), "trigger": 'type = "track" or event = "X" and userId = "v"'},
        [TRACK],
        [],
    ),
    ("broken_trigger_is_error", "triggers", {**track(), "trigger": 'type = "track'}, [TRACK], []),
    ("unknown_fields", "a field that the action does not have", track(color="red"), [TRACK], []),
    (
        "template_passes",
        "`@template`",
        track(metric_name={"@template": "{{{properties.a}}}"}),
        [{**TRACK, "properties": {"a": "{{event}}"}}],
        [],
    ),
    (
        "replacement_patterns",
        "`@replace`",
        track(metric_name={"@replace": {"pattern": "E", "replacement": "$&$&", "value": {"@path": "$.event"}}}),
        [TRACK],
        [],
    ),
    (
        "fits_profile",
        "a profile member that Klaviyo does not know",
        track(profile={**EMAIL, "plan": "pro"}),
        [TRACK],
        [],
    ),
    ("derives_ids", "an event without a message id", track(unique_id=""), [TRACK], []),
    (
        "shared_import",
        "a profile twice in a batch",
        other("upsertProfile", email=EMAIL["email"], enable_batching=True),
        several(IDENTIFY),
        [],
    ),
    (
        "override_first_in_batches",
        "list of a batched Upsert Profile",
        {**other("upsertProfile", email=EMAIL["email"], enable_batching=True), "connected_list_id": "L1"},
        [{**IDENTIFY, "integrations": {"Klaviyo": {"listId": "L2"}}}],
        [],
    ),
    (
        "safe_readings",
        "an array with one item, as a time or in `location`",
        other("upsertProfile", email=EMAIL["email"], location={"city": {"@literal": [5]}}),
        [IDENTIFY],
        [],
    ),
    ("countries", "countries", other("upsertProfile", email=EMAIL["email"], country_code="TW"), [IDENTIFY], []),
    ("derives_ids", "the same event twice in a batch", track(batch=True), [TRACK, TRACK], []),
    ("batch_leftovers", "empty strings in a batch", track(batch=True, unique_id=""), [TRACK], []),
    (
        "dropped_subscription",
        "a batched subscription without email and phone number",
        other("subscribeProfile", enable_batching=True),
        [TRACK, *several({**TRACK, "traits": {}, "userId": "v"}, 1)],
        [],
    ),
    (
        "dropped_subscription",
        "a batch in which no profile can be unsubscribed",
        other("unsubscribeProfile", enable_batching=True),
        CONSENT,
        [],
    ),
    (
        "drops_empty_identifiers",
        "an empty identifier in an event's profile",
        track(profile={"email": "", "external_id": "u"}),
        [TRACK],
        [],
    ),
    (
        "consent_fails_together",
        "a consent batch of which one request fails",
        other("unsubscribeProfile", enable_batching=True),
        [{**TRACK, "userId": str(n), "messageId": str(n), "traits": {"email": f"{n}@b.io"}} for n in range(2)],
        [TOO_LARGE, Response(202), REFUSED],
    ),
    (
        "adds_without_id",
        "Add Profile to List whose profile is refused",
        other("addProfileToList", email=EMAIL["email"], list_id="L", enable_batching=False),
        [ENTERED],
        [REFUSED],
    ),
    ("checks_limits", "a metric name of 128 characters or more", track(metric_name="x" * 128), [TRACK], []),
    (
        "checks_limits",
        "a historical import without a time",
        other("subscribeProfile", historical_import=True, consented_at=None),
        [TRACK],
        [],
    ),
    (
        "batch_leftovers",
        "a batch with an empty list id (Add Profile to List)",
        other("addProfileToList", email=EMAIL["email"], list_id="", enable_batching=True),
        [ENTERED],
        [],
    ),
    (
        "splits_named",
        "a batch that Klaviyo refuses as too large, naming an item",
        other("upsertProfile", email=EMAIL["email"], enable_batching=True),
        [{**IDENTIFY, "userId": str(n), "traits": {"email": f"{n}@b.io"}} for n in range(2)],
        [TOO_LARGE],
    ),
    ("safe_readings", "times", track(time="1985-01-01T00:00:00Z"), [TRACK], []),
    ("safe_readings", "numbers in strings", track(value="0x10"), [TRACK], []),
    (
        "safe_readings",
        "phone numbers",
        track(profile={"phone_number": "(415) 555-2671 x12", "country_code": "US"}),
        [TRACK],
        [],
    ),
]


def result(mapping: dict[str, Any], events: list[dict[str, Any]], replies: list[Response], fidelity: Fidelity) -> Any:
    """Return all that events result in on the native wire, under a column of the table."""
    try:
        with patch("klavier_segment_actions.vendor.FIDELITIES", FidelityTable(fidelity, fidelity)):
            vendor = load_vendor("segment-actions", {"api_key": "k", "mappings": [mapping], "wire": "native"})
    except ConfigError as error:
        return error.problems
    found = rehearse(vendor, [parse_event(event) for event in events], replies or None)
    requests = [(request.method, request.path, request.params, request.json) for request in found.requests]
    return requests, [(outcome.kind, outcome.reason) for outcome in found.outcomes]


@pytest.mark.parametrize(("field", "row", "mapping", "events", "replies"), ROWS, ids=[row[1] for row in ROWS])
def test_each_row_is_one_field(
    field: str, row: str, mapping: dict[str, Any], events: list[dict[str, Any]], replies: list[Response]
) -> None:
    flipped = attrs.evolve(DOCUMENTED, **{field: getattr(DEPLOYED, field)})
    documented = result(mapping, events, replies, DOCUMENTED)
    assert result(mapping, events, replies, flipped) != documented, row
    restored = attrs.evolve(flipped, **{field: getattr(DOCUMENTED, field)})
    assert result(mapping, events, replies, restored) == documented


def test_every_field_and_every_row_has_an_example() -> None:
    assert {field for field, *_ in ROWS} | {"deletes_by_user_id"} == FIELDS
    text = PAGE.read_text(encoding="utf-8")
    table = text[text.index("## Documented and observed behavior") : text.index("### Deviations")]
    rows = {line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")} - {"point", "---"}
    assert {row for _, row, *_ in ROWS} | {"deleting a user"} == rows


def test_deletion_is_a_field_too() -> None:
    seen = []
    for fidelity in ("documented", "deployed"):
        vendor: Any = load_vendor("segment-actions", {"api_key": "k", "fidelity": fidelity})
        seen.append(_paths(vendor.account.delete_profile(user_id="u")))
    assert seen == [["/api/profiles", "/api/data-privacy-deletion-jobs"], ["/api/data-privacy-deletion-jobs"]]


def _paths(steps: Any) -> list[str]:
    paths: list[str] = []

    def send(request: Request) -> Response:
        paths.append(request.path)
        return Response(200, {"data": [{"id": "P"}]})

    run(steps, send)
    return paths


names = st.sampled_from(["Ada", "Zoë", "x" * 40, "O'Neil", " padded ", "李"])
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-9, 9) | names,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b.c", "d"]), inner, max_size=2),
    max_leaves=5,
)
objects = st.dictionaries(st.sampled_from(["plan", "price", "tags", "product"]), plain, max_size=3)
times = st.sampled_from(["2024-03-01T10:20:30.123Z", "2024-03-01", "March 1, 2024", "20240301", 1709288430123, None])
WHOLE = {
    **EMAIL,
    "phone_number": {"@path": "$.traits.phone"},
    "external_id": {"@path": "$.userId"},
    "anonymous_id": {"@path": "$.anonymousId"},
}
usual_mappings = st.one_of(
    st.booleans().map(
        lambda batch: track(
            batch=batch, profile=WHOLE, time={"@path": "$.timestamp"}, value={"@path": "$.properties.price"}
        )
    ),
    st.booleans().map(
        lambda batch: other(
            "upsertProfile",
            external_id={"@path": "$.userId"},
            phone_number={"@path": "$.traits.phone"},
            properties={"@path": "$.properties"},
            enable_batching=batch,
        )
    ),
    st.booleans().map(lambda batch: other("subscribeProfile", list_id="L", enable_batching=batch)),
    st.just(other("orderCompleted", profile=WHOLE, products={"@path": "$.properties.products"})),
)
usual_events = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["track", "identify"]),
        "userId": st.sampled_from(["u1", "u2", "u3"]),
        "traits": st.fixed_dictionaries(
            {"email": st.sampled_from(["a@b.io", "c@d.co.uk"])},
            optional={"phone": st.just("+14155552671"), "firstName": names, "title": names, "address": objects},
        ),
        "properties": objects,
        "event": st.sampled_from(["Signed Up", "Order Completed"]),
    },
    optional={"anonymousId": st.just("an"), "timestamp": times},
)


@settings(max_examples=150, deadline=None)
@given(mapping=usual_mappings, payload=usual_events)
def test_usual_events_are_the_same_in_both_fidelities(mapping: dict[str, Any], payload: dict[str, Any]) -> None:
    event = {**payload, "messageId": "m1"}
    assert result(mapping, [event], [], DOCUMENTED) == result(mapping, [event], [], DEPLOYED)
