"""Segment Classic: from events to deliveries."""

from collections.abc import Iterator, Sequence
from functools import partial

from attrs import evolve

from klavier.errors import ConfigError
from klavier.events.model import Event, Group, Identify, Track
from klavier.klaviyo.browser import browser_flow
from klavier.klaviyo.legacy import LegacyCall, legacy_flow
from klavier.outcome import Outcome, rejected, skipped
from klavier.vendor import BrowserCall, Delivery, Flow, Vendor
from klavier_segment_classic.cloud.identify import identify
from klavier_segment_classic.cloud.orders import order
from klavier_segment_classic.cloud.track import track
from klavier_segment_classic.device.calls import calls_of, visitor_of
from klavier_segment_classic.facade.commerce import is_order_completed
from klavier_segment_classic.fidelity import points_of
from klavier_segment_classic.gates import browser_gate, gate
from klavier_segment_classic.message import Refused, Skipped, Translation
from klavier_segment_classic.settings import Settings
from klavier_segment_classic.tables.orders import COMPLETED, PLACED, PRODUCT

NAME = "segment-classic"

_NONE: frozenset[str] = frozenset()
_GROUP = frozenset({"traits.*"})
_ORDER = frozenset(f"properties.{name}" for name in ("eventId", "value", "total", "categories", "item_names", "items"))


class SegmentClassic(Vendor):
    """Segment's first Klaviyo destination, bound to its settings."""

    name = NAME
    constants = frozenset({PLACED, COMPLETED, PRODUCT, "undefined"})  # the last in ids of products without one

    def __init__(self, settings: Settings) -> None:
        self.settings: Settings = settings
        self._how = Translation(settings, points_of(settings.fidelity))
        self._exact = settings.fidelity == "deployed" and settings.wire == "native"
        self._delivery = self._browser if settings.connection_mode == "device" else self._server

    def deliveries(self, events: Sequence[Event]) -> Iterator[Delivery]:
        """Give one delivery for each event, as the vendor takes them one by one."""
        for event in events:
            yield self._delivery(event)

    def excludes(self, event: Event) -> frozenset[str]:
        """Give what a completed order says in other words, and all traits of a group but its name."""
        if isinstance(event, Group):
            return _GROUP
        return _ORDER if isinstance(event, Track) and is_order_completed(event.event) else _NONE

    def _server(self, event: Event) -> Delivery:
        # An identify may ask again without the phone number: it looks at the reply.
        bulkable = isinstance(event, Track) and self.settings.wire == "current"
        lone = bulkable and isinstance(event, Track) and not is_order_completed(event.event)
        return Delivery(
            (event,),
            (self.key(event),),
            # Here and below no partial: its repr would show the event, which may be personal data.
            lambda: self._server_flow(event),
            exact=self._exact,
            bulkable=bulkable,
            lone=lone,
        )

    def _server_flow(self, event: Event) -> Flow:
        closed = gate(event, self.settings.api_key, self._how.points, send_anonymous=self.settings.send_anonymous)
        if closed is not None:
            return closed
        notes: list[str] = []
        try:
            calls = self._calls(event, notes)
        except Refused as reason:
            return rejected(str(reason))
        if not calls:
            return skipped(f"the destination does nothing for {event.type}")
        return (yield from legacy_flow(calls, self.settings.wire, event, notes))

    def _calls(self, event: Event, notes: list[str]) -> list[LegacyCall]:
        if isinstance(event, Track):
            return (order if is_order_completed(event.event) else track)(event, self._how, notes)
        return identify(event, self._how, notes) if isinstance(event, Identify) else []

    def _browser(self, event: Event) -> Delivery:
        closed: Outcome | None = browser_gate(event, self.settings.api_key)
        calls: tuple[BrowserCall, ...] = ()
        notes: list[str] = []
        try:
            calls = calls_of(event, self._how, notes) if closed is None else ()
        except Skipped as reason:
            closed = skipped(str(reason))
        if closed is not None:
            return Delivery((event,), (self.key(event),), partial(_ended, closed))
        return Delivery(
            (event,), (self.key(event),), lambda: self._browser_flow(event, calls, notes), browser_calls=calls
        )

    def _browser_flow(self, event: Event, calls: tuple[BrowserCall, ...], notes: list[str]) -> Flow:
        outcome = yield from browser_flow(calls, visitor_of(event, self._how), self.settings.api_key, event)
        return evolve(outcome, notes=(*notes, *outcome.notes)) if notes and isinstance(outcome, Outcome) else outcome


def build(settings: Settings) -> SegmentClassic:
    """Bind the vendor to its settings; raises `ConfigError` where they do not go together."""
    needs_key = settings.wire == "current" and settings.connection_mode == "cloud"
    if needs_key and not settings.private_key:
        raise ConfigError(
            "private_key: required on wire 'current', where every call of the server is made with Klaviyo's private "
            "API key; give it, or set wire to 'native'"
        )
    return SegmentClassic(settings)


def _ended(outcome: Outcome) -> Flow:
    return outcome
    yield  # what makes this a generator
