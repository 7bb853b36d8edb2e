"""People are chosen as wholes, whatever links their events, and the same ones in each run."""

from collections.abc import Sequence
from typing import Any

import klavier
from tests.support.verification import day, select

EVENTS = [klavier.parse_event(payload) for payload in day(people=40, events=400)]


def parse(*payloads: dict[str, Any]) -> Sequence[klavier.Event]:
    return [klavier.parse_event({"type": "track", "event": "E", **payload}) for payload in payloads]


def test_what_an_identifier_links_is_chosen_together() -> None:
    events = parse(
        {"type": "page", "name": "Home", "anonymousId": "a1"},
        {"anonymousId": "a1", "userId": "u1"},
        {"userId": "u1", "context": {"traits": {"email": "Ada@shop.test"}}},
        {"anonymousId": "a2", "properties": {"email": "ada@shop.test "}},
        {"type": "alias", "userId": "u9", "previousId": "a2x"},
        {"anonymousId": "other"},
    )
    for least in (1, 2):
        selection = select(events, least)
        chosen = [event in selection for event in events]
        assert chosen[:4] in ([True] * 4, [False] * 4)
    assert all(event in select(events, 100) for event in events)
    assert select(events, 100).is_whole


def test_the_sample_does_not_depend_on_the_order_of_events() -> None:
    chosen = select(EVENTS, 100)
    assert not chosen.is_whole
    assert select(reversed(EVENTS), 100).chosen == chosen.chosen
    assert 100 <= sum(event in chosen and event.type == "track" for event in EVENTS) < 120
    assert chosen.total == 400


def test_an_event_without_an_identifier_is_never_in_the_sample() -> None:
    (nobody,) = parse({})
    assert nobody not in select([*EVENTS, nobody], 10**6)
