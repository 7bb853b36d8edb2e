"""From a mapping to the function that makes an action's payload from an event."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from klavier.errors import ConfigError
from klavier_segment_actions.fidelity import Differences
from klavier_segment_actions.mapping_kit import compile_mapping
from klavier_segment_actions.mapping_kit.missing import MISSING
from klavier_segment_actions.payload.checks import Check, Refused, check_of
from klavier_segment_actions.payload.fields import Field

Payload = dict[str, Any]
Planned = Callable[[dict[str, Any]], Payload | str]
"""From an event to the checked payload of an action, or to what is wrong with it as one line."""

_Step = tuple[str, Callable[[Any], Any], Check, bool, bool]


def plan_of(
    fields: Sequence[Field], given: Mapping[str, Any], rules: Differences, place: str, *, batched: bool
) -> Planned:
    """Compile the mapping of an action's fields: `given`, and the defaults of those it does not name.

    Raises `ConfigError` with a line for each mistake in the mapping.
    """
    problems: list[str] = []
    steps: list[_Step] = []
    for field in fields:
        mapping = _mapping_of(field, given, rules)
        if mapping is None and field.name not in given:
            if field.required:
                steps.append((field.name, lambda _event: MISSING, lambda value: value, True, False))
            continue
        try:
            resolve = compile_mapping(mapping, rules, f"{place}.{field.name}")
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        required = field.required and not (field.audience and rules.creates_lists)
        strip = field.kind == "string" and not (rules.batch_leftovers and batched)
        steps.append((field.name, resolve, check_of(field, sendable=rules.sendable), required, strip))
    if problems:
        raise ConfigError(problems)
    return _planned(steps)


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
    raw = isinstance(mapping, dict) and not any(str(key).startswith("@") for key in mapping)
    return {**defaults, **mapping} if raw else mapping


def _planned(steps: Sequence[_Step]) -> Planned:
    def run(event: dict[str, Any]) -> Payload | str:
        payload: Payload = {}
        problems: list[str] = []
        for name, resolve, check, required, strip in steps:
            value = resolve(event)
            if value is MISSING or value is None or (strip and value == ""):
                if required:
                    problems.append(f"{name}: required, and the mapping gives none")
                continue
            value = check(value)
            if type(value) is Refused:
                problems.append(value.problem)
            elif value is not MISSING:
                payload[name] = value
        return "; ".join(problems) if problems else payload

    return run
