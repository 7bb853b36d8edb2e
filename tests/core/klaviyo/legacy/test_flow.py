"""The flow of legacy calls."""

from collections.abc import Sequence
from typing import Any

import pytest

from klavier import Outcome, Request, Response, parse_event
from klavier.klaviyo.legacy import IdentifyCall, LegacyCall, MemberCall, TrackCall, legacy_flow
from klavier.vendor import Wire

EVENT = parse_event({"type": "track", "messageId": "m-1"})
TRACK = TrackCall({"token": "t", "event": "A", "properties": {}, "customer_properties": {"$id": "u"}})
OTHER = TrackCall({"token": "t", "event": "B", "properties": {}, "customer_properties": {"$id": "u"}})
NAMELESS = TrackCall({"token": "t", "properties": {}, "customer_properties": {"$id": "u"}})
IDENTIFY = IdentifyCall({"token": "t", "properties": {"$id": "u", "$phone_number": "+14155552671"}})
MEMBER = MemberCall("L", "ada@example.com", {}, api_key="pk", confirm_optin=True)
ONE = Response(200, 1)


def run(
    calls: Sequence[LegacyCall], wire: Wire, replies: Sequence[Response], notes: Sequence[str] = ()
) -> tuple[Outcome, list[Request]]:
    flow, requests, answers = legacy_flow(calls, wire, EVENT, notes), [], iter(replies)
    try:
        request = next(flow)
        while True:
            requests.append(request)
            request = flow.send(next(answers))
    except StopIteration as stop:
        return stop.value, requests


def test_calls_follow_one_another() -> None:
    outcome, requests = run([TRACK, OTHER], "native", [ONE, ONE])
    assert (outcome.kind, len(requests)) == ("delivered", 2)


def test_a_later_call_waits_for_the_one_before() -> None:
    outcome, requests = run([TRACK, OTHER], "native", [Response(503)])
    assert (outcome.kind, outcome.status, outcome.retryable, len(requests)) == ("failed", 503, True, 1)


def test_zero_is_a_failure() -> None:
    outcome, _ = run([TRACK], "native", [Response(200, 0)])
    assert (outcome.kind, outcome.reason, outcome.status, outcome.retryable) == ("failed", "bad response", 200, False)


def test_on_the_current_wire_the_status_says_all() -> None:
    outcome, _ = run([TRACK], "current", [Response(202)])
    assert outcome.kind == "delivered"


def test_gone_tells_the_remedy() -> None:
    outcome, _ = run([TRACK], "native", [Response(410)])
    assert outcome.kind == "failed"
    assert not outcome.retryable
    assert "wire to 'current'" in outcome.reason


@pytest.mark.parametrize("body", [None, [], "x", {"errors": "x"}, {"errors": [{"detail": "a@b.co is taken"}]}])
def test_odd_replies_are_failures(body: Any) -> None:
    outcome, _ = run([TRACK], "native", [Response(400, body)])
    assert (outcome.kind, outcome.status) == ("failed", 400)
    assert "@" not in outcome.reason


def test_no_reply_is_a_failure_to_try_again() -> None:
    outcome, _ = run([MEMBER], "native", [Response.none("time-out")])
    assert (outcome.kind, outcome.status, outcome.retryable) == ("failed", None, True)


def test_a_first_call_that_cannot_be_said_is_rejected() -> None:
    outcome, requests = run([NAMELESS, TRACK], "current", [])
    assert (outcome.kind, requests) == ("rejected", [])


def test_a_later_one_is_noted() -> None:
    outcome, requests = run([TRACK, NAMELESS], "current", [Response(202)], notes=["a note of the vendor"])
    assert len(requests) == 1
    assert outcome.notes == ("a note of the vendor", "a call left out: the event has no name")


def test_a_local_refusal_is_rejected_only_before_anything_was_sent() -> None:
    refusal = Response.refusal("too large")
    assert run([TRACK], "current", [refusal])[0].kind == "rejected"
    assert run([TRACK, OTHER], "current", [Response(202), refusal])[0].kind == "failed"


def test_a_note_is_told_once() -> None:
    people = {"$id": "u", "$email": "nobody"}
    calls = [TrackCall({**call.document, "customer_properties": people}) for call in (TRACK, OTHER)]
    assert len(run(calls, "current", [Response(202)] * 2)[0].notes) == 1


def test_a_phone_number_of_somebody_else_is_given_up() -> None:
    outcome, (first, second) = run([IDENTIFY], "current", [Response(409), Response(200)])
    assert outcome.notes == ("$phone_number left out: another profile has it",)
    assert first.json["data"]["attributes"] == {"external_id": "u", "phone_number": "+14155552671"}
    assert second.json["data"]["attributes"] == {"external_id": "u"}


def test_any_other_conflict_stays() -> None:
    alone = IdentifyCall({"token": "t", "properties": {"$phone_number": "+14155552671"}})
    assert run([alone], "current", [Response(409)])[0].kind == "failed"
    assert run([IDENTIFY], "current", [Response(409), Response(409)])[0].status == 409
