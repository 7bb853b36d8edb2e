"""RudderStack as a klavier vendor."""

from collections.abc import Iterable, Sequence
from functools import partial

from klavier.events.model import Event, Group, Identify, Page, Screen, Track
from klavier.outcome import Outcome, rejected, skipped
from klavier.vendor import Delivery, Flow, RejectEvent, SkipEvent, Vendor, ordering_key
from klavier_rudderstack.cloud.batching import JOB_SIZE, DeliveryFactory, JobBatcher
from klavier_rudderstack.cloud.translation import Translation
from klavier_rudderstack.cloud.translator import CloudTranslator
from klavier_rudderstack.cloud.wires import ImportWire, LegacyWire
from klavier_rudderstack.device.translator import DeviceTranslator
from klavier_rudderstack.mode import resolve_mode
from klavier_rudderstack.settings import Settings
from klavier_rudderstack.tables.ecommerce import EVENTS, IMPORT_OMITS, V1_OMITS
from klavier_rudderstack.values.ecommerce import find_metric
from klavier_rudderstack.values.mapped import resolve_mapped

_TRAITS, _PROPERTIES = frozenset({"traits.*"}), frozenset({"properties.*"})


class RudderStack(Vendor):
    """RudderStack's Klaviyo destination under one set of settings; its tables are compiled when it is made."""

    name = "rudderstack"
    constants: frozenset[str | float] = frozenset({*EVENTS.values(), "Viewed a Page"})

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._mode = mode = resolve_mode(settings)
        self._device = DeviceTranslator(mode) if settings.connection_mode == "device" else None
        self._cloud = CloudTranslator(mode)
        wire = LegacyWire(mode) if mode.legacy else ImportWire(mode)
        self._factory = DeliveryFactory(wire, exact=mode.exact, bulkable=mode.current)
        self.batch_size = 1 if self._device else JOB_SIZE

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        """Return the deliveries of events: one each, and one for up to 100 that share a list."""
        if self._device is not None:
            return [self._device_delivery(self._device, event) for event in events]
        if len(events) == 1:
            return (self._cloud_delivery(events[0]),)
        batcher = JobBatcher(self._factory)
        for event in events:
            key = self.key(event)
            translated = self._translate(event, key)
            if isinstance(translated, Delivery):
                batcher.append(translated, key)
            else:
                batcher.add(event, key, translated)
        return batcher.deliveries()

    def key(self, event: Event) -> str:
        """Return the ordering key of an event; that of a mapped event (reverse ETL) is the one of its mapped user."""
        return ordering_key(resolve_mapped(event, exact=self._mode.exact) if self._device is None else event)

    def _device_delivery(self, device: DeviceTranslator, event: Event) -> Delivery:
        key = ordering_key(event)
        try:
            return device.delivery(event, key)
        except (RejectEvent, SkipEvent) as end:
            return self._without_requests(event, key, end)

    def _cloud_delivery(self, event: Event) -> Delivery:
        """Return the delivery of one event, which shares no job."""
        key = self.key(event)
        translated = self._translate(event, key)
        if isinstance(translated, Delivery):
            return translated
        if translated.membership is None:
            return self._factory.single(event, key, translated)
        return self._factory.shared_job([event], [key], [translated])

    def _translate(self, event: Event, key: str) -> Translation | Delivery:
        """Translate an event; one that is rejected or skipped becomes a delivery that sends nothing."""
        try:
            return self._cloud.translate(event)
        except (RejectEvent, SkipEvent) as end:
            return self._without_requests(event, key, end)

    def _without_requests(self, event: Event, key: str, end: RejectEvent | SkipEvent) -> Delivery:
        """Return the delivery of an event that is rejected or skipped."""
        outcome = rejected(str(end)) if isinstance(end, RejectEvent) else skipped(str(end))
        return Delivery((event,), (key,), partial(_end, outcome), exact=self._mode.exact)

    def excludes(self, event: Event) -> frozenset[str]:
        """Return what RudderStack does not send: what describes a group, and what is replaced by other members.

        Deployed code also loses traits: in the browser all except those of `context`, on the server those that another
        trait's dotted name replaces by an object.
        """
        if isinstance(event, Group):
            return _TRAITS
        if isinstance(event, Page):
            sent = self.settings.send_page_as_track and self.settings.additional_page_info
            return frozenset() if sent else _PROPERTIES
        deployed, legacy = self.settings.fidelity == "deployed", self.settings.api_version == "v1"
        if isinstance(event, Identify) and deployed:
            replaced = (name.split(".", 1)[0] for name in event.traits if "." in name)
            return _TRAITS if self._device else frozenset(f"traits.{name}" for name in replaced)
        if isinstance(event, (Track, Screen)) and self._device is None:
            dropped = deployed and legacy and isinstance(event, Track) and find_metric(event.event)
            omits = V1_OMITS if legacy else IMPORT_OMITS
            return _PROPERTIES if dropped else frozenset(f"properties.{name}" for name in omits)
        return frozenset()


def _end(outcome: Outcome) -> Flow:
    """Return an outcome before any request."""
    return outcome
    yield  # makes this a generator
