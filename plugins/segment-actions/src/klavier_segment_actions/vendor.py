"""The vendor: from events to deliveries, by the mappings of its settings."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import cattrs

from klavier.errors import ConfigError
from klavier.events.model import Event
from klavier.outcome import Outcome
from klavier.vendor import Delivery, Flow, Vendor
from klavier_segment_actions.actions.base import Item
from klavier_segment_actions.calls import Calls
from klavier_segment_actions.combining import combined
from klavier_segment_actions.fidelity import differences
from klavier_segment_actions.grouping import Grouping
from klavier_segment_actions.mappings import CompiledMapping
from klavier_segment_actions.settings import MappingSettings, SegmentActionsSettings
from klavier_segment_actions.tables.presets import PRESETS

NAME = "segment-actions"
_UNLIMITED = 10_000

Step = tuple[CompiledMapping, Item | Outcome]
"""What one mapping makes of an event."""


class SegmentActions(Vendor):
    """Segment's Klaviyo (Actions) destination."""

    name = NAME
    batch_size = 1000
    constants = frozenset(
        {
            "Order Completed",
            "Ordered Product",
            "-59",
            "SUBSCRIBED",
            "UNSUBSCRIBED",
            "event",
            "metric",
            "profile",
            "list",
        }
    )

    def __init__(self, settings: SegmentActionsSettings) -> None:
        self.settings = settings
        self.rules = differences(settings.fidelity)
        self.calls = Calls(settings.wire)
        self.exact = settings.fidelity == "deployed" and settings.wire == "native"
        self.mappings = _compiled(settings, self)
        self._batching = any(mapping.batch_size for mapping in self.mappings)

    def deliveries(self, events: Sequence[Event]) -> Iterator[Delivery]:
        """Give the deliveries of events: batches where mappings batch, else one delivery an event, in order."""
        if self._batching:
            yield from self._batches(events)
            return
        for event in events:
            steps = self._steps(event)
            yield self._delivery((event,), (self.key(event),), partial(_one_by_one, [steps]))

    def _steps(self, event: Event) -> list[Step]:
        payload = event.payload
        return [(mapping, mapping.item(event)) for mapping in self.mappings if mapping.matches(payload)]

    def _batches(self, events: Sequence[Event]) -> Iterator[Delivery]:
        grouping = Grouping()
        for event in events:
            steps = self._steps(event)
            kind, size = _place(steps, event)
            grouping.add(event, self.key(event), steps, kind, size, once=_once(steps), waits=_sends(steps))
        for group in grouping.in_order():
            batched = any(mapping.batch_size for mapping, _ in group.contents[0])
            run = partial(_together if batched else _one_by_one, group.contents)
            yield self._delivery(tuple(group.events), tuple(group.keys), run)

    def _delivery(self, events: tuple[Event, ...], keys: tuple[str, ...], flow: Any) -> Delivery:
        return Delivery(events, keys, flow, exact=self.exact)


def _place(steps: list[Step], event: Event) -> tuple[Any, int]:
    """Give the kind and size of the group that an event goes into; a kind of its own where nothing batches."""
    live = [(mapping, item) for mapping, item in steps if isinstance(item, Item)]
    sizes = [mapping.batch_size for mapping, _ in live if mapping.batch_size]
    if not sizes:
        return id(event), 1
    kind = tuple((id(mapping), item.group if mapping.batch_size else None) for mapping, item in live)
    return (kind, len(steps)), min(sizes)


def _sends(steps: list[Step]) -> bool:
    return any(isinstance(item, Item) for _, item in steps)


def _once(steps: list[Step]) -> bool:
    return len(steps) > 1 or any(mapping.action.once_a_batch for mapping, _ in steps)


def _one_by_one(contents: Sequence[list[Step]]) -> Flow:
    """Run the steps of one event after another."""
    outcomes = []
    for steps in contents:
        found: list[tuple[str, Outcome]] = []
        for mapping, item in steps:
            outcome = item if isinstance(item, Outcome) else (yield from mapping.action.single(item))
            found.append((mapping.name, outcome))
        outcomes.append(combined(found))
    return outcomes


def _together(contents: Sequence[list[Step]]) -> Flow:
    """Run the steps of several events mapping by mapping; all events have the same mappings."""
    found: list[list[tuple[str, Outcome]]] = [[] for _ in contents]
    for position, (mapping, _) in enumerate(contents[0]):
        column = [steps[position][1] for steps in contents]
        live = [(index, item) for index, item in enumerate(column) if isinstance(item, Item)]
        outcomes: dict[int, Outcome] = {index: item for index, item in enumerate(column) if isinstance(item, Outcome)}
        if live:
            items = [item for _, item in live]
            given = yield from (mapping.action.batch(items) if mapping.batch_size else _each(mapping, items))
            outcomes.update(zip((index for index, _ in live), given, strict=True))
        for index, outcome in outcomes.items():
            found[index].append((mapping.name, outcome))
    return [combined(each) for each in found]


def _each(mapping: CompiledMapping, items: Sequence[Item]) -> Any:
    outcomes = []
    for item in items:
        outcomes.append((yield from mapping.action.single(item)))  # noqa: PERF401 -- a comprehension cannot yield from
    return outcomes


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
