"""Which input events a profile, or an event in Klaviyo, came from."""

from collections.abc import Iterator, Sequence
from typing import Any

from klavier.comparison.similarity import ValueSet
from klavier.events.model import Event
from klavier.sandbox.profile import Event as KlaviyoEvent
from klavier.sandbox.profile import Profile
from klavier.sandbox.profiles import Profiles
from klavier.sandbox.times import read_time
from klavier.sandbox.trace import Trace

Numbered = tuple[int, Event]


class Provenance:
    """Records, for the profiles and events of one account, the numbers of the input events that they came from."""

    def __init__(self, profiles: Profiles) -> None:
        """Trace what is written to these profiles from now on."""
        self.events: dict[int, int] = {}
        """The number of the input event, by that of the event in Klaviyo."""
        self.profiles: dict[str, list[int]] = {}
        """The numbers of the input events that touched a profile, by its id."""
        self._by_id = profiles.by_id
        self._trace = profiles.trace = Trace()

    def record(self, delivered: Sequence[Numbered]) -> None:
        """Record that what was written since the last call came from these input events, delivered together."""
        trace = self._trace
        if len(delivered) == 1:
            number = delivered[0][0]
            for profile_id in trace.profiles:
                self.profiles.setdefault(profile_id, []).append(number)
            for event in trace.events:
                self.events[event.number] = number
        else:
            self._record_each(_Origins(delivered))
        trace.clear()

    def surviving_id(self, profile_id: str) -> str:
        """Return the id of the profile that a profile became part of, or its own."""
        merged = self._trace.merged
        while profile_id in merged:
            profile_id = merged[profile_id]
        return profile_id

    def _record_each(self, origins: "_Origins") -> None:
        touched = [self._by_id[profile_id] for profile_id in self._trace.profiles if profile_id in self._by_id]
        for profile, numbers in zip(touched, origins.of_profiles(touched), strict=True):
            self.profiles.setdefault(profile.id, []).extend(numbers)
        for event, number in zip(self._trace.events, origins.of_events(self._trace.events), strict=True):
            self.events[event.number] = number


class _Origins:
    """Finds the origins among several input events that were delivered together."""

    def __init__(self, events: Sequence[Numbered]) -> None:
        self._events = events
        self._ids: dict[str, int] | None = None
        self._times: dict[int | None, list[Numbered]] | None = None

    def of_profiles(self, profiles: Sequence[Profile]) -> Iterator[list[int]]:
        """Return the numbers of the events that each of the profiles is from, in order.

        Each event belongs to the profile that has its first identifier: an event that names a device too does not join
        the profile of the device, which another event of the same delivery may have changed.  A profile that would have
        none belongs to all events that name it, and to none where none does.
        """
        owners: dict[str, str] = {}
        for profile in profiles:
            owners.update(dict.fromkeys(_names(profile), profile.id))
        numbers: dict[str, list[int]] = {}
        for number, event in self._events:
            owner = next((owners[text] for text in _who(event) if text in owners), None)
            if owner is not None:
                numbers.setdefault(owner, []).append(number)
        for profile in profiles:
            yield numbers.get(profile.id) or self._naming(profile)

    def _naming(self, profile: Profile) -> list[int]:
        names = set(_names(profile))
        return [number for number, event in self._events if not names.isdisjoint(_who(event))]

    def of_events(self, events: Sequence[KlaviyoEvent]) -> Iterator[int]:
        """Return the number of the input event that each event in Klaviyo came from, in order.

        Decided by its unique id, else by its time and values, else by its position.
        """
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


def _names(profile: Profile) -> Iterator[str]:
    return (value.casefold() for value in (*profile.identifiers.values(), *profile.devices))


def _who(event: Event) -> Iterator[str]:
    """Return the texts that may identify the person of an event: its user id first, its device last."""
    yield from _id_text(event.user_id)
    traits = getattr(event, "traits", None)
    for members in (traits, event.context.get("traits"), getattr(event, "properties", None), event.payload):
        if isinstance(members, dict):
            for name, value in members.items():
                if isinstance(value, str) and name != "anonymousId":
                    yield value.strip().casefold()
    yield from _id_text(event.anonymous_id)


def _id_text(value: Any) -> Iterator[str]:
    if value is not None and not isinstance(value, (dict, list)):
        yield str(value).casefold()


def _seconds(event: Event) -> int | None:
    return read_time(event.timestamp) if isinstance(event.timestamp, str) else None
