"""RudderStack as a klavier vendor."""

from collections.abc import Iterable, Sequence
from functools import partial

from klavier.errors import ConfigError
from klavier.events.model import Event, Group, Identify, Page, Screen, Track
from klavier.vendor import Delivery, RejectEvent, SkipEvent, Vendor, ordering_key
from klavier_rudderstack.bulk_upload.jobs import BulkUpload
from klavier_rudderstack.cloud import flows
from klavier_rudderstack.cloud.batching import JOB_SIZE, DeliveryFactory, JobBatcher
from klavier_rudderstack.cloud.translation import Translation
from klavier_rudderstack.cloud.translator import CloudTranslator
from klavier_rudderstack.cloud.wires import ImportWire, LegacyWire
from klavier_rudderstack.device.translator import DeviceTranslator
from klavier_rudderstack.mode import Mode, resolve_mode
from klavier_rudderstack.settings import Settings
from klavier_rudderstack.tables.ecommerce import EVENTS, IMPORT_OMITS, V1_OMITS
from klavier_rudderstack.values.ecommerce import find_metric
from klavier_rudderstack.values.mapped import resolve_mapped

_TRAITS, _PROPERTIES = frozenset({"traits.*"}), frozenset({"properties.*"})
_CONTEXT_TRAITS = frozenset({"context.traits.*"})


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
        self._bulk = _bulk_upload(mode) if settings.bulk_upload else None
        if self._bulk is not None:
            self.batch_size = self.bulk_size = self._bulk.batch_size
        else:
            self.batch_size = 1 if self._device else JOB_SIZE

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        """Return the deliveries of events: one each, and in cloud mode one for up to 100 that share a list.

        With bulk upload there is one for up to 10,000 profiles that share a job.
        """
        if self._device is not None:
            return [self._device_delivery(self._device, event) for event in events]
        if self._bulk is not None:
            return self._bulk.deliveries(events, self.key)
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
        except (RejectEvent, SkipEvent) as ending:
            return self._without_requests(event, key, ending)

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
        except (RejectEvent, SkipEvent) as ending:
            return self._without_requests(event, key, ending)

    def _without_requests(self, event: Event, key: str, ending: RejectEvent | SkipEvent) -> Delivery:
        """Return the delivery of an event that is rejected or skipped."""
        return Delivery((event,), (key,), partial(flows.end, ending), exact=self._mode.exact)

    def excludes(self, event: Event) -> frozenset[str]:
        """Return what RudderStack does not send: what describes a group, and what is replaced by other members.

        Deployed code also loses traits: in the browser all except those of `context`, on the server those that another
        trait's dotted name replaces by an object.  In the browser only identify calls describe the profile.
        """
        if self._bulk is not None:
            return _CONTEXT_TRAITS | _PROPERTIES
        if isinstance(event, Group):
            return _TRAITS
        if isinstance(event, Page):
            sent = self.settings.send_page_as_track and self.settings.additional_page_info
            return _CONTEXT_TRAITS if sent else _PROPERTIES | _CONTEXT_TRAITS
        deployed, legacy = self.settings.fidelity == "deployed", self.settings.api_version == "v1"
        if isinstance(event, Identify) and deployed:
            replaced = (name.split(".", 1)[0] for name in event.traits if "." in name)
            return _TRAITS if self._device else frozenset(f"traits.{name}" for name in replaced)
        if isinstance(event, (Track, Screen)) and self._device is None:
            dropped = deployed and legacy and find_metric(event.payload.get("event"))
            omits = V1_OMITS if legacy else IMPORT_OMITS
            return _PROPERTIES if dropped else frozenset(f"properties.{name}" for name in omits)
        return frozenset() if isinstance(event, Identify) or self._device is None else _CONTEXT_TRAITS


def _bulk_upload(mode: Mode) -> BulkUpload:
    if mode.settings.connection_mode == "device":
        raise ConfigError('bulk_upload: has no device mode; set connection_mode to "cloud"')
    return BulkUpload(mode)
