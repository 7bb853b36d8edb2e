"""The plan of a vendor that omits events, and the notes that outcomes get from klavier itself."""

from collections.abc import Iterable, Sequence

import pytest

from klavier import Delivery, Event, Flow, Outcome, Request, Response, Vendor, parse_event
from klavier.flows.drivers import deliver, plan
from klavier.outcome import delivered, failed, skipped

EVENT = parse_event({"type": "track", "event": "a", "messageId": "a", "userId": "a"})
FIT = Request("POST", "/api/profile-import", json={"data": {}}, revision="2026-10-15")


def deliver_one(event: Event, outcome: Outcome) -> Outcome:
    def flow() -> Flow:
        yield FIT
        return outcome

    (found,) = deliver(Delivery((event,), ("k",), flow), lambda _: Response(202, {}))
    return found


def test_an_event_that_is_there_twice_and_that_the_vendor_omits_has_one_delivery() -> None:
    class Silent(Vendor):
        name = "silent"

        def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:  # noqa: ARG002 -- it omits them
            return ()

    assert [delivery.events for delivery in plan(Silent(), [EVENT, EVENT])] == [(EVENT,)]


@pytest.mark.parametrize("outcome", [skipped("no"), failed("bad", 400)])
def test_only_a_delivered_event_has_notes_on_unread_members(outcome: Outcome) -> None:
    event = parse_event({"type": "track", "event": "a", "userId": "a", "properties": '{"as": "text"}'})
    assert len(deliver_one(event, delivered()).notes) == 1
    assert deliver_one(event, outcome).notes == ()
