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
    constants = frozenset({"Order Completed", "Ordered Product", "-59", False})

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

    def excludes(self, event: Event) -> frozenset[str]:
        """Give what no mapping of the event reads: Segment sends what is mapped, and nothing else."""
        read = [mapping.reads for mapping in self.mappings if mapping.matches(event.payload)]
        return frozenset(
            f"{root}.*" for root in ("properties", "traits") if not any(f"$.{root}" in paths for paths in read)
        )

    def _steps(self, event: Event) -> list[Step]:
        payload = event.payload
        return [(mapping, mapping.item(event)) for mapping in self.mappings if mapping.matches(payload)]

    def _batches(self, events: Sequence[Event]) -> Iterator[Delivery]:
        grouping = Grouping()
        for event in events:
            steps, key = self._steps(event), self.key(event)
            if any(isinstance(item, Item) for _, item in steps):
                grouping.add(event, key, steps, *_place(steps, event), once=_once(steps))
            else:
                grouping.add_idle(event, key, steps)
        for group in grouping.in_order():
            batched = any(mapping.batch_size for mapping, _ in group.contents[0])
            run = partial(_together if batched else _one_by_one, group.contents)
            yield self._delivery(tuple(group.events), tuple(group.keys), run)

    def _delivery(self, events: tuple[Event, ...], keys: tuple[str, ...], flow: Any) -> Delivery:
        return Delivery(events, keys, flow, exact=self.exact)


def _place(steps: list[Step], event: Event) -> tuple[Any, int]:
    """Give the kind and size of the group that an event goes into; a kind of its own where nothing batches."""
    sizes = [mapping.batch_size for mapping, item in steps if mapping.batch_size and isinstance(item, Item)]
    if not sizes:
        return id(event), 1
    return tuple((id(mapping), _shared(mapping, item)) for mapping, item in steps), min(sizes)


def _shared(mapping: CompiledMapping, item: Item | Outcome) -> Any:
    if isinstance(item, Outcome):
        return "idle"
    return (item.group,) if mapping.batch_size else "alone"


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
    """Run the steps of several events mapping by mapping; the first has the mappings of all that cause requests."""
    found: list[list[tuple[str, Outcome]]] = [[] for _ in contents]
    active = [index for index, steps in enumerate(contents) if any(isinstance(item, Item) for _, item in steps)]
    for index in range(len(contents)):
        if index not in active:
            found[index] = [(mapping.name, item) for mapping, item in contents[index] if isinstance(item, Outcome)]
    for position, (mapping, _) in enumerate(contents[active[0]] if active else ()):
        column = [contents[index][position][1] for index in active]
        items = [item for item in column if isinstance(item, Item)]
        outcomes: Sequence[Any] = column
        if items:
            send = mapping.action.batch if mapping.batch_size else mapping.action.one_by_one
            outcomes = yield from send(items)
        for index, outcome in zip(active, outcomes, strict=True):
            found[index].append((mapping.name, outcome))
    return [combined(each) for each in found]


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
