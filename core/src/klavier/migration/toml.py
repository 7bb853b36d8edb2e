"""A migration as a `klavier.toml` that is ready to use, with a comment where a person has to look.

tomlkit writes keys and values; the lines are put together here, since its tables take seconds for the dotted keys of
nested mappings.
"""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tomlkit

from klavier.migration.portable import Decision

_WIDTH = 100
"""Columns of a comment."""
_LONG = 80
"""Characters from which a list gets a line for each of its members."""


def write_toml(
    vendor: str, klaviyo: Mapping[str, str], settings: Mapping[str, Any], decisions: Sequence[Decision]
) -> str:
    """Return the configuration: the vendor, the keys as references, the settings, and a comment at each decision."""
    lines = ["# klavier.toml", f"vendor = {_inline(vendor)}"]
    if klaviyo:
        lines += [
            "",
            "[klaviyo]",
            *(f"{_key((name,))} = {_inline(value)}" for name, value in klaviyo.items()),
        ]
    lines += _section(("vendors", vendor), settings, decisions)
    return "\n".join([*lines, ""])


def _section(header: tuple[str, ...], data: Mapping[str, Any], decisions: Sequence[Decision]) -> Iterator[str]:
    """Write one vendor's table: comments, plain settings with theirs, then lists of tables such as mappings."""
    rows = {name: value for name, value in data.items() if _is_tables(value)}
    body: list[str] = []
    for place in sorted({each.place for each in decisions if _root(each.place) not in data}):
        body += _comments(decisions, place)
    for name, value in data.items():
        if name not in rows:
            body += [*_comments(decisions, name), *_lines((name,), value)]
    if body:
        yield from ("", f"[{_key(header)}]", *body)
    for name, members in rows.items():
        for index, row in enumerate(members):
            yield from ("", f"[[{_key((*header, name))}]]", *_comments(decisions, f"{name}[{index}]"))
            for member, value in row.items():
                yield from (*_comments(decisions, f"{name}[{index}].{member}"), *_lines((member,), value))


def _comments(decisions: Sequence[Decision], place: str) -> Iterator[str]:
    for decision in decisions:
        if decision.place == place:
            text = f"decide: {decision.text}"
            for line in textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False):
                yield f"# {line}"


def _lines(key: tuple[str, ...], value: Any) -> Iterator[str]:
    """Write a value under a dotted key, a nested table member by member; TOML has no null, so that one is left out."""
    if isinstance(value, Mapping) and value:
        for name, member in value.items():
            yield from _lines((*key, name), member)
    elif value is not None:
        text = _inline(value)
        if isinstance(value, list) and len(text) > _LONG:
            text = "\n".join(["[", *(f"    {_inline(item)}," for item in value if item is not None), "]"])
        yield f"{_key(key)} = {text}"


def _key(names: Sequence[str]) -> str:
    return ".".join(tomlkit.key(name).as_string() for name in names)


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        members = (f"{_key((name,))} = {_inline(member)}" for name, member in value.items() if member is not None)
        return "{ " + ", ".join(members) + " }" if value else "{}"
    if isinstance(value, list):
        return f"[{', '.join(_inline(item) for item in value if item is not None)}]"
    if isinstance(value, str):
        return tomlkit.string(value, literal='"' in value and "'" not in value and value.isprintable()).as_string()
    text: str = tomlkit.item(value).as_string()
    return text


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, Mapping) for row in value)


def _root(place: str) -> str:
    return place.partition(".")[0].partition("[")[0]
