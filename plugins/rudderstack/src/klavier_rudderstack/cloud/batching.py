"""Several events at once: those of one type and one list share a job, and events of one profile keep their order."""

from collections.abc import Callable, Iterable
from functools import partial

from attrs import define, field

from klavier.events.model import Event
from klavier.flows.send_one import SendOne
from klavier.jsvalues import to_string
from klavier.vendor import Delivery, Flow
from klavier_rudderstack.cloud import flows
from klavier_rudderstack.cloud.translation import Translation
from klavier_rudderstack.cloud.wires import Wire, failure_outcome

JOB_SIZE = 100
"""How many profiles RudderStack puts in one job, as its documents and its transformer have it."""


class DeliveryFactory:
    """Makes deliveries from translations."""

    def __init__(self, wire: Wire, *, exact: bool, bulkable: bool) -> None:
        self._wire, self._exact, self._bulkable = wire, exact, bulkable

    def single(self, event: Event, key: str, translation: Translation) -> Delivery:
        """Return the delivery of an event that shares no job with others."""
        request = translation.event
        if request is None:
            request = self._wire.one_request(translation.profile or {})
        flow: Callable[[], Flow] = (
            partial(flows.send_profile, translation, self._wire)
            if request is None
            else SendOne(request, translation.notes, failure_outcome)
        )
        bulkable = self._bulkable
        return Delivery((event,), (key,), flow, exact=self._exact, bulkable=bulkable, single_request=bulkable)

    def shared_job(self, events: list[Event], keys: list[str], translations: list[Translation]) -> Delivery:
        """Return the delivery of events that share one job."""
        flow = partial(flows.send_members, tuple(translations), self._wire)
        # A member is added by the id in Klaviyo's reply.
        adds = any(each.membership is not None and each.membership.operation == "add" for each in translations)
        return Delivery(
            tuple(events), tuple(keys), flow, exact=self._exact, bulkable=self._bulkable, needs_profile_ids=adds
        )


@define
class _Job:
    """The translations of one job while they are collected."""

    position: int
    events: list[Event] = field(factory=list)
    keys: list[str] = field(factory=list)
    translations: list[Translation] = field(factory=list)


class JobBatcher:
    """Collects deliveries in order.

    A translation joins an open job of its list unless an event of the same profile came after that job: the job would
    then run before it.
    """

    def __init__(self, factory: DeliveryFactory) -> None:
        self._factory = factory
        self._items: list[Delivery | _Job] = []
        self._open: dict[tuple[str, str, str], _Job] = {}
        self._last: dict[str, int] = {}

    def add(self, event: Event, key: str, translation: Translation) -> None:
        """Add one event and its translation."""
        if translation.membership is None:
            self.append(self._factory.single(event, key, translation), key)
            return
        shared = (event.type, translation.membership.operation, to_string(translation.membership.list_id))
        job = self._open.get(shared)
        if job is None or len(job.translations) >= JOB_SIZE or self._last.get(key, -1) > job.position:
            job = self._open[shared] = _Job(len(self._items))
            self.append(job, key)
        self._last[key] = job.position
        job.events.append(event)
        job.keys.append(key)
        job.translations.append(translation)

    def append(self, item: Delivery | _Job, key: str) -> None:
        """Append a delivery that shares no job, or open a job."""
        self._last[key] = len(self._items)
        self._items.append(item)

    def deliveries(self) -> Iterable[Delivery]:
        """Return the deliveries in order."""
        shared_job = self._factory.shared_job
        return [
            shared_job(item.events, item.keys, item.translations) if isinstance(item, _Job) else item
            for item in self._items
        ]
