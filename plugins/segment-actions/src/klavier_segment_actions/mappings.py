"""Compiled mappings: trigger, payload and action in one."""

from collections.abc import Callable, Mapping
from typing import Any

from klavier.errors import ConfigError
from klavier.events.model import Event
from klavier.outcome import Outcome, rejected
from klavier.strictjson import kind_of
from klavier_segment_actions.actions.base import Action, Item
from klavier_segment_actions.actions.consent import SubscribeProfile, UnsubscribeProfile
from klavier_segment_actions.actions.events import OrderCompleted, TrackEvent
from klavier_segment_actions.actions.lists import AddProfileToList, RemoveProfile
from klavier_segment_actions.actions.upsert import UpsertProfile
from klavier_segment_actions.calls import Calls
from klavier_segment_actions.fidelity import Differences
from klavier_segment_actions.payload.coercion import as_boolean, as_number
from klavier_segment_actions.payload.plan import plan_of, unknown_fields
from klavier_segment_actions.settings import MappingSettings
from klavier_segment_actions.tables.actions import ACTIONS, CONTROLS, ActionRow
from klavier_segment_actions.tables.fields import path
from klavier_segment_actions.triggers import compile_trigger

_ROWS = {row.name: row for row in ACTIONS}
_SIMPLE: Mapping[str, Callable[..., Action]] = {
    "trackEvent": TrackEvent,
    "orderCompleted": OrderCompleted,
    "addProfileToList": AddProfileToList,
    "removeProfileFromList": RemoveProfile,
    "removeProfile": RemoveProfile,
    "subscribeProfile": SubscribeProfile,
    "unsubscribeProfile": UnsubscribeProfile,
}


class CompiledMapping:
    """One enabled mapping, ready for events."""

    def __init__(
        self, settings: MappingSettings, place: str, rules: Differences, calls: Calls, list_id: str | None
    ) -> None:
        row = _ROWS[settings.action]
        problems: list[str] = []
        self.name = row.name
        self.place = place
        self.matches, self.broken_trigger = _trigger(settings, row, rules, f"{place}.trigger", problems)
        given = {name: mapping for name, mapping in settings.fields.items() if name not in CONTROLS}
        self.batch_size = _batch_size(settings, row, rules, f"{place}.fields", problems)
        known = [field.name for field in row.fields if field.name not in CONTROLS]
        if not rules.unknown_fields:
            problems.extend(unknown_fields(given, [*known, *CONTROLS], row.name, f"{place}.fields"))
        self.action = _action(settings, calls, rules, batched=self.batch_size > 0)
        self.reads = frozenset(
            _paths([field.default for field in row.fields if field.name not in given]) | _paths(given)
        )
        """The paths that stand in the mapping."""
        fields = [field for field in row.fields if field.name not in CONTROLS]
        try:
            self.plain, self.plan = plan_of(
                fields, _with_audience_list(given, row, list_id), rules, f"{place}.fields", batched=self.batch_size > 0
            )
        except ConfigError as error:
            problems.extend(error.problems)
        if problems:
            raise ConfigError(problems)

    def item(self, event: Event) -> Item | Outcome:
        """Translate an event: what will be sent for it, or why nothing can be."""
        try:
            payload = self.plain(event.payload)
            if payload is None:
                planned = self.plan(event.payload)
                if isinstance(planned, str):
                    return rejected(planned)
                payload = planned
        except ConfigError as error:
            return rejected("; ".join(error.problems))
        except RecursionError:
            return rejected("the event is nested too deep to be mapped; flatten it")
        return self.action.prepare(payload, event)


def _action(settings: MappingSettings, calls: Calls, rules: Differences, *, batched: bool) -> Action:
    if settings.action == "upsertProfile":
        return UpsertProfile(calls, rules, batched=batched, connected_list_id=settings.connected_list_id)
    return _SIMPLE[settings.action](calls, rules, batched=batched)


def _trigger(settings: MappingSettings, row: ActionRow, rules: Differences, place: str, problems: list[str]) -> Any:
    text = settings.trigger if settings.trigger is not None else (row.trigger or rules.remove_profile_trigger)
    try:
        return compile_trigger(text, rules)
    except ConfigError as error:
        problems.extend(f"{place}: {problem}" for problem in error.problems)
        return (lambda _event: False), ""


def _batch_size(settings: MappingSettings, row: ActionRow, rules: Differences, place: str, problems: list[str]) -> int:
    """Give how many events a batch takes, 0 where the mapping does not batch."""
    enabled = settings.fields.get("enable_batching")
    if enabled is None:
        enabled = bool(row.batch and row.batch.on and rules.default_batching)
    switch = as_boolean(enabled)
    if switch is None:
        problems.append(f"{place}.enable_batching: must be true or false, not {kind_of(enabled)}")
    size = settings.fields.get("batch_size")
    number = None if size is None else as_number(size)
    if row.batch is None:
        return 0
    if size is not None and (number is None or not row.batch.least <= number <= row.batch.most):
        problems.append(
            f"{place}.batch_size: must be a number from {row.batch.least} to {row.batch.most} for {row.name}"
        )
    return int(number or row.batch.default) if switch else 0


def _with_audience_list(given: Mapping[str, Any], row: ActionRow, list_id: str | None) -> Mapping[str, Any]:
    """Let the setting `list_id` stand in where an Engage action's event names no list of its audience."""
    if list_id is None or "list_id" in given or not any(field.audience for field in row.fields):
        return given
    own = path("$.context.personas.audience_settings.listId")
    return {**given, "list_id": {"@if": {"exists": own, "then": own, "else": list_id}}}


def _paths(node: Any) -> set[str]:
    if isinstance(node, str):
        return {node} if node.startswith("$.") else set()
    members = node.values() if isinstance(node, Mapping) else node if isinstance(node, (list, tuple)) else ()
    return {found for member in members for found in _paths(member)}
