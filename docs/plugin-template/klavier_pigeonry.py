"""Pigeonry, an imaginary CDP: its settings, how it speaks to Klaviyo, and its own wire format."""

from collections.abc import Iterator, Sequence
from functools import partial

from attrs import frozen

import klavier
from klavier.klaviyo import CURRENT, klaviyo_time
from klavier.outcome import delivered, failed, rejected, skipped


@frozen
class Settings:
    """What can be set; `klavier vendors pigeonry` shows it."""

    prefix: str = klavier.setting("Pigeonry: ", doc="Put in front of every event's name.")


@frozen
class Pigeonry(klavier.Vendor):
    """Every letter becomes an event; one about facts is named `Facts`, and its facts are kept with the person."""

    settings: Settings
    name, constants = "pigeonry", frozenset({"Facts"})

    def deliveries(self, events: Sequence[klavier.Event]) -> Iterator[klavier.Delivery]:
        """Deliver each event by itself."""
        return (klavier.Delivery((event,), (self.key(event),), partial(self.flow, event)) for event in events)

    def flow(self, event: klavier.Event) -> klavier.Flow:
        """Say one event to Klaviyo: yield the request, be sent the reply, return the outcome."""
        if not isinstance(event, (klavier.Identify, klavier.Track)):
            return skipped(f"a pigeon carries no {event.type}")
        if not event.user_id or not isinstance(event.user_id, str):
            return rejected("whose letter is it? give `by`, a string")
        name = f"{self.settings.prefix}{getattr(event, 'event', None) or 'Facts'}"
        person = {"external_id": event.user_id, "properties": getattr(event, "traits", {})}
        said = {"metric": {"data": {"type": "metric", "attributes": {"name": name}}}, "unique_id": event.stable_id}
        said |= {"profile": {"data": {"type": "profile", "attributes": person}}}
        said |= {"time": time} if (time := klaviyo_time(event.timestamp)) else {}
        body = {"data": {"type": "event", "attributes": said | {"properties": getattr(event, "properties", {})}}}
        reply = yield klavier.Request("POST", "/api/events", json=body, revision=CURRENT)
        fault = rejected(reply.reason) if reply.local else failed(reply.reason, reply.status, retryable=reply.retryable)
        return delivered() if reply.ok else fault


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
