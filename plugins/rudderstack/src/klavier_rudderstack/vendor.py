"""RudderStack as a klavier vendor."""

from collections.abc import Iterable, Sequence
from functools import partial

from klavier.events.model import Event, Group, Identify, Page, Screen, Track
from klavier.vendor import Delivery, Vendor, ordering_key
from klavier_rudderstack import flows
from klavier_rudderstack.batching import LARGEST, Batcher, Packer
from klavier_rudderstack.cloud import Cloud
from klavier_rudderstack.commerce import metric_of
from klavier_rudderstack.device import Device
from klavier_rudderstack.mode import mode_of
from klavier_rudderstack.parcel import Parcel, Refused, Skip
from klavier_rudderstack.settings import RudderStackSettings
from klavier_rudderstack.tables.ecommerce import EVENTS, IMPORT_OMITS, V1_OMITS
from klavier_rudderstack.wires import ImportWire, LegacyWire

_TRAITS, _PROPERTIES = frozenset({"traits.*"}), frozenset({"properties.*"})


class RudderStack(Vendor):
    """RudderStack's Klaviyo destination under one set of settings; tables are compiled when it is made."""

    name = "rudderstack"
    constants: frozenset[str | float] = frozenset({*EVENTS.values(), "Viewed a Page"})

    def __init__(self, settings: RudderStackSettings) -> None:
        self.settings = settings
        mode = mode_of(settings)
        self._device = Device(settings) if settings.connection_mode == "device" else None
        self._cloud = Cloud(mode)
        wire = LegacyWire(mode) if mode.legacy else ImportWire(mode)
        self._packer = Packer(wire, exact=mode.exact, bulkable=settings.wire == "current")
        self.batch_size = 1 if self._device else LARGEST

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        """Give the deliveries of events: one each, and one for up to 100 that share a list."""
        if self._device is not None:
            device = self._device
            return [device.delivery(event, self.key(event)) for event in events]
        if len(events) == 1:
            return (self._alone(events[0]),)
        batcher = Batcher(self._packer)
        for event in events:
            key = ordering_key(event)
            found = self._parcel(event, key)
            if isinstance(found, Delivery):
                batcher.append(found, key)
            else:
                batcher.add(event, key, found)
        return batcher.deliveries()

    def _alone(self, event: Event) -> Delivery:
        """Give the delivery of one event, which can share nothing."""
        key = ordering_key(event)
        found = self._parcel(event, key)
        if isinstance(found, Delivery):
            return found
        if found.membership is None:
            return self._packer.alone(event, key, found)
        return self._packer.together([event], [key], [found])

    def _parcel(self, event: Event, key: str) -> Parcel | Delivery:
        """Translate an event; what cannot be said is a delivery that sends nothing."""
        try:
            return self._cloud.parcel(event)
        except Refused as refused:
            return self._packer.left_out(event, key, partial(flows.refuse, str(refused)))
        except Skip as skip:
            return self._packer.left_out(event, key, partial(flows.skip, str(skip)))

    def excludes(self, event: Event) -> frozenset[str]:
        """Give what RudderStack says nowhere: what describes a group, and what stands for something else.

        Deployed code also loses traits: in the browser all but those of `context`, on the server those that a dotted
        name of another opens an object over.
        """
        if isinstance(event, Group):
            return _TRAITS
        if isinstance(event, Page):
            said = self.settings.send_page_as_track and self.settings.additional_page_info
            return frozenset() if said else _PROPERTIES
        deployed, legacy = self.settings.fidelity == "deployed", self.settings.api_version == "v1"
        if isinstance(event, Identify) and deployed:
            buried = (name.split(".", 1)[0] for name in event.traits if "." in name)
            return _TRAITS if self._device else frozenset(f"traits.{name}" for name in buried)
        if isinstance(event, (Track, Screen)) and self._device is None:
            dropped = deployed and legacy and isinstance(event, Track) and metric_of(event.event)
            omits = V1_OMITS if legacy else IMPORT_OMITS
            return _PROPERTIES if dropped else frozenset(f"properties.{name}" for name in omits)
        return frozenset()
