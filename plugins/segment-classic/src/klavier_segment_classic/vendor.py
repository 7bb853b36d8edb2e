"""Segment Classic: from events to deliveries."""

from collections.abc import Iterator, Sequence
from functools import partial

from attrs import evolve

from klavier.errors import ConfigError
from klavier.events.model import Event, Group, Identify, Track
from klavier.klaviyo.browser import browser_flow
from klavier.klaviyo.legacy import LegacyCall, legacy_flow
from klavier.outcome import Outcome, rejected, skipped
from klavier.vendor import BrowserCall, Delivery, Flow, RejectEvent, SkipEvent, Vendor
from klavier_segment_classic.cloud.identify import translate_identify
from klavier_segment_classic.cloud.orders import translate_order
from klavier_segment_classic.cloud.track import translate_track
from klavier_segment_classic.device.calls import browser_calls, visitor_properties
from klavier_segment_classic.eligibility import check_browser, check_server
from klavier_segment_classic.facade.commerce import is_order_completed
from klavier_segment_classic.rules import Rules
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
        self._rules = Rules.build(settings)
        self._delivery = self._browser if settings.connection_mode == "device" else self._server

    def deliveries(self, events: Sequence[Event]) -> Iterator[Delivery]:
        """Return one delivery for each event: the vendor sends them singly."""
        for event in events:
            yield self._delivery(event)

    def excludes(self, event: Event) -> frozenset[str]:
        """Return what a completed order expresses in another way, and all traits of a group except its name."""
        if isinstance(event, Group):
            return _GROUP
        return _ORDER if isinstance(event, Track) and is_order_completed(event.event) else _NONE

    def _server(self, event: Event) -> Delivery:
        bulkable = self.settings.wire == "current"
        is_single = bulkable and isinstance(event, Track) and not is_order_completed(event.event)
        return Delivery(
            (event,),
            (self.key(event),),
            # Here and below no partial: its repr would show the event, which may be personal data.
            lambda: self._server_flow(event),
            exact=self._rules.fidelity.reads_as_javascript,
            bulkable=bulkable,
            single_request=is_single,
        )

    def _server_flow(self, event: Event) -> Flow:
        settings = self.settings
        outcome = check_server(event, settings.api_key, self._rules.fidelity, send_anonymous=settings.send_anonymous)
        if outcome is not None:
            return outcome
        notes: list[str] = []
        try:
            calls = self._calls(event, notes)
        except RejectEvent as reason:
            return rejected(str(reason))
        if not calls:
            return skipped(f"the destination does nothing for {event.type}")
        return (yield from legacy_flow(calls, settings.wire, event, notes))

    def _calls(self, event: Event, notes: list[str]) -> list[LegacyCall]:
        if isinstance(event, Track):
            translate = translate_order if is_order_completed(event.event) else translate_track
            return translate(event, self._rules, notes)
        return translate_identify(event, self._rules, notes) if isinstance(event, Identify) else []

    def _browser(self, event: Event) -> Delivery:
        outcome: Outcome | None = check_browser(event, self.settings.api_key)
        calls: tuple[BrowserCall, ...] = ()
        notes: list[str] = []
        try:
            calls = browser_calls(event, self._rules, notes) if outcome is None else ()
        except SkipEvent as reason:
            outcome = skipped(str(reason))
        if outcome is not None:
            return Delivery((event,), (self.key(event),), partial(_end, outcome))
        return Delivery(
            (event,), (self.key(event),), lambda: self._browser_flow(event, calls, notes), browser_calls=calls
        )

    def _browser_flow(self, event: Event, calls: tuple[BrowserCall, ...], notes: list[str]) -> Flow:
        outcome = yield from browser_flow(calls, visitor_properties(event, self._rules), self.settings.api_key, event)
        return evolve(outcome, notes=(*notes, *outcome.notes)) if notes and isinstance(outcome, Outcome) else outcome


def build(settings: Settings) -> SegmentClassic:
    """Bind the vendor to its settings; raises `ConfigError` where they do not go together."""
    needs_key = settings.wire == "current" and settings.connection_mode == "cloud"
    if needs_key and not settings.private_key:
        raise ConfigError(
            "private_key: required on wire 'current', where every call of the server is made with Klaviyo's private "
            "API key; set it, or set wire to 'native'"
        )
    return SegmentClassic(settings)


def _end(outcome: Outcome) -> Flow:
    """End a flow without a request."""
    return outcome
    yield  # makes this function a generator
