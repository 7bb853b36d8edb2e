"""Segment's mapping kit: JSON that says how to make JSON from an event, compiled once into functions."""

from typing import Any

from klavier.errors import ConfigError
from klavier.strictjson import kind_of
from klavier.vendor import FidelityName
from klavier_segment_actions.fidelity import Differences, differences
from klavier_segment_actions.mapping_kit.compiler import Compiler, Resolver
from klavier_segment_actions.mapping_kit.directives import DIRECTIVES
from klavier_segment_actions.mapping_kit.missing import MISSING

__all__ = ["MISSING", "Resolver", "compile_mapping", "resolve_mapping"]


def compile_mapping(mapping: Any, rules: Differences, place: str = "") -> Resolver:
    """Compile a mapping; raises `ConfigError` with a line for each mistake, its place under `place` first."""
    compiler = Compiler(DIRECTIVES, rules, place)
    resolver = compiler.compile(mapping)
    if compiler.problems:
        raise ConfigError(compiler.problems)
    return resolver


def resolve_mapping(mapping: Any, event: Any, fidelity: FidelityName = "documented") -> Any:
    """Apply a mapping to an event, both plain JSON values; gives the mapped value.

    What resolves to nothing is left out of objects, is null in arrays, and None as the whole result.
    Raises `ConfigError` that names the place in the mapping, or says that the event is no object.
    """
    if not isinstance(event, dict):
        raise ConfigError(f"the event must be an object, not {kind_of(event)}")
    try:
        value = compile_mapping(mapping, differences(fidelity))(event)
    except RecursionError:
        raise ConfigError("the event is nested too deep to be mapped; flatten it") from None
    return None if value is MISSING else value
