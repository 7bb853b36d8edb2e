"""Segment's mapping kit: JSON that describes how to build JSON from an event, compiled once into functions."""

from typing import Any

from klavier.errors import ConfigError
from klavier.strictjson import kind_of
from klavier.vendor import FidelityName, RejectEvent
from klavier_segment_actions.fidelity import FIDELITIES, Fidelity
from klavier_segment_actions.javascript.missing import MISSING
from klavier_segment_actions.mapping_kit.compiler import Compiler, Resolver
from klavier_segment_actions.mapping_kit.directives import DIRECTIVES

__all__ = ["MISSING", "Resolver", "compile_mapping", "resolve_mapping"]


def compile_mapping(mapping: Any, fidelity: Fidelity, place: str = "") -> Resolver:
    """Compile a mapping; raises `ConfigError` with a line for each mistake, which names its path below `place`."""
    compiler = Compiler(DIRECTIVES, fidelity, place)
    resolver = compiler.compile(mapping)
    if compiler.problems:
        raise ConfigError(compiler.problems)
    return resolver


def resolve_mapping(mapping: Any, event: Any, fidelity: FidelityName = "documented") -> Any:
    """Apply a mapping to an event, both plain JSON values, and return the mapped value.

    A node that resolves to nothing is left out of objects, is null in arrays, and None as the whole result.
    Raises `ConfigError` with the path in the mapping, or where the event is no object.
    """
    if not isinstance(event, dict):
        raise ConfigError(f"the event must be an object, not {kind_of(event)}")
    try:
        value = compile_mapping(mapping, FIDELITIES[fidelity])(event)
    except RejectEvent as refusal:
        raise ConfigError(str(refusal)) from None
    except RecursionError:
        raise ConfigError("the event is nested too deep to be mapped; flatten it") from None
    return None if value is MISSING else value
