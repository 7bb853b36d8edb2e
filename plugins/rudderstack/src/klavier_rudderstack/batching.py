"""Several events at once: those of one type and one list share a job, and events of one person keep their order."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from attrs import define, field

from klavier.events.model import Event
from klavier.vendor import Delivery, Flow
from klavier_rudderstack import flows
from klavier_rudderstack.parcel import Parcel
from klavier_rudderstack.wires import Wire

LARGEST = 100
"""How many people RudderStack puts in one job."""


@define
class _Job:
    """The parcels of one job while they are collected."""

    place: int
    events: list[Event] = field(factory=list)
    keys: list[str] = field(factory=list)
    parcels: list[Parcel] = field(factory=list)


class Batcher:
    """Collects deliveries in order.

    A parcel joins an open job of its list unless an event of the same person came after that job: the job would then
    run before it.
    """

    def __init__(self, wire: Wire, *, exact: bool, bulkable: bool) -> None:
        self._wire, self._exact, self._bulkable = wire, exact, bulkable
        self._places: list[Delivery | _Job] = []
        self._open: dict[tuple[str, str, str], _Job] = {}
        self._last: dict[str, int] = {}

    def add(self, event: Event, key: str, parcel: Parcel) -> None:
        """Add one event and what it comes to."""
        if parcel.membership is None:
            flow = (
                partial(flows.send_event, parcel.event, parcel.notes)
                if parcel.event is not None
                else partial(flows.send_profile, parcel, self._wire)
            )
            self._append(
                Delivery((event,), (key,), flow, exact=self._exact, bulkable=self._bulkable, lone=self._bulkable), key
            )
            return
        shared = (event.type, parcel.membership.operation, parcel.membership.list_id)
        job = self._open.get(shared)
        if job is None or len(job.parcels) >= LARGEST or self._last.get(key, -1) > job.place:
            job = self._open[shared] = _Job(len(self._places))
            self._append(job, key)
        self._last[key] = job.place
        job.events.append(event)
        job.keys.append(key)
        job.parcels.append(parcel)

    def leave_out(self, event: Event, key: str, flow: Callable[[], Flow]) -> None:
        """Add one event of which nothing is sent."""
        self._append(Delivery((event,), (key,), flow, exact=self._exact), key)

    def deliveries(self) -> Iterable[Delivery]:
        """Give the deliveries in order."""
        for place in self._places:
            yield self._delivery(place) if isinstance(place, _Job) else place

    def _append(self, place: Delivery | _Job, key: str) -> None:
        self._last[key] = len(self._places)
        self._places.append(place)

    def _delivery(self, job: _Job) -> Delivery:
        parcels: Sequence[Parcel] = tuple(job.parcels)
        flow = partial(flows.send_members, parcels, self._wire)
        # A member is added by the id that Klaviyo gives in its reply, which a bulk import does not give.
        bulkable = self._bulkable and all(p.membership is None or p.membership.operation != "add" for p in parcels)
        return Delivery(tuple(job.events), tuple(job.keys), flow, exact=self._exact, bulkable=bulkable)
