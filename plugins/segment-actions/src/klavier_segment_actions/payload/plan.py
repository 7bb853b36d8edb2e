"""From a mapping to the function that makes an action's payload from an event."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from klavier.errors import ConfigError
from klavier_segment_actions.fidelity import Differences
from klavier_segment_actions.mapping_kit import compile_mapping
from klavier_segment_actions.mapping_kit.compiler import has_directive
from klavier_segment_actions.mapping_kit.directives.lookups import key_of
from klavier_segment_actions.mapping_kit.missing import MISSING
from klavier_segment_actions.payload.checks import Check, Refused, check_of, room
from klavier_segment_actions.payload.fields import Field

Payload = dict[str, Any]
Planned = Callable[[dict[str, Any]], Payload | str]
"""From an event to the checked payload of an action, or to what is wrong with it as one line."""

_Take = Callable[[Any], Any]
"""From an event to a field's value, `MISSING` or `Refused`."""


def plan_of(
    fields: Sequence[Field], given: Mapping[str, Any], rules: Differences, place: str, *, batched: bool
) -> Planned:
    """Compile the mapping of an action's fields: `given`, and the defaults of those it does not name.

    Raises `ConfigError` with a line for each mistake in the mapping.
    """
    problems: list[str] = []
    steps: list[tuple[str, _Take]] = []
    needed: list[str] = []
    for field in fields:
        mapping = _mapping_of(field, given, rules)
        required = field.required and not (field.audience and rules.creates_lists)
        if mapping is None and field.name not in given and not required:
            continue
        try:
            take = _take(field, mapping, rules, f"{place}.{field.name}", keep_empty=rules.batch_leftovers and batched)
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        steps.append((field.name, take))
        if required:
            needed.append(field.name)
    if problems:
        raise ConfigError(problems)
    return _planned(steps, needed)


def _take(field: Field, mapping: Any, rules: Differences, place: str, *, keep_empty: bool) -> _Take:
    """Compile what a field takes from an event; a raw object of members is resolved and checked member by member."""
    if field.members and isinstance(mapping, dict) and not has_directive(mapping):
        return _members(field, mapping, rules, place)
    resolve = compile_mapping(mapping, rules, place)
    check = check_of(field, sendable=rules.sendable)
    if field.kind == "string" and not keep_empty:
        return _text(resolve, check, room(field), key_of(mapping))

    def take(event: Any) -> Any:
        value = resolve(event)
        return MISSING if value is MISSING or value is None else check(value)

    return take


def _text(resolve: Callable[[Any], Any], check: Check, unchecked: int, key: str | None) -> _Take:
    """Take a text that is not empty: most are taken as they are, being no longer than what is fit `unchecked`.

    With a `key` it is the event's member of that name, and there is no need to resolve anything.
    """
    if key is not None:

        def take_member(event: dict[str, Any]) -> Any:
            value = event.get(key)
            if type(value) is str and 0 < len(value) <= unchecked:
                return value
            return MISSING if value is None or value == "" else check(value)

        return take_member

    def take(event: Any) -> Any:
        value = resolve(event)
        if type(value) is str and 0 < len(value) <= unchecked:
            return value
        return MISSING if value is MISSING or value is None or value == "" else check(value)

    return take


def _members(field: Field, mapping: Mapping[str, Any], rules: Differences, place: str) -> _Take:
    """Take an object member by member; one that the field does not know passes, or goes, as the field says."""
    known = {member.name: member for member in field.members}
    problems: list[str] = []
    steps: list[tuple[str, _Take]] = []
    for name, node in mapping.items():
        member = known.get(name)
        try:
            resolve = compile_mapping(node, rules, f"{place}.{name}")
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        if member is not None:
            check = check_of(member, sendable=rules.sendable, place=field.name)
            drop_empty = rules.sendable and member.identifier
            simple = drop_empty and member.kind == "string" and not member.nullable
            steps.append(
                (name, _text(resolve, check, room(member), key_of(node)))
                if simple
                else (name, _member(resolve, check, nullable=member.nullable, drop_empty=drop_empty))
            )
        elif field.extra:
            steps.append((name, resolve))
    if problems:
        raise ConfigError(problems)

    def take(event: Any) -> Any:
        built: dict[str, Any] = {}
        refused = ""
        for name, take_member in steps:
            value = take_member(event)
            if value is MISSING:
                continue
            if type(value) is Refused:
                refused = f"{refused}; {value.problem}" if refused else value.problem
            else:
                built[name] = value
        return Refused(refused) if refused else built

    return take


def _member(resolve: Callable[[Any], Any], check: Check, *, nullable: bool, drop_empty: bool) -> _Take:
    def take(event: Any) -> Any:
        value = resolve(event)
        if value is MISSING or (value is None and not nullable) or (value == "" and drop_empty):
            return MISSING
        return check(value)

    return take


def unknown_fields(given: Mapping[str, Any], known: Sequence[str], action: str, place: str) -> list[str]:
    """Give a line for each field that the action does not have."""
    lines = []
    for name in given:
        if name in known:
            continue
        close = difflib.get_close_matches(str(name), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(known)}"
        lines.append(f"{place}.{name}: no field of {action}; {hint}")
    return lines


def _mapping_of(field: Field, given: Mapping[str, Any], rules: Differences) -> Any:
    """Give what fills a field: the settings, else the default; an event's profile has defaults for its members."""
    mapping = given.get(field.name, field.default)
    if field.name != "profile" or not rules.profile_default:
        return mapping
    defaults = {member.name: member.default for member in field.members if member.default is not None}
    if mapping is None:
        return defaults
    return {**defaults, **mapping} if isinstance(mapping, dict) and not has_directive(mapping) else mapping


def _planned(steps: Sequence[tuple[str, _Take]], needed: Sequence[str]) -> Planned:
    count = len(steps)

    def run(event: dict[str, Any]) -> Payload | str:
        payload: Payload = {}
        refused: dict[str, str] = {}
        for name, take in steps:
            value = take(event)
            if value is MISSING:
                continue
            if type(value) is Refused:
                refused[name] = value.problem
            else:
                payload[name] = value
        if len(payload) == count:
            return payload  # all there is, so all that is needed too
        for name in needed:
            if name not in payload:
                refused.setdefault(name, f"{name}: required, and the mapping gives none")
        return "; ".join(refused.values()) if refused else payload

    return run
