"""Streams: the events of a few people, one after the other."""

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from klavier.events.model import Event
from klavier.events.reader import parse_event
from klavier.testing.strategies.payloads import Payload, plain_payloads
from klavier.testing.strategies.people import people


@st.composite
def stream_payloads(draw: DrawFn, max_size: int = 6) -> list[Payload]:
    """Return payloads of one to three people in order: distinct message ids, times that go forward, steady ids."""
    who = draw(_groups_of_people)
    found: list[Payload] = []
    for number in range(draw(st.integers(1, max_size))):
        payload = draw(plain_payloads(draw(_types), who[draw(_indices) % len(who)]))
        found.append(payload | {"messageId": f"m-{number}", "timestamp": _time(number)})
    return found


@st.composite
def streams(draw: DrawFn, max_size: int = 6) -> list[Event]:
    """Return events of one to three people in order: distinct message ids, times that go forward, steady ids."""
    return [parse_event(payload) for payload in draw(stream_payloads(max_size))]


def _time(number: int) -> str:
    # One second apart: without an id of its own, Klaviyo takes two events of one second for the same.
    return f"2024-06-30T12:{number // 60:02d}:{number % 60:02d}.000Z"


# Built once: hypothesis validates a strategy at its first use, and most of the time would go there.
_types = st.sampled_from(("identify", "track", "track", "page", "screen", "group"))
_indices = st.integers(0, 5)
_groups_of_people = st.lists(people(), min_size=1, max_size=3, unique_by=lambda person: person.user_id)
