"""The vendor: from events to deliveries, by the mappings of its settings."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import cattrs

from klavier.errors import ConfigError
from klavier.events.model import Event
from klavier.outcome import Outcome, rejected
from klavier.vendor import Delivery, Flow, RejectEvent, Vendor, ordering_key
from klavier_segment_actions.account import Account
from klavier_segment_actions.actions.base import Item
from klavier_segment_actions.calls import Calls
from klavier_segment_actions.fidelity import FIDELITIES
from klavier_segment_actions.grouping import Grouping
from klavier_segment_actions.mappings import CompiledMapping
from klavier_segment_actions.settings import MappingSettings, Settings
from klavier_segment_actions.steps import Steps, combine, run_together, settled
from klavier_segment_actions.tables.presets import PRESETS

NAME = "segment-actions"


class SegmentActions(Vendor):
    """Segment's Klaviyo (Actions) destination."""

    name = NAME
    constants = frozenset({"Order Completed", "Ordered Product", "-59", False})

    def __init__(self, settings: Settings) -> None:
        if not settings.api_key.strip():
            raise ConfigError("api_key: is empty, and no request can be sent without it; set Klaviyo's private API key")
        self.settings = settings
        self.fidelity = FIDELITIES[settings.fidelity]
        self.calls = Calls(settings.wire)
        self.exact = settings.fidelity == "deployed" and settings.wire == "native"
        self.mappings = _compile_mappings(settings, self)
        self.account = Account(self.calls, self.fidelity, settings.list_id)
        """Lists, audiences, deletions and the authentication test."""
        self.batch_size = self.bulk_size = max((mapping.batch_size for mapping in self.mappings), default=0) or 1

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        """Return the deliveries of events: batches where mappings batch, else one delivery per event, in order."""
        return self._batches(events) if self.batch_size > 1 else map(self._single, events)

    def excludes(self, event: Event) -> frozenset[str]:
        """Return what no mapping of the event reads: Segment sends what is mapped, and nothing else."""
        read = [mapping.reads for mapping in self.mappings if mapping.matches(event.payload)]
        return frozenset(
            f"{root}.*" for root in ("properties", "traits") if not any(paths & {"$.", f"$.{root}"} for paths in read)
        )

    def _content(self, event: Event) -> Steps | Outcome:
        """Translate an event: its steps where at least one of them sends something, else its outcome."""
        steps: Steps = ()
        for mapping in self.mappings:
            if mapping.matches(event.payload):
                try:
                    steps += ((mapping, mapping.prepare(event)),)
                except RejectEvent as refusal:
                    steps += ((mapping, rejected(str(refusal))),)
        for _, item in steps:
            if not isinstance(item, Outcome):
                return steps
        return combine([(mapping.name, item) for mapping, item in steps if isinstance(item, Outcome)])

    def _batches(self, events: Sequence[Event]) -> Iterator[Delivery]:
        contents = [self._content(event) for event in events]
        keys = [ordering_key(event) for event in events]
        flow = _one_batch(contents)
        if flow is not None:
            yield Delivery(tuple(events), tuple(keys), flow, exact=self.exact)
            return
        grouping: Grouping[Steps | Outcome] = Grouping()
        for event, key, content in zip(events, keys, contents, strict=True):
            if isinstance(content, Outcome):
                grouping.add_idle(event, key, content)
            else:
                kind, size = _group_kind(content, event)
                unique = len(content) > 1 or content[0][0].action.unique_profiles
                grouping.add(event, key, content, kind, size, unique=unique)
        for group in grouping.in_order():
            if len(group.contents) == 1:
                yield self._alone(group.events[0], group.keys[0], group.contents[0])
            else:
                flow = partial(run_together, group.contents, in_order=not self.exact)
                yield Delivery(tuple(group.events), tuple(group.keys), flow, exact=self.exact)

    def _single(self, event: Event) -> Delivery:
        return self._alone(event, ordering_key(event), self._content(event))

    def _alone(self, event: Event, key: str, content: Steps | Outcome) -> Delivery:
        """Deliver one event; its requests may be combined with those of others."""
        if isinstance(content, Outcome):
            return Delivery((event,), (key,), partial(settled, content), exact=self.exact)
        mapping, item = content[0]
        if len(content) > 1 or mapping.batch_size or isinstance(item, Outcome):
            flow = partial(run_together, [content], in_order=not self.exact)
            return Delivery((event,), (key,), flow, exact=self.exact)
        action = mapping.action
        bulkable = action.bulkable and not self.exact
        return Delivery(
            (event,),
            (key,),
            action.flow(item),
            exact=self.exact,
            bulkable=bulkable,
            needs_profile_ids=bool(item.list_id or item.audience),
        )


def _one_batch(contents: Sequence[Steps | Outcome]) -> Callable[[], Flow] | None:
    """Return the flow of events that fit one batch in any order, as most do; None for others.

    They are items of one mapping and one group, for which grouping would return the same batch.
    """
    if not contents or type(contents[0]) is not tuple:
        return None
    mapping, first = contents[0][0]
    if isinstance(first, Outcome) or mapping.action.unique_profiles or len(contents) > mapping.batch_size:
        return None
    items: list[Item] = []
    for content in contents:
        if type(content) is not tuple or len(content) > 1:
            return None
        its_mapping, item = content[0]
        if its_mapping is not mapping or isinstance(item, Outcome) or item.group != first.group:
            return None
        items.append(item)
    return partial(mapping.action.batch, items)


def _group_kind(steps: Steps, event: Event) -> tuple[Any, int]:
    """Return kind and size of the group for an event; a kind of its own where no mapping batches."""
    if len(steps) == 1:
        mapping, item = steps[0]
        size = mapping.batch_size
        return ((mapping.place, _shared(mapping, item)), size) if size else (id(event), 1)
    sizes = [mapping.batch_size for mapping, item in steps if mapping.batch_size and isinstance(item, Item)]
    if not sizes:
        return id(event), 1
    return tuple([(mapping.place, _shared(mapping, item)) for mapping, item in steps]), min(sizes)


def _shared(mapping: CompiledMapping, item: Item | Outcome) -> Any:
    """Return what the items of one batch have in common for a mapping."""
    if isinstance(item, Outcome):
        return "idle"
    return item.group if mapping.batch_size else "alone"


def _compile_mappings(settings: Settings, vendor: SegmentActions) -> list[CompiledMapping]:
    rows = settings.mappings or tuple(cattrs.structure(row, MappingSettings) for row in PRESETS[settings.preset])
    compiled: list[CompiledMapping] = []
    problems: list[str] = []
    for index, mapping in enumerate(rows):
        try:
            found = CompiledMapping(mapping, f"mappings[{index}]", vendor.fidelity, vendor.calls, settings.list_id)
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        if mapping.enabled:
            compiled.append(found)
    if problems:
        raise ConfigError(problems)
    return compiled
