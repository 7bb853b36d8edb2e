"""From a mapping to the function that builds an action's payload from an event."""

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from klavier.errors import ConfigError
from klavier.strictjson import kind_of
from klavier.vendor import RejectEvent
from klavier_segment_actions.fidelity import Fidelity
from klavier_segment_actions.javascript.missing import MISSING
from klavier_segment_actions.mapping_kit import Resolver, compile_mapping
from klavier_segment_actions.mapping_kit.compiler import has_directive
from klavier_segment_actions.payload.checks import Check, check_of
from klavier_segment_actions.payload.fields import Field, Partly

KEEPING_EMPTY = ("string", "datetime")
"""The kinds of fields that keep an empty string where batches do; in all others it is left out."""

Payload = dict[str, Any]
Plan = Callable[[dict[str, Any]], Payload | Partly]
"""From an event to the checked payload of an action, with the notes about what it lacks.

Raises `RejectEvent` with every wrong field.
"""

Step = tuple[str, Callable[[Any], Any]]
"""Fills one field of a payload, or one member of an object in it: its name, and a function of the event.

That returns the value, or `MISSING` to leave the field out, and raises `RejectEvent`.
"""


def compile_plan(
    fields: Sequence[Field], mapped: Mapping[str, Any], fidelity: Fidelity, place: str, *, batched: bool
) -> Plan:
    """Compile the mapping of an action's fields: those in `mapped`, and the defaults of the others.

    Raises `ConfigError` with a line for each mistake in the mapping.
    """
    problems: list[str] = []
    steps: list[Step] = []
    required: list[str] = []
    for field in fields:
        mapping = _mapping_of(field, mapped, fidelity)
        is_required = field.required and not (field.audience and fidelity.creates_lists)
        if mapping is None and field.name not in mapped and not is_required:
            continue
        keep_empty = fidelity.batch_leftovers and batched and field.kind in KEEPING_EMPTY
        try:
            steps.append(_step(field, mapping, fidelity, f"{place}.{field.name}", keep_empty=keep_empty))
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        if is_required:
            required.append(field.name)
    if problems:
        raise ConfigError(problems)
    return _object_of(steps, required)


def unknown_fields(names: Collection[str], known: Sequence[str], action: str, place: str) -> list[str]:
    """Return a line for each field that the action does not have."""
    lines = []
    for name in names:
        if name in known:
            continue
        close = difflib.get_close_matches(str(name), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(known)}"
        lines.append(f"{place}.{name}: no field of {action}; {hint}")
    return lines


def _mapping_of(field: Field, mapped: Mapping[str, Any], fidelity: Fidelity) -> Any:
    """Return the mapping of a field: from the settings, else its default.

    The members of an event's profile have defaults of their own.
    """
    mapping = mapped.get(field.name, field.default)
    if field.name != "profile" or not fidelity.profile_default:
        return mapping
    defaults = {member.name: member.default for member in field.members if member.default is not None}
    if mapping is None:
        return defaults
    return {**defaults, **mapping} if isinstance(mapping, dict) and not has_directive(mapping) else mapping


def _step(field: Field, mapping: Any, fidelity: Fidelity, place: str, *, keep_empty: bool) -> Step:
    """Compile one field; an object without a directive is resolved and checked member by member."""
    if field.members and isinstance(mapping, dict) and not has_directive(mapping):
        return field.name, _object_of(_members(field, mapping, fidelity, place))
    resolve = compile_mapping(mapping, fidelity, place)
    check = check_of(field, fidelity)
    return field.name, _checked(resolve, check, nullable=False, keep_empty=keep_empty)


def _members(field: Field, mapping: Mapping[str, Any], fidelity: Fidelity, place: str) -> list[Step]:
    """Compile an object's members; one that the field does not know passes or is dropped, as the field declares."""
    known = {member.name: member for member in field.members}
    problems: list[str] = []
    steps: list[Step] = []
    for name, node in mapping.items():
        if not isinstance(name, str):
            problems.append(f"{place}: a key must be a string, not {kind_of(name)}")
            continue
        try:
            resolve = compile_mapping(node, fidelity, f"{place}.{name}")
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        member = known.get(name)
        if member is not None:
            check = check_of(member, fidelity, field.name)
            keep_empty = not (fidelity.drops_empty_identifiers and member.identifier)
            steps.append((name, _checked(resolve, check, nullable=member.nullable, keep_empty=keep_empty)))
        elif field.extra:
            steps.append((name, resolve))
        else:
            note = f"{field.name}.{name} left out: {field.name} has no such member"
            steps.append((name, _left_out(resolve, note)))
    if problems:
        raise ConfigError(problems)
    return steps


def _checked(resolve: Resolver, check: Check, *, nullable: bool, keep_empty: bool) -> Callable[[Any], Any]:
    def take(event: Any) -> Any:
        value = resolve(event)
        if value is MISSING or (value is None and not nullable) or (value == "" and not keep_empty):
            return MISSING
        return check(value)

    return take


def _left_out(resolve: Resolver, note: str) -> Callable[[Any], Any]:
    """Return what fills no member, and notes a value that the mapping resolves to."""

    def take(event: Any) -> Any:
        value = resolve(event)
        return MISSING if value is MISSING or value is None or value == "" else Partly(MISSING, (note,))

    return take


def _object_of(steps: Sequence[Step], required: Sequence[str] = ()) -> Plan:
    """Build an object from its steps; the error names every wrong or missing member, in their order."""

    def build(event: dict[str, Any]) -> Payload | Partly:
        built: Payload = {}
        problems: dict[str, str] = {}
        notes: tuple[str, ...] = ()
        for name, take in steps:
            try:
                value = take(event)
            except RejectEvent as refusal:
                problems[name] = str(refusal)
            else:
                if value.__class__ is Partly:
                    notes, value = notes + value.notes, value.value
                if value is not MISSING:
                    built[name] = value
        for name in required:
            if name not in built:
                problems.setdefault(name, f"{name}: required, and the mapping resolves to nothing")
        if problems:
            raise RejectEvent("; ".join(problems.values()))
        return Partly(built, notes) if notes else built

    return build
