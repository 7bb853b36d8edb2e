"""The vendor: from events to deliveries, by the mappings of its settings."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import cattrs

from klavier.errors import ConfigError
from klavier.events.model import Event
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome
from klavier.vendor import Delivery, Flow, Vendor, ordering_key
from klavier_segment_actions.account import Account
from klavier_segment_actions.actions.base import Item
from klavier_segment_actions.calls import Calls
from klavier_segment_actions.combining import combined
from klavier_segment_actions.fidelity import differences
from klavier_segment_actions.grouping import Grouping
from klavier_segment_actions.mappings import CompiledMapping
from klavier_segment_actions.settings import MappingSettings, SegmentActionsSettings
from klavier_segment_actions.tables.presets import PRESETS

NAME = "segment-actions"

Step = tuple[CompiledMapping, Item | Outcome]
"""What one mapping makes of an event."""

Content = tuple[Step, ...] | Outcome
"""What the mappings make of an event: steps of which at least one causes requests, or else its outcome."""


class SegmentActions(Vendor):
    """Segment's Klaviyo (Actions) destination."""

    name = NAME
    constants = frozenset({"Order Completed", "Ordered Product", "-59", False})

    def __init__(self, settings: SegmentActionsSettings) -> None:
        self.settings = settings
        self.rules = differences(settings.fidelity)
        self.calls = Calls(settings.wire)
        self.exact = settings.fidelity == "deployed" and settings.wire == "native"
        self.mappings = _compiled(settings, self)
        self.account = Account(self.calls, self.rules, settings.list_id)
        """Lists, audiences, deletions and the test of the key."""
        self.batch_size = self.bulk_size = max((mapping.batch_size for mapping in self.mappings), default=0) or 1

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        """Give the deliveries of events: batches where mappings batch, else one delivery an event, in order."""
        return self._batches(events) if self.batch_size > 1 else map(self._single, events)

    def excludes(self, event: Event) -> frozenset[str]:
        """Give what no mapping of the event reads: Segment sends what is mapped, and nothing else."""
        read = [mapping.reads for mapping in self.mappings if mapping.matches(event.payload)]
        return frozenset(
            f"{root}.*" for root in ("properties", "traits") if not any(f"$.{root}" in paths for paths in read)
        )

    def _content(self, event: Event) -> Content:
        payload = event.payload
        steps: tuple[Step, ...] = ()
        idle = True
        for mapping in self.mappings:
            if mapping.matches(payload):
                item = mapping.item(event)
                steps = (*steps, (mapping, item)) if steps else ((mapping, item),)
                idle = idle and type(item) is Outcome
        if not idle:
            return steps
        return combined([(mapping.name, item) for mapping, item in steps if isinstance(item, Outcome)])

    def _batches(self, events: Sequence[Event]) -> Iterator[Delivery]:
        contents = [self._content(event) for event in events]
        keys = [ordering_key(event) for event in events]
        flow = _one_batch(contents)
        if flow is not None:
            yield Delivery(tuple(events), tuple(keys), flow, exact=self.exact)
            return
        grouping: Grouping[Content] = Grouping()
        for event, key, content in zip(events, keys, contents, strict=True):
            if isinstance(content, Outcome):
                grouping.add_idle(event, key, content)
            else:
                kind, size = _place(content, event)
                once = len(content) > 1 or content[0][0].action.once_a_batch
                grouping.add(event, key, content, kind, size, once=once)
        for group in grouping.in_order():
            if len(group.contents) == 1:
                yield self._alone(group.events[0], group.keys[0], group.contents[0])
            else:
                flow = partial(_together, group.contents, in_order=not self.exact)
                yield Delivery(tuple(group.events), tuple(group.keys), flow, exact=self.exact)

    def _single(self, event: Event) -> Delivery:
        return self._alone(event, ordering_key(event), self._content(event))

    def _alone(self, event: Event, key: str, content: Content) -> Delivery:
        """Deliver one event; a request that is all there is to it may be said together with others."""
        if isinstance(content, Outcome):
            return Delivery((event,), (key,), partial(_settled, content), exact=self.exact)
        mapping, item = content[0]
        if len(content) > 1 or mapping.batch_size or isinstance(item, Outcome):
            return Delivery((event,), (key,), partial(_together, [content], in_order=not self.exact), exact=self.exact)
        action = mapping.action
        bulkable = action.bulkable and not self.exact
        return Delivery((event,), (key,), action.flow(item), exact=self.exact, bulkable=bulkable)


def _one_batch(contents: Sequence[Content]) -> Callable[[], Flow] | None:
    """Give the flow of events that one batch holds whatever their order, as most do; None for others.

    They are items of one mapping with nothing that parts them, so grouping would come to the same.
    """
    if not contents or type(contents[0]) is not tuple:
        return None
    mapping, first = contents[0][0]
    if isinstance(first, Outcome) or mapping.action.once_a_batch or len(contents) > mapping.batch_size:
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


def _place(steps: tuple[Step, ...], event: Event) -> tuple[Any, int]:
    """Give the kind and size of the group that an event goes into; a kind of its own where nothing batches."""
    if len(steps) == 1:
        mapping, item = steps[0]
        size = mapping.batch_size
        return ((mapping.place, _shared(mapping, item)), size) if size else (id(event), 1)
    sizes = [mapping.batch_size for mapping, item in steps if mapping.batch_size and isinstance(item, Item)]
    if not sizes:
        return id(event), 1
    return tuple([(mapping.place, _shared(mapping, item)) for mapping, item in steps]), min(sizes)


def _shared(mapping: CompiledMapping, item: Item | Outcome) -> Any:
    if isinstance(item, Outcome):
        return "idle"
    return item.group if mapping.batch_size else "alone"


def _settled(outcome: Outcome) -> Flow:
    return outcome
    yield  # what makes this a generator


def _together(contents: Sequence[Content], *, in_order: bool) -> Flow:
    """Run the steps of events that share their mappings, mapping by mapping; those without steps have their outcome.

    `in_order` lets an event's later steps wait for its next try where an earlier one is to be tried again: a
    subscription that goes before the profile it belongs to would make a second one.
    """
    live = [content for content in contents if type(content) is tuple]
    outcomes = iter((yield from _columns(live, in_order=in_order)))
    return [content if isinstance(content, Outcome) else next(outcomes) for content in contents]


def _columns(rows: Sequence[tuple[Step, ...]], *, in_order: bool) -> Generator[Request, Response, list[Outcome]]:
    if len(rows[0]) == 1:
        return list((yield from _column(rows[0][0][0], [row[0][1] for row in rows])))
    found: list[list[tuple[str, Outcome]]] = [[] for _ in rows]
    going = list(zip(rows, found, strict=True))
    for position, (mapping, _) in enumerate(rows[0]):
        outcomes = yield from _column(mapping, [row[position][1] for row, _ in going])
        for (_, each), outcome in zip(going, outcomes, strict=True):
            each.append((mapping.name, outcome))
        if in_order:
            going = [pair for pair, outcome in zip(going, outcomes, strict=True) if not outcome.retryable]
    return [combined(each) for each in found]


def _column(
    mapping: CompiledMapping, items: Sequence[Item | Outcome]
) -> Generator[Request, Response, Sequence[Outcome]]:
    """Run one mapping's action for several events; either all of them have an item, or none has."""
    live = [item for item in items if isinstance(item, Item)]
    if not live:
        return [item for item in items if isinstance(item, Outcome)]
    if mapping.batch_size:
        return (yield from mapping.action.batch(live))
    return (yield from mapping.action.one_by_one(live))


def _compiled(settings: SegmentActionsSettings, vendor: SegmentActions) -> list[CompiledMapping]:
    given = settings.mappings or tuple(cattrs.structure(row, MappingSettings) for row in PRESETS[settings.preset])
    compiled: list[CompiledMapping] = []
    problems: list[str] = []
    for index, mapping in enumerate(given):
        try:
            found = CompiledMapping(mapping, f"mappings[{index}]", vendor.rules, vendor.calls, settings.list_id)
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        if mapping.enabled:
            compiled.append(found)
    if problems:
        raise ConfigError(problems)
    return compiled
