"""Directives that read the event: `@path`, `@arrayPath` and `@literal`."""

from typing import Any

from klavier.strictjson import kind_of
from klavier_segment_actions.javascript.missing import MISSING, cleaned
from klavier_segment_actions.mapping_kit.bounds import check_size
from klavier_segment_actions.mapping_kit.compiler import Compiler, Resolver, has_directive, mapping_error, nothing
from klavier_segment_actions.mapping_kit.options import check_text_or_directive
from klavier_segment_actions.mapping_kit.paths import reader, split_mapping_path


def path(compiler: Compiler, value: Any) -> Resolver:
    """Compile `@path`: the value at a path, which may itself be read from the event."""
    if isinstance(value, str):
        return _lookup(compiler, value)
    check_text_or_directive(compiler, value)
    if not has_directive(value):
        return nothing
    name, place = compiler.compile(value), compiler.place

    def read(event: Any) -> Any:
        found = name(event)
        if not isinstance(found, str):
            raise mapping_error(place, f"the path must resolve to a string, not {_kind(found)}")
        keys = split_mapping_path(_plain(found))
        return MISSING if keys is None else reader(keys)(event)

    return read


def array_path(compiler: Compiler, value: Any) -> Resolver:
    """Compile `@arrayPath`: `[path, shape]`, each item of the array mapped to the shape."""
    if not isinstance(value, (list, tuple)) or not value:
        return compiler.problem("must be an array of a path and a shape")
    shape = value[1] if len(value) > 1 else None
    has_shape = isinstance(shape, dict) and bool(shape)
    keep, place, is_nested = compiler.keep_missing, compiler.place, has_directive(value[0])
    with compiler.at(0), compiler.keeping_missing(keep=keep or has_shape):
        root = path(compiler, value[0]) if isinstance(value[0], str) else _root(compiler, value[0])
    with compiler.at(1):
        item = compiler.compile(shape)
    if not has_shape:
        return root

    def map_items(event: Any) -> Any:
        found = root(event)
        if not isinstance(found, (dict, list)):
            return found
        mapped = check_size(map(item, found if isinstance(found, list) else [found]), place)
        if keep:
            return mapped
        return cleaned(mapped) if is_nested else [None if each is MISSING else each for each in mapped]

    return map_items


def literal(compiler: Compiler, value: Any) -> Resolver:
    """Compile `@literal`: the value; directives in it are still resolved."""
    return compiler.compile(value)


def _root(compiler: Compiler, value: Any) -> Resolver:
    check_text_or_directive(compiler, value)
    return compiler.compile(value)


def _lookup(compiler: Compiler, text: str) -> Resolver:
    keys = split_mapping_path(_plain(text))
    if keys is None:
        return compiler.problem("the path has no key; write it like $.properties.name")
    return reader(keys)


def _plain(text: str) -> str:
    """Remove the first `$.`, wherever it occurs, as the implementation does."""
    return text.replace("$.", "", 1)


def _kind(value: Any) -> str:
    return "nothing" if value is MISSING else kind_of(value)
