"""Several events at once: those of one type and one list share a job, and events of one person keep their order."""

from collections.abc import Callable, Iterable
from functools import partial

from attrs import define, field

from klavier.events.model import Event
from klavier.flows.send_one import SendOne
from klavier.vendor import Delivery, Flow
from klavier_rudderstack import flows
from klavier_rudderstack.parcel import Parcel
from klavier_rudderstack.wires import Wire, failure

LARGEST = 100
"""How many people RudderStack puts in one job."""


class Packer:
    """Makes deliveries of what events come to."""

    def __init__(self, wire: Wire, *, exact: bool, bulkable: bool) -> None:
        self._wire, self._exact, self._bulkable = wire, exact, bulkable

    def alone(self, event: Event, key: str, parcel: Parcel) -> Delivery:
        """Give the delivery of an event that shares a job with no other."""
        request = parcel.event
        if request is None:
            request = self._wire.one_request(parcel.profile or {})
        flow: Callable[[], Flow] = (
            partial(flows.send_profile, parcel, self._wire)
            if request is None
            else SendOne(request, parcel.notes, failure)
        )
        return Delivery((event,), (key,), flow, (), self._exact, self._bulkable, self._bulkable)

    def left_out(self, event: Event, key: str, flow: Callable[[], Flow]) -> Delivery:
        """Give the delivery of an event of which nothing is sent."""
        return Delivery((event,), (key,), flow, exact=self._exact)

    def together(self, events: list[Event], keys: list[str], parcels: list[Parcel]) -> Delivery:
        """Give the delivery of events that share a job."""
        flow = partial(flows.send_members, tuple(parcels), self._wire)
        # A member is added by the id that Klaviyo gives in its reply, which a bulk import does not give.
        bulkable = self._bulkable and all(p.membership is None or p.membership.operation != "add" for p in parcels)
        return Delivery(tuple(events), tuple(keys), flow, exact=self._exact, bulkable=bulkable)


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

    def __init__(self, packer: Packer) -> None:
        self._packer = packer
        self._places: list[Delivery | _Job] = []
        self._open: dict[tuple[str, str, str], _Job] = {}
        self._last: dict[str, int] = {}

    def add(self, event: Event, key: str, parcel: Parcel) -> None:
        """Add one event and what it comes to."""
        if parcel.membership is None:
            self.append(self._packer.alone(event, key, parcel), key)
            return
        shared = (event.type, parcel.membership.operation, parcel.membership.list_id)
        job = self._open.get(shared)
        if job is None or len(job.parcels) >= LARGEST or self._last.get(key, -1) > job.place:
            job = self._open[shared] = _Job(len(self._places))
            self.append(job, key)
        self._last[key] = job.place
        job.events.append(event)
        job.keys.append(key)
        job.parcels.append(parcel)

    def append(self, place: Delivery | _Job, key: str) -> None:
        """Add what shares nothing, or opens a job."""
        self._last[key] = len(self._places)
        self._places.append(place)

    def deliveries(self) -> Iterable[Delivery]:
        """Give the deliveries in order."""
        together = self._packer.together
        return [
            together(place.events, place.keys, place.parcels) if isinstance(place, _Job) else place
            for place in self._places
        ]
