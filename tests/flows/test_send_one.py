"""A flow of one request: whatever comes back, it ends as the same flow written as a generator does."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import klavier
from klavier import Delivery, Flow, Outcome, Request, Response, SendOne
from klavier.flows.drivers import deliver
from klavier.flows.execution import FlowExecution
from klavier.flows.send_one import not_accepted
from klavier.outcome import delivered

EVENTS = tuple(
    klavier.parse_event({"type": "track", "event": name, "messageId": name, "userId": name}) for name in "ab"
)
FIT = Request("POST", "/api/events", json={"data": {}}, revision="2026-10-15")
TOO_LARGE = Request("POST", "/api/events", json={"data": "x" * 5_000_000}, revision="2026-10-15")
NO_JSON = Request("POST", "/api/events", json={"data": object()}, revision="2026-10-15")

requests = st.sampled_from([FIT, TOO_LARGE, NO_JSON, None])
replies = st.builds(Response, st.sampled_from([0, 200, 202, 299, 301, 400, 401, 409, 429, 500, 503]))
notes = st.sampled_from([(), ("phone left out",)])


def as_generator(one: SendOne) -> Flow:
    response = yield one.request
    return delivered(one.notes) if response.ok else not_accepted(response)


def delivery(flow: Any, count: int, *, exact: bool) -> Delivery:
    return Delivery(EVENTS[:count], ("key",) * count, flow, exact=exact)


@given(request=requests, reply=replies, notes=notes, count=st.integers(1, 2), exact=st.booleans())
def test_it_ends_as_the_generator_does(
    *, request: Any, reply: Response, notes: tuple[str, ...], count: int, exact: bool
) -> None:
    one = SendOne(request, notes)
    sent: list[Request] = []

    def send(request: Request) -> Response:
        sent.append(request)
        return reply

    with_object = deliver(delivery(one, count, exact=exact), send)
    first, sent = sent, []
    assert with_object == deliver(delivery(lambda: as_generator(one), count, exact=exact), send)
    assert first == sent
    assert len(with_object) == count


def test_what_is_not_sent_is_recorded_with_its_refusal() -> None:
    leg = FlowExecution(delivery(SendOne(TOO_LARGE), 1, exact=False))
    assert leg.request is None
    assert leg.outcomes[0].kind == "rejected"
    assert [(request, reply.local) for request, reply in leg.sent] == [(TOO_LARGE, True)]


def test_a_failure_that_raises_or_gives_no_outcome_fails_its_events(caplog: pytest.LogCaptureFixture) -> None:
    def raises(_: Response) -> Outcome:
        raise KeyError("someone@example.org")

    def gives_nothing(_: Response) -> Any:
        return None

    for failure in (raises, gives_nothing):
        (outcome,) = deliver(delivery(SendOne(FIT, failure=failure), 1, exact=True), lambda _: Response(400))
        assert outcome.kind == "failed"
        assert "someone" not in outcome.reason + caplog.text


def test_its_reason_contains_no_value_of_the_request() -> None:
    assert "someone" not in repr(SendOne(Request("POST", "/api/events", json={"email": "someone@example.org"})))
