"""Segment's mapping kit: JSON that describes how to build JSON from an event, compiled once into functions."""

from typing import Any

from klavier.errors import ConfigError
from klavier.strictjson import kind_of
from klavier.vendor import FidelityName, RejectEvent
from klavier_segment_actions.fidelity import FIDELITIES, Fidelity
from klavier_segment_actions.javascript.missing import MISSING
from klavier_segment_actions.mapping_kit.compiler import Compiler, Resolver
from klavier_segment_actions.mapping_kit.directives import DIRECTIVES

__all__ = ["MISSING", "ROOT_DIRECTIVE", "Resolver", "compile_mapping", "compile_root_transform", "resolve_mapping"]


ROOT_DIRECTIVE = "__segment_internal_directive"
"""The key, at the root of exported mappings, of a `@transform` whose result the rest of the mapping reads."""


def compile_mapping(mapping: Any, fidelity: Fidelity, place: str = "") -> Resolver:
    """Compile a mapping; raises `ConfigError` with a line for each mistake, which names its path below `place`."""
    compiler = Compiler(DIRECTIVES, fidelity, place)
    if isinstance(mapping, dict) and ROOT_DIRECTIVE in mapping:
        mapping = dict(mapping)
        transform = _root_transform(compiler, mapping.pop(ROOT_DIRECTIVE))
        resolver = compiler.compile(mapping)
    else:
        transform, resolver = None, compiler.compile(mapping)
    if compiler.problems:
        raise ConfigError(compiler.problems)
    return resolver if transform is None else lambda event: resolver(transform(event))


def compile_root_transform(directive: Any, fidelity: Fidelity, place: str) -> Resolver:
    """Compile a root directive to the function that builds the event which the mapping reads."""
    compiler = Compiler(DIRECTIVES, fidelity, place)
    transform = _root_transform(compiler, directive)
    if compiler.problems:
        raise ConfigError(compiler.problems)
    return transform


def _root_transform(compiler: Compiler, directive: Any) -> Resolver:
    """Compile `{"@transform": {"apply": ...}}`; its `mapping`, if there is one, is the event itself."""
    with compiler.at(ROOT_DIRECTIVE):
        options = directive.get("@transform") if isinstance(directive, dict) and len(directive) == 1 else None
        if not isinstance(options, dict):
            return compiler.problem("must be a @transform directive")
        return compiler.compile({"@transform": {"mapping": {"@path": "$."}, **options}})


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
