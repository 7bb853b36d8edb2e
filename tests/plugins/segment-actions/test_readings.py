"""How values are read: documented fidelity reads safely, deployed fidelity as Segment's implementation."""

from typing import Any

import pytest

from tests.support.segment_actions import TRACK, attributes_of, only, rejection, run

DEPLOYED = {"fidelity": "deployed", "wire": "native"}
PROFILE = {"external_id": "u"}


def deployed(fields: dict[str, Any]) -> dict[str, Any]:
    (request,), (outcome,) = run(
        "trackEvent", {"profile": PROFILE, "enable_batching": False, **fields}, TRACK, **DEPLOYED
    )
    assert outcome.kind == "delivered", outcome.reason
    return attributes_of(request)


def refusal(fields: dict[str, Any]) -> str:
    _, (outcome,) = run("trackEvent", {"profile": PROFILE, "enable_batching": False, **fields}, TRACK, **DEPLOYED)
    assert outcome.kind == "rejected"
    return outcome.reason


TIMES = [
    ("2024", "2024-01-01T00:00:00.000Z"),
    ("12", "2001-12-01T00:00:00.000Z"),
    ("01/03/2024", "2024-01-03T00:00:00.000Z"),
    ("2024-02-30T00:00:00Z", "2024-03-01T00:00:00.000Z"),
    ("2024-03-01 10:20:30.5", "2024-03-01T10:20:30.005Z"),
    ("2024-03-01T10:20:30.5Z", "2024-03-01T10:20:30.500Z"),
    ("20240301", "2024-03-01T00:00:00.000Z"),
    ("1709288430", "2024-03-01T10:20:30.000Z"),
    ("1709288430123", "2024-03-01T10:20:30.123Z"),
    ("1 Mar 2024 10:20 GMT+0530", "2024-03-01T04:50:00.000Z"),
    (1709288430, "1970-01-20T18:48:08.430Z"),
    (["12"], "1970-01-01T00:00:00.012Z"),
    ([12], "2001-12-01T00:00:00.000Z"),
    ("2024-13-01", "2025-01-01T00:00:00.000Z"),
    ("2024-13-45", "2025-02-14T00:00:00.000Z"),
    ("2024-03-01T25:61", "2024-03-02T02:01:00.000Z"),
    ("20240301T102030", "2024-03-01T10:20:30.000Z"),
    ("2024-03-01T10", "2024-03-01T10:00:00.000Z"),
    ("2024-03-01T10:20:30.", "2024-03-01T10:20:30.000Z"),
    ("0024-03-01", "1924-03-01T00:00:00.000Z"),
    ("2024-03\u00a01", "2024-03-01T01:00:00.000Z"),
]


@pytest.mark.parametrize(("given", "sent"), TIMES)
def test_deployed_times(given: Any, sent: str) -> None:
    assert deployed({"time": given})["time"] == sent


@pytest.mark.parametrize(
    "given", ["2024-W09-5", "2024-03-01T10:20:30Z ", "soon", "2024-13-45Z", 8.7e15, "5464780347103914", "9" * 2000]
)
def test_deployed_times_that_are_none(given: Any) -> None:
    assert refusal({"time": given}).startswith("time: is no ISO 8601 time")


CONSENT = {"traits": {"email": "a@b.io"}, "event": "User Subscribed"}


@pytest.mark.parametrize("given", [1e21, "2024-13-45", "13.5"])
def test_deployed_consent_times_are_sent_as_they_are(given: Any) -> None:
    """Segment checks them, and converts none; without a historical import it does not send them."""
    for historical in (False, True):
        fields = {"consented_at": {"@literal": given}, "historical_import": historical}
        (request,), _ = run("subscribeProfile", fields, TRACK | CONSENT, **DEPLOYED)
        (profile,) = attributes_of(request)["profiles"]["data"]
        marketing = profile["attributes"]["subscriptions"]["email"]["marketing"]
        assert marketing == {"consent": "SUBSCRIBED"} | ({"consented_at": given} if historical else {})


@pytest.mark.parametrize("given", ["soon", "5464780347103914"])
def test_deployed_consent_times_that_are_none(given: str) -> None:
    _, (outcome,) = run("subscribeProfile", {"consented_at": given}, TRACK | CONSENT, **DEPLOYED)
    assert outcome.reason.startswith("consented_at: is no ISO 8601 time")


@pytest.mark.parametrize(
    ("given", "sent"), [("0x10", 16), ("Infinity", None), (" 7 ", 7), ("", None), ("1e400", None), ("  ", 0)]
)
def test_deployed_numbers(given: str, sent: Any) -> None:
    assert deployed({"value": given}).get("value") == sent


@pytest.mark.parametrize("given", ["0x10", "Infinity", "1,234", "1.234,50", "12 USD", "  "])
def test_documented_numbers_are_never_cut(given: str) -> None:
    assert rejection("trackEvent", {"value": given}, TRACK).startswith("value: must be a number, not a string")


PHONES = [
    ("+1 617-555-1333 x12", None, None),
    ("1-800-FLOWERS", "US", None),
    ("+44 (0)20 7946 0958", None, "+442079460958"),
    ("(415) 555-2671", "US", "+14155552671"),
    ("+1 (415) 555-2671", "US", "+14155552671"),
    ("+4402079460958", "GB", "+442079460958"),
    ("(999) 555-2671", "US", None),
    ("+12", None, None),
]


@pytest.mark.parametrize(("phone", "country", "sent"), PHONES)
def test_documented_phone_numbers(phone: str, country: str | None, sent: str | None) -> None:
    fields = {"profile": {"phone_number": phone, "country_code": country}}
    if sent is None:
        assert rejection("trackEvent", fields, TRACK).startswith("phone_number: is ")
        return
    profile = only("trackEvent", fields, TRACK)["profile"]["data"]["attributes"]
    assert profile["phone_number"] == sent


@pytest.mark.parametrize(("country", "fidelity"), [("TW", "documented"), ("UN", "deployed")])
def test_segment_lacks_some_countries(country: str, fidelity: str) -> None:
    event = {"type": "identify", "userId": "u", "traits": {"email": "a@b.io"}}
    for name in ("documented", "deployed"):
        _, (outcome,) = run("upsertProfile", {"country_code": country}, event, fidelity=name)
        assert outcome.kind == ("delivered" if name == fidelity else "rejected")


def test_deployed_phone_numbers_lose_extensions() -> None:
    profile = {"phone_number": "(415) 555-2671 x12", "country_code": "US"}
    attributes = deployed({"profile": profile})["profile"]["data"]["attributes"]
    assert attributes["phone_number"] == "+14155552671"


@pytest.mark.parametrize("fidelity", ["documented", "deployed"])
@pytest.mark.parametrize("member", ["city", "region", "zip"])
def test_nullable_strings_unwrap_no_arrays(member: str, fidelity: str) -> None:
    event = {"type": "identify", "userId": "u", "traits": {"email": "a@b.io"}}
    fields = {"location": {member: ["x"]}}
    assert rejection("upsertProfile", fields, event, fidelity=fidelity) == (
        f"location.{member}: must be a string or null, not an array"
    )
    assert only("upsertProfile", {"location": {member: 5}, "title": ["x"]}, event)["title"] == "x"


@pytest.mark.parametrize("words", [("yes", None), ("false", False), ("true", True), (1, True), ("", False)])
def test_consent_flags_are_never_guessed(words: tuple[Any, Any]) -> None:
    given, sent = words
    event = TRACK | {"traits": {"email": "a@b.io"}}
    if sent is None:
        assert rejection("subscribeProfile", {"historical_import": given}, event).startswith("historical_import: must")
        return
    assert only("subscribeProfile", {"historical_import": given}, event)["historical_import"] is sent


@pytest.mark.parametrize("given", [[""], [None]])
def test_an_empty_item_of_an_array_is_no_string(given: Any) -> None:
    fields = {"unique_id": {"@literal": given}, "metric_name": {"@literal": given}}
    assert rejection("trackEvent", fields, TRACK) == "metric_name: required, and the mapping resolves to nothing"
    assert "unique_id" in only("trackEvent", {"unique_id": {"@literal": given}}, TRACK)
    assert deployed({"unique_id": {"@literal": given}})["unique_id"] == ""


ITEMS = [([5], "5"), ([False], "false"), ([""], None), ([None], "")]


@pytest.mark.parametrize(("given", "sent"), ITEMS)
def test_deployed_locations_unwrap_what_is_no_string(given: Any, sent: Any) -> None:
    event = {"type": "identify", "userId": "u", "traits": {"email": "a@b.io", "address": {"city": given}}}
    (request,), _ = run("upsertProfile", {}, event, **DEPLOYED)
    assert attributes_of(request)["location"] == {"city": sent}
    assert rejection("upsertProfile", {}, event) == "location.city: must be a string or null, not an array"


@pytest.mark.parametrize("given", [["2024-03-01"], ["true"], [True], [None], [], [[1]], ["", "x"]])
def test_deployed_times_unwrap_no_strings(given: Any) -> None:
    assert refusal({"time": {"@literal": given}}).startswith("time: ")


ENTERED = {"type": "track", "event": "Audience Entered", "context": {"traits": {"email": "a@b.io"}}, "properties": {}}
AUDIENCE = {"traits": {"email": "a@b.io"}, "personas": {"computation_key": "vip"}}


def test_an_empty_list_id_imports_without_a_list_in_deployed_batches() -> None:
    fields = {"list_id": "", "enable_batching": True}
    (request,), (outcome,) = run("addProfileToList", fields, ENTERED | {"context": AUDIENCE}, **DEPLOYED)
    assert request.path == "/api/profile-bulk-import-jobs/"
    assert "relationships" not in request.json["data"]
    assert outcome.kind == "delivered"


@pytest.mark.parametrize("action", ["removeProfile", "removeProfileFromList"])
def test_an_empty_list_id_removes_from_no_list(action: str) -> None:
    """Segment calls /api/lists//relationships/profiles, which names no list."""
    fields = {"list_id": "", "enable_batching": True, "email": "a@b.io"}
    requests, (outcome,) = run(action, fields, ENTERED | {"context": AUDIENCE}, **DEPLOYED)
    assert (requests, outcome.kind) == ([], "rejected")
    assert outcome.reason.startswith("list_id: required")


def test_an_empty_list_id_is_none_otherwise() -> None:
    for settings in ({}, DEPLOYED):
        fields = {"list_id": "", "enable_batching": False}
        _, (outcome,) = run("addProfileToList", fields, ENTERED, **settings)
        assert outcome.reason.startswith("list_id: required")
    requests, _ = run("addProfileToList", {"list_id": "", "enable_batching": True}, ENTERED | {"context": AUDIENCE})
    assert [(request.method, request.path) for request in requests][:2] == [
        ("GET", "/api/lists"),
        ("POST", "/api/lists"),
    ]


NAMED: list[tuple[int, Any]] = [
    (413, {"errors": [{"detail": "big", "source": {"pointer": "/data/attributes/profiles/data/1/attributes"}}]})
]
UNNAMED: list[tuple[int, Any]] = [(413, {"errors": [{"detail": "big", "source": {"pointer": "/data"}}]})]


@pytest.mark.parametrize(
    ("replies", "settings", "requests"),
    [(NAMED, {}, 3), (NAMED, DEPLOYED, 1), (UNNAMED, {}, 3), (UNNAMED, DEPLOYED, 3)],
)
def test_batches_that_are_too_large_are_split(replies: Any, settings: dict[str, str], requests: int) -> None:
    events = [{"type": "identify", "messageId": str(n), "traits": {"email": f"{n}@b.io"}} for n in range(2)]
    sent, _ = run("upsertProfile", {"enable_batching": True}, *events, replies=replies, **settings)
    assert len(sent) == requests
