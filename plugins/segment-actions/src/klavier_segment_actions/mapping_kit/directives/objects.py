"""Directives that build and reshape objects: `@merge`, `@flatten`, `@transform` and `@json`."""

from collections.abc import Iterator
from typing import Any

import orjson

from klavier.errors import EventError
from klavier.jsvalues import truthy
from klavier.strictjson import find_fault, kind_of
from klavier_segment_actions.javascript.missing import MISSING, cleaned
from klavier_segment_actions.javascript.values import spread, to_json
from klavier_segment_actions.mapping_kit.bounds import check_length, check_size
from klavier_segment_actions.mapping_kit.compiler import Compiler, Resolver, has_directive, mapping_error, nothing
from klavier_segment_actions.mapping_kit.options import as_object, check_boolean, check_choice, require


def merge(compiler: Compiler, value: Any) -> Resolver:
    """Compile `@merge`: a shallow merge; the last object wins (`right`) or the first (`left`)."""
    options = as_object(compiler, value)
    if options is None or not require(compiler, options, "direction"):
        return nothing
    check_choice(compiler, options, "direction", "left", "right")
    objects = options.get("objects")
    if not isinstance(objects, list):
        return compiler.problem("requires 'objects', an array of objects and directives; add it")
    parts = []
    with compiler.keeping_missing(keep=True), compiler.at("objects"):
        for index, part in enumerate(objects):
            with compiler.at(index):
                if not isinstance(part, dict):
                    compiler.problem(f"must be an object or a directive, not {kind_of(part)}")
                parts.append(compiler.compile(part))
    if options["direction"] == "left":
        parts.reverse()
    keep = compiler.keep_missing

    def build(event: Any) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for part in parts:
            merged.update(spread(part(event)))
        return merged if keep else cleaned(merged)

    return build


def flatten(compiler: Compiler, value: Any) -> Resolver:
    """Compile `@flatten`: nested members become members of one object, their keys joined by `separator`."""
    options = as_object(compiler, value)
    if options is None or not require(compiler, options, "separator"):
        return nothing
    check_boolean(compiler, options, "omitArrays")
    separator = compiler.member(options, "separator")
    with compiler.keeping_missing(keep=True):  # a missing item of an array has no key of its own
        subject = compiler.member(options, "value")
    if not isinstance(options["separator"], str) and not has_directive(options["separator"]):
        with compiler.at("separator"):
            compiler.problem("must be a string or a directive")
    if "value" not in options:
        compiler.problem("requires 'value'; add it")
    containers = dict if options.get("omitArrays") else (dict, list)
    place, keep = compiler.place, compiler.keep_missing

    def flat(event: Any) -> dict[str, Any]:
        joint = separator(event)
        if not isinstance(joint, str):
            raise mapping_error(place, "the separator must resolve to a string")
        found = subject(event)
        if found is MISSING:
            return {}
        leaves: dict[str, Any] = {}
        length = 0
        for key, leaf in _leaves(found, "", joint, containers):
            length += len(key)
            check_length(length, place)
            leaves[key] = leaf
        return leaves if keep else cleaned(leaves)

    return flat


def transform(compiler: Compiler, value: Any) -> Resolver:
    """Compile `@transform`: `apply` builds a new event, and `mapping` reads only that."""
    options = as_object(compiler, value)
    if options is None or not require(compiler, options, "apply", "mapping"):
        return nothing
    if not isinstance(options["apply"], dict):
        with compiler.at("apply"):
            compiler.problem(f"must be an object, not {kind_of(options['apply'])}")
    with compiler.keeping_missing(keep=False):
        apply = compiler.member(options, "apply")
    mapping, place = compiler.member(options, "mapping"), compiler.place
    return lambda event: mapping(check_size([apply(event)], place)[0])


def json_(compiler: Compiler, value: Any) -> Resolver:
    """Compile `@json`: `encode` serializes, `decode` parses; a string that is not JSON stays unchanged."""
    options = as_object(compiler, value)
    if options is None or not require(compiler, options, "mode"):
        return nothing
    check_choice(compiler, options, "mode", "encode", "decode")
    if not truthy(options.get("value")):
        return compiler.problem("requires 'value'; add it")
    with compiler.keeping_missing(keep=False):
        subject = compiler.member(options, "value")
    if options["mode"] == "encode":
        return lambda event: to_json(subject(event))
    if options["mode"] != "decode":  # accepted in any case, but recognized in lower case only
        return nothing
    place = compiler.place
    return lambda event: _decoded(subject(event), place)


def _leaves(value: Any, prefix: str, separator: str, containers: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, containers):
        yield prefix, value
        return
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in members:
        yield from _leaves(item, f"{prefix}{separator}{key}" if prefix else str(key), separator, containers)


def _decoded(value: Any, place: str) -> Any:
    if not isinstance(value, str):
        return value
    try:
        read = orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
    try:
        find_fault(read)
    except EventError as error:
        raise mapping_error(place, f"the JSON text contains what cannot be sent: {error.problem}") from None
    return read
