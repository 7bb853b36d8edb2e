"""Which of the events of one delivery a profile, or an event in Klaviyo, came from."""

from collections.abc import Iterator, Sequence

from klavier.comparison.similarity import ValueSet
from klavier.events.model import Event
from klavier.sandbox.profile import Event as KlaviyoEvent
from klavier.sandbox.profile import Profile
from klavier.sandbox.times import read_time

Numbered = tuple[int, Event]


class Provenance:
    """Finds the origins among some input events that were delivered together."""

    def __init__(self, events: Sequence[Numbered]) -> None:
        self._events = events
        self._people: dict[str, list[int]] | None = None
        self._ids: dict[str, int] | None = None
        self._times: dict[int | None, list[Numbered]] | None = None

    def of_profile(self, profile: Profile) -> list[int]:
        """Return the numbers of the events that name a profile; empty where none does."""
        if len(self._events) == 1:
            return [self._events[0][0]]
        if self._people is None:
            self._people = {}
            for number, event in self._events:
                for text in set(_who(event)):
                    self._people.setdefault(text, []).append(number)
        found = (self._people.get(value.casefold(), ()) for value in (*profile.identifiers.values(), *profile.devices))
        return sorted({number for numbers in found for number in numbers})

    def of_events(self, events: Sequence[KlaviyoEvent]) -> Iterator[int]:
        """Return the number of the input event that each event in Klaviyo came from, in order.

        Decided by its unique id, else by its time and values, else by its position.
        """
        if len(self._events) == 1:
            yield from [self._events[0][0]] * len(events)
            return
        if self._ids is None:
            self._ids = {event.stable_id: number for number, event in self._events}
        for place, event in enumerate(events):
            number = self._by_id(event.unique_id)
            if number is None and event.dated:
                number = self._by_time(event)
            yield self._events[min(place, len(self._events) - 1)][0] if number is None else number

    def _by_id(self, unique_id: str | None) -> int | None:
        """Find the event whose id it is, or that it begins with, as ids of single products do."""
        if unique_id is None or self._ids is None:
            return None
        if unique_id in self._ids:
            return self._ids[unique_id]
        return self._ids.get(max(filter(unique_id.startswith, self._ids), key=len, default=""))

    def _by_time(self, held: KlaviyoEvent) -> int | None:
        """Find the event of the same second, and of several the one with the same values."""
        if self._times is None:
            self._times = {}
            for number, event in self._events:
                self._times.setdefault(_seconds(event), []).append((number, event))
        found = self._times.get(held.time, [])
        if len(found) <= 1:
            return found[0][0] if found else None
        values = ValueSet(held.properties.values())
        return max(found, key=lambda item: values.shared_weight(ValueSet(getattr(item[1], "properties", {}).values())))[
            0
        ]


def _who(event: Event) -> Iterator[str]:
    """Return the texts that may identify the person of an event."""
    traits = getattr(event, "traits", None)
    for members in (traits, event.context.get("traits"), getattr(event, "properties", None), event.payload):
        if isinstance(members, dict):
            yield from (value.strip().casefold() for value in members.values() if isinstance(value, str))
    for value in (event.user_id, event.anonymous_id):
        if value is not None and not isinstance(value, (dict, list)):
            yield str(value).casefold()


def _seconds(event: Event) -> int | None:
    return read_time(event.timestamp) if isinstance(event.timestamp, str) else None
