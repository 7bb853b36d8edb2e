"""RudderStack as a klavier vendor."""

from collections.abc import Iterable, Sequence

from klavier.events.model import Event, Group, Page, Screen, Track
from klavier.vendor import Delivery, Vendor
from klavier_rudderstack.batching import LARGEST, Batcher
from klavier_rudderstack.cloud import Cloud
from klavier_rudderstack.device import Device
from klavier_rudderstack.mode import mode_of
from klavier_rudderstack.parcel import Refused
from klavier_rudderstack.settings import RudderStackSettings
from klavier_rudderstack.tables.ecommerce import EVENTS, IMPORT_OMITS, V1_OMITS
from klavier_rudderstack.wires import ImportWire, LegacyWire


class RudderStack(Vendor):
    """RudderStack's Klaviyo destination under one set of settings; tables are compiled when it is made."""

    name = "rudderstack"
    constants: frozenset[str | float] = frozenset({*EVENTS.values(), "Viewed a Page"})

    def __init__(self, settings: RudderStackSettings) -> None:
        self.settings = settings
        mode = mode_of(settings)
        self._device = Device(settings) if settings.connection_mode == "device" else None
        self._cloud = Cloud(mode)
        self._exact = mode.exact
        self._bulkable = settings.wire == "current"
        self._wire = LegacyWire(mode) if mode.legacy else ImportWire(mode)
        self.batch_size = 1 if self._device else LARGEST

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        """Give the deliveries of events: one each, and one for up to 100 that share a list."""
        if self._device is not None:
            device = self._device
            return [device.delivery(event, self.key(event)) for event in events]
        batcher = Batcher(self._wire, exact=self._exact, bulkable=self._bulkable)
        for event in events:
            try:
                batcher.add(event, self.key(event), self._cloud.parcel(event))
            except Refused as refused:
                batcher.refuse(event, self.key(event), str(refused))
        return batcher.deliveries()

    def excludes(self, event: Event) -> frozenset[str]:
        """Give what RudderStack says nowhere: what describes a group, and what stands for something else."""
        if isinstance(event, Group):
            return frozenset({"traits.*"})
        if isinstance(event, Page):
            return frozenset() if self.settings.additional_page_info else frozenset({"properties.*"})
        if isinstance(event, (Track, Screen)) and self._device is None:
            omits = V1_OMITS if self.settings.api_version == "v1" else IMPORT_OMITS
            dropped = self.settings.fidelity == "deployed" and self.settings.api_version == "v1"
            return frozenset({"properties.*"}) if dropped else frozenset(f"properties.{name}" for name in omits)
        return frozenset()
