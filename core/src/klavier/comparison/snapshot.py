"""The contents of one side's sandbox, read for matching: profiles, and events with their input events."""

from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from klavier.klaviyo.attributes import PROFILE_IDENTIFIERS
from klavier.sandbox.state import name_of
from klavier.sandbox.times import write_time

if TYPE_CHECKING:
    from klavier.comparison.side import Side
    from klavier.sandbox.account import Metric
    from klavier.sandbox.profile import Event, Profile


@frozen(eq=False)
class StoredProfile:
    """One profile, and the numbers of the input events that refer to it."""

    profile: "Profile" = field(repr=False)
    lines: frozenset[int]

    @property
    def name(self) -> str:
        """The first identifier of the profile, such as `email:a@b.co`."""
        return name_of(self.profile)

    @property
    def strong(self) -> list[tuple[str, str]]:
        """The identifiers of a person, kind and value."""
        held = self.profile.identifiers
        return [(kind, held[kind]) for kind in PROFILE_IDENTIFIERS if kind in held]

    @property
    def weak(self) -> list[tuple[str, str]]:
        """The identifiers of a device or cookie, kind and value."""
        held = self.profile.identifiers
        found = [("anonymous_id", device) for device in self.profile.devices]
        return [*found, ("_kx", held["_kx"])] if "_kx" in held else found


@define(eq=False)  # never changed; frozen it would take twice as long to make, and every event has one
class StoredEvent:
    """One event in Klaviyo, with its profile and its input event."""

    event: "Event" = field(repr=False)
    metric: "Metric" = field(repr=False)
    owner: StoredProfile
    line: int
    title: str = field(init=False)
    """The name of its metric, with the service where there is one."""

    def __attrs_post_init__(self) -> None:
        """Write the title once: events are grouped by it again and again."""
        metric = self.metric
        self.title = metric.name if metric.service is None else f"{metric.name} ({metric.service})"

    @property
    def written_time(self) -> str:
        """When it happened, as a text."""
        return write_time(self.event.time)


@frozen(eq=False)
class Snapshot:
    """The contents of one side's sandbox."""

    profiles: list[StoredProfile]
    events: list[StoredEvent]
    """By input event, then in the order of arrival."""
    lists: dict[str, Any]
    """The lists by their ids."""

    def list_name(self, list_id: str | None) -> str:
        """Name a list."""
        return self.lists[list_id].name if list_id in self.lists else "no list"


def read_snapshot(side: "Side") -> Snapshot:
    """Read the sandbox of a side."""
    account, provenance = side.sandbox.account, side.provenance
    lines: dict[str, set[int]] = {}
    for profile_id, numbers in provenance.profiles.items():
        lines.setdefault(provenance.surviving_id(profile_id), set()).update(numbers)
    metrics = {metric.id: metric for metric in account.metrics.values()}
    profiles: list[StoredProfile] = []
    events: list[StoredEvent] = []
    for profile in account.profiles:
        own = [(provenance.events[event.number], event) for event in profile.events.values()]
        stored = StoredProfile(profile, frozenset(lines.get(profile.id, set()) | {line for line, _ in own}))
        profiles.append(stored)
        events += [StoredEvent(event, metrics[event.metric], stored, line) for line, event in own]
    events.sort(key=lambda held: (held.line, held.event.number))
    return Snapshot(profiles, events, dict(account.lists))
