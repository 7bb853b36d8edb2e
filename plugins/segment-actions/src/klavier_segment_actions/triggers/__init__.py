"""Segment's trigger language: which events a mapping is for."""

from typing import Any

from klavier.errors import ConfigError
from klavier.strictjson import kind_of
from klavier.vendor import FidelityName
from klavier_segment_actions.fidelity import Differences, differences
from klavier_segment_actions.triggers import deployed, documented
from klavier_segment_actions.triggers.conditions import Condition
from klavier_segment_actions.triggers.tokens import TriggerProblem

__all__ = ["Condition", "compile_trigger", "matches_trigger"]


def compile_trigger(text: str, rules: Differences) -> tuple[Condition, str]:
    """Compile a trigger to a function of the event's payload; the empty one matches every event.

    With deployed rules, a trigger that Segment cannot read matches no event, and the second value says why.
    Raises `ConfigError` with the column otherwise.
    """
    if not text.strip():
        return (lambda _event: True), ""
    try:
        return (documented if rules.trigger_precedence else deployed).read_trigger(text), ""
    except TriggerProblem as problem:
        said = f"{problem.problem} (column {problem.place + 1})"
        if rules.broken_trigger_is_error:
            raise ConfigError(said) from None
        return (lambda _event: False), said


def matches_trigger(fql: str, event: Any, fidelity: FidelityName = "documented") -> bool:
    """Tell whether an event, a plain JSON object, matches a trigger.

    Raises `ConfigError` for a trigger that cannot be read, with its column; in deployed fidelity such a trigger, like
    the empty one, matches nothing.
    """
    if not isinstance(fql, str):
        raise ConfigError(f"a trigger must be a string, not {kind_of(fql)}")
    if not isinstance(event, dict):
        raise ConfigError(f"the event must be an object, not {kind_of(event)}")
    if fidelity == "deployed" and not fql.strip():
        return False
    return compile_trigger(fql, differences(fidelity))[0](event)
