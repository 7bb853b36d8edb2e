"""From a mapping to the function that makes an action's payload from an event."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from klavier.errors import ConfigError
from klavier.strictjson import kind_of
from klavier_segment_actions.fidelity import Differences
from klavier_segment_actions.mapping_kit import Resolver, compile_mapping
from klavier_segment_actions.mapping_kit.compiler import has_directive
from klavier_segment_actions.mapping_kit.directives.lookups import path_of
from klavier_segment_actions.mapping_kit.missing import MISSING
from klavier_segment_actions.payload.checks import ANY, Check, Refused, check_of, plain_of
from klavier_segment_actions.payload.fields import Field
from klavier_segment_actions.payload.plain import PlainPlan, plain_plan
from klavier_segment_actions.payload.steps import Step, Take

KEEPING_EMPTY = ("string", "datetime")
"""The kinds of fields that may keep an empty text; for all others it says nothing, and goes in every batch too."""

Payload = dict[str, Any]
Planned = Callable[[dict[str, Any]], Payload | str]
"""From an event to the checked payload of an action, or to what is wrong with it as one line."""


def plan_of(
    fields: Sequence[Field], given: Mapping[str, Any], rules: Differences, place: str, *, batched: bool
) -> tuple[PlainPlan, Planned]:
    """Compile the mapping of an action's fields: `given`, and the defaults of those it does not name.

    The first function is for plain events, and the second for those that it leaves.
    Raises `ConfigError` with a line for each mistake in the mapping.
    """
    problems: list[str] = []
    steps: list[Step] = []
    needed: list[str] = []
    for field in fields:
        mapping = _mapping_of(field, given, rules)
        required = field.required and not (field.audience and rules.creates_lists)
        if mapping is None and field.name not in given and not required:
            continue
        try:
            step = _step(field, mapping, rules, f"{place}.{field.name}", keep_empty=rules.batch_leftovers and batched)
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        steps.append(step)
        if required:
            needed.append(field.name)
    if problems:
        raise ConfigError(problems)
    return plain_plan(steps, needed), _planned(steps, needed)


def _step(field: Field, mapping: Any, rules: Differences, place: str, *, keep_empty: bool) -> Step:
    """Compile what fills a field; a raw object of members is resolved and checked member by member."""
    if field.members and isinstance(mapping, dict) and not has_directive(mapping):
        return _members(field, mapping, rules, place)
    resolve = compile_mapping(mapping, rules, place)
    check, plain = check_of(field, sendable=rules.sendable), plain_of(field, sendable=rules.sendable)
    drop_empty = not keep_empty or field.kind not in KEEPING_EMPTY
    take = _take(resolve, check, nullable=False, drop_empty=drop_empty)
    return Step(field.name, take, resolve, path_of(mapping), plain, drop_empty=drop_empty)


def _members(field: Field, mapping: Mapping[str, Any], rules: Differences, place: str) -> Step:
    """Compile an object member by member; one that the field does not know passes, or goes, as the field says."""
    known = {member.name: member for member in field.members}
    problems: list[str] = []
    steps: list[Step] = []
    for name, node in mapping.items():
        if not isinstance(name, str):
            problems.append(f"{place}: a key must be a string, not {kind_of(name)}")
            continue
        member = known.get(name)
        try:
            resolve = compile_mapping(node, rules, f"{place}.{name}")
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        if member is not None:
            steps.append(_member(member, node, resolve, rules, field.name))
        elif field.extra:
            steps.append(Step(name, resolve, resolve, path_of(node), ANY, nullable=True))
    if problems:
        raise ConfigError(problems)
    return Step(field.name, _together(steps), members=tuple(steps))


def _member(member: Field, node: Any, resolve: Resolver, rules: Differences, within: str) -> Step:
    check = check_of(member, sendable=rules.sendable, place=within)
    plain = plain_of(member, sendable=rules.sendable)
    nullable, drop_empty = member.nullable, rules.sendable and member.identifier
    take = _take(resolve, check, nullable=nullable, drop_empty=drop_empty)
    return Step(member.name, take, resolve, path_of(node), plain, nullable=nullable, drop_empty=drop_empty)


def _take(resolve: Resolver, check: Check, *, nullable: bool, drop_empty: bool) -> Take:
    def take(event: Any) -> Any:
        value = resolve(event)
        if value is MISSING or (value is None and not nullable) or (value == "" and drop_empty):
            return MISSING
        return check(value)

    return take


def _together(steps: Sequence[Step]) -> Take:
    """Take an object of what steps give."""

    def take(event: Any) -> Any:
        built: dict[str, Any] = {}
        refused: list[str] = []
        for step in steps:
            value = step.take(event)
            if type(value) is Refused:
                refused.append(value.problem)
            elif value is not MISSING:
                built[step.name] = value
        return Refused("; ".join(refused)) if refused else built

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


def _planned(steps: Sequence[Step], needed: Sequence[str]) -> Planned:
    def run(event: dict[str, Any]) -> Payload | str:
        payload: Payload = {}
        refused: dict[str, str] = {}
        for step in steps:
            value = step.take(event)
            if type(value) is Refused:
                refused[step.name] = value.problem
            elif value is not MISSING:
                payload[step.name] = value
        for name in needed:
            if name not in payload:
                refused.setdefault(name, f"{name}: required, and the mapping gives none")
        return "; ".join(refused.values()) if refused else payload

    return run
