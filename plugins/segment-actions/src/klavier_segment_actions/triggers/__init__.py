"""Segment's trigger language (FQL): which events a mapping matches."""

from typing import Any

from klavier.errors import ConfigError
from klavier.strictjson import kind_of
from klavier.vendor import FidelityName
from klavier_segment_actions.fidelity import FIDELITIES, Fidelity
from klavier_segment_actions.triggers import deployed, documented
from klavier_segment_actions.triggers.conditions import Condition
from klavier_segment_actions.triggers.tokens import TriggerError

__all__ = ["Condition", "compile_trigger", "matches_trigger"]


def compile_trigger(text: str, fidelity: Fidelity) -> tuple[Condition, str]:
    """Compile a trigger to a function of the event's payload; the empty trigger matches every event.

    In deployed fidelity a trigger that Segment cannot parse matches no event, and the second value is the reason.
    Otherwise it raises `ConfigError` with the column.
    """
    if not text.strip():
        return (lambda _event: True), ""
    try:
        return (documented if fidelity.trigger_precedence else deployed).read_trigger(text), ""
    except TriggerError as problem:
        reason = f"{problem.problem} (column {problem.place + 1})"
        if fidelity.broken_trigger_is_error:
            raise ConfigError(reason) from None
        return (lambda _event: False), reason


def matches_trigger(fql: str, event: Any, fidelity: FidelityName = "documented") -> bool:
    """Return whether an event, a plain JSON object, matches a trigger.

    Raises `ConfigError` with the column for a trigger that cannot be parsed; in deployed fidelity such a trigger, and
    the empty one, matches nothing.
    """
    if not isinstance(fql, str):
        raise ConfigError(f"a trigger must be a string, not {kind_of(fql)}")
    if not isinstance(event, dict):
        raise ConfigError(f"the event must be an object, not {kind_of(event)}")
    if fidelity == "deployed" and not fql.strip():
        return False
    return compile_trigger(fql, FIDELITIES[fidelity])[0](event)
