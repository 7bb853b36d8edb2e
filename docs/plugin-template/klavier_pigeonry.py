"""Pigeonry, an imaginary CDP: its settings, its requests to Klaviyo, and its own wire format."""

from collections.abc import Iterator, Sequence
from functools import partial

from attrs import frozen

import klavier
from klavier.klaviyo import CURRENT, klaviyo_time
from klavier.outcome import delivered, failed, rejected, skipped


@frozen
class Settings:
    """The settings, which `klavier vendors pigeonry` shows."""

    prefix: str = klavier.setting("Pigeonry: ", doc="Put in front of every event's name.")


@frozen
class Pigeonry(klavier.Vendor):
    """Every letter becomes an event; one with facts is named `Facts`, and facts become properties of the profile."""

    settings: Settings
    name, constants = "pigeonry", frozenset({"Facts"})

    def deliveries(self, events: Sequence[klavier.Event]) -> Iterator[klavier.Delivery]:
        """Deliver each event by itself."""
        return (klavier.Delivery((event,), (self.key(event),), partial(self.flow, event)) for event in events)

    def flow(self, event: klavier.Event) -> klavier.Flow:
        """Deliver one event: yield the request, receive the reply, return the outcome."""
        if not isinstance(event, (klavier.Identify, klavier.Track)):
            return skipped(f"Pigeonry sends no {event.type}")
        if not event.user_id or not isinstance(event.user_id, str):
            return rejected("no identity: send `by`, a string")
        name = f"{self.settings.prefix}{getattr(event, 'event', None) or 'Facts'}"
        profile = {"external_id": event.user_id, "properties": getattr(event, "traits", {})}
        sent = {"metric": {"data": {"type": "metric", "attributes": {"name": name}}}, "unique_id": event.stable_id}
        sent |= {"profile": {"data": {"type": "profile", "attributes": profile}}}
        sent |= {"time": time} if (time := klaviyo_time(event.timestamp)) else {}
        body = {"data": {"type": "event", "attributes": sent | {"properties": getattr(event, "properties", {})}}}
        reply = yield klavier.Request("POST", "/api/events", json=body, revision=CURRENT)
        error = rejected(reply.reason) if reply.local else failed(reply.reason, reply.status, retryable=reply.retryable)
        return delivered() if reply.ok else error


@klavier.hookimpl
def klavier_vendors() -> list[klavier.VendorSpec]:
    """Register the vendor."""
    return [klavier.VendorSpec("pigeonry", "Pigeonry's letters, as events", Settings, Pigeonry)]


@klavier.hookimpl
def klavier_read_event(payload: dict[str, object]) -> klavier.Event | None:
    """Read a letter, which has a `post` (its id), `by`, `at`, and either `did` and `with`, or `is`."""
    its = {"post": "messageId", "by": "userId", "at": "timestamp", "did": "event", "with": "properties", "is": "traits"}
    it = {its[name]: value for name, value in payload.items() if name in its}
    return klavier.parse_event(it | {"type": "identify" if "is" in payload else "track"}) if "post" in payload else None
