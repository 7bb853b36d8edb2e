"""Compiled mappings: trigger, payload and action in one."""

from collections.abc import Callable, Mapping
from typing import Any

from klavier.errors import ConfigError
from klavier.events.model import Event
from klavier.jsvalues import dig
from klavier.strictjson import kind_of
from klavier.vendor import RejectEvent
from klavier_segment_actions.actions.base import Action, Item
from klavier_segment_actions.actions.consent import SubscribeProfile, UnsubscribeProfile
from klavier_segment_actions.actions.events import OrderCompleted, TrackEvent
from klavier_segment_actions.actions.lists import AddProfileToList, RemoveProfile
from klavier_segment_actions.actions.upsert import UpsertProfile
from klavier_segment_actions.calls import Calls
from klavier_segment_actions.fidelity import Fidelity
from klavier_segment_actions.mapping_kit import ROOT_DIRECTIVE, Resolver, compile_root_transform
from klavier_segment_actions.payload.coercion import as_boolean, as_number
from klavier_segment_actions.payload.fields import Partly
from klavier_segment_actions.payload.plan import compile_plan, unknown_fields
from klavier_segment_actions.settings import MappingSettings
from klavier_segment_actions.tables.actions import ACTIONS, CONTROLS, HOOK, INTERNAL, ActionRow
from klavier_segment_actions.tables.fields import path
from klavier_segment_actions.triggers import Condition, compile_trigger

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
    """One enabled mapping, ready for events.

    Raises `ConfigError` with a line for each mistake in it; `place` is its path in the settings.
    """

    def __init__(
        self, settings: MappingSettings, place: str, fidelity: Fidelity, calls: Calls, list_id: str | None
    ) -> None:
        row = _ROWS[settings.action]
        problems: list[str] = []
        self.name = row.name
        self.place = place
        self.matches, self.broken_trigger = _trigger(settings, row, fidelity, f"{place}.trigger", problems)
        mapped = {
            name: mapping
            for name, mapping in settings.fields.items()
            if name not in CONTROLS and name != HOOK and not name.startswith(INTERNAL)
        }
        self.transform = _root_transform(settings, fidelity, f"{place}.fields", problems)
        self.batch_size = _batch_size(settings, row, fidelity, f"{place}.fields", problems)
        fields = [field for field in row.fields if field.name not in CONTROLS]
        if not fidelity.unknown_fields:
            known = [*(field.name for field in fields), *CONTROLS]
            problems.extend(unknown_fields(mapped, known, row.name, f"{place}.fields"))
        self.action = _action(settings, calls, fidelity, batched=self.batch_size > 0)
        defaults = [field.default for field in row.fields if field.name not in mapped]
        self.reads = frozenset(_paths(defaults) | _paths(mapped) | _paths(settings.fields.get(ROOT_DIRECTIVE)))
        """The paths that occur in the mapping."""
        mapped_or_audience = _with_audience_list(mapped, row, list_id)
        try:
            self.plan = compile_plan(
                fields, mapped_or_audience, fidelity, f"{place}.fields", batched=self.batch_size > 0
            )
        except ConfigError as error:
            problems.extend(error.problems)
        if problems:
            raise ConfigError(problems)

    def prepare(self, event: Event) -> Item:
        """Translate an event to what will be sent for it; raises `RejectEvent`."""
        try:
            payload = self.plan(event.payload if self.transform is None else self.transform(event.payload))
        except RecursionError:
            raise RejectEvent("the event is nested too deep to be mapped; flatten it") from None
        if not isinstance(payload, Partly):
            return self.action.prepare(payload, event)
        item = self.action.prepare(payload.value, event)
        item.notes = (*item.notes, *payload.notes)
        return item


def _root_transform(settings: MappingSettings, fidelity: Fidelity, place: str, problems: list[str]) -> Resolver | None:
    """Return what builds the event that the mapping reads; None for the event itself."""
    directive = settings.fields.get(ROOT_DIRECTIVE)
    if directive is None:
        return None
    try:
        return compile_root_transform(directive, fidelity, place)
    except ConfigError as error:
        problems.extend(error.problems)
        return None


def _action(settings: MappingSettings, calls: Calls, fidelity: Fidelity, *, batched: bool) -> Action:
    if settings.action == "upsertProfile":
        connected = settings.connected_list_id or dig(settings.fields, HOOK, "outputs", "id")
        return UpsertProfile(calls, fidelity, batched=batched, connected_list_id=connected)
    return _SIMPLE[settings.action](calls, fidelity, batched=batched)


def _trigger(
    settings: MappingSettings, row: ActionRow, fidelity: Fidelity, place: str, problems: list[str]
) -> tuple[Condition, str]:
    text = settings.trigger if settings.trigger is not None else (row.trigger or fidelity.remove_profile_trigger)
    try:
        return compile_trigger(text, fidelity)
    except ConfigError as error:
        problems.extend(f"{place}: {problem}" for problem in error.problems)
        return (lambda _event: False), ""


def _batch_size(settings: MappingSettings, row: ActionRow, fidelity: Fidelity, place: str, problems: list[str]) -> int:
    """Return how many events a batch takes, 0 where the mapping does not batch."""
    enabled = settings.fields.get("enable_batching")
    if enabled is None:
        enabled = bool(row.batch and row.batch.on and fidelity.default_batching)
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


def _with_audience_list(mapped: Mapping[str, Any], row: ActionRow, list_id: str | None) -> Mapping[str, Any]:
    """Add the setting `list_id` as the default list of an Engage action whose mapping has none."""
    if list_id is None or "list_id" in mapped or not any(field.audience for field in row.fields):
        return mapped
    own = path("$.context.personas.audience_settings.listId")
    return {**mapped, "list_id": {"@if": {"exists": own, "then": own, "else": list_id}}}


def _paths(node: Any) -> set[str]:
    """Return the paths that occur in a mapping, templates excluded."""
    if isinstance(node, str):
        return {node} if node.startswith("$.") else set()
    members = node.values() if isinstance(node, Mapping) else node if isinstance(node, (list, tuple)) else ()
    return {found for member in members for found in _paths(member)}
