"""A migration as a `klavier.toml` that is ready to use, with a comment where a person has to look."""

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import tomlkit
from tomlkit.items import AoT, Item, Table

from klavier.migration.portable import Decision
from klavier.migration.terms import plain

if TYPE_CHECKING:
    from klavier.migration.model import Migration

_WIDTH = 100
"""Columns of a comment."""
_LONG = 80
"""Characters from which a list gets a line for each of its members."""


def written(migration: "Migration") -> str:
    """Write the configuration: the vendor, the keys as references, the settings, and a comment at each decision."""
    document = tomlkit.document()
    document.add(tomlkit.comment("klavier.toml"))
    document["vendor"] = migration.target
    if migration.klaviyo:
        klaviyo = tomlkit.table()
        klaviyo.update(migration.klaviyo)
        document["klaviyo"] = klaviyo
    section = _table(plain(migration.settings), list(migration.decisions))
    if section:
        vendors = tomlkit.table(is_super_table=True)
        vendors.append(migration.target, section)
        document["vendors"] = vendors
    return tomlkit.dumps(document)


def comment_lines(text: str) -> list[str]:
    """Wrap a text for comments."""
    return textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _table(data: Mapping[str, Any], decisions: list[Decision]) -> Table:
    """Write one table: comments, plain settings with their comments, then lists of tables such as mappings."""
    table = tomlkit.table()
    inner = {name: value for name, value in data.items() if _is_tables(value)}
    for name in sorted({each.place for each in decisions if _root(each.place) not in data}):
        _comment(table, decisions, name)
    for name, value in data.items():
        if name not in inner:
            _comment(table, decisions, name)
            _add(table, (name,), value)
    for name, rows in inner.items():
        table.append(name, _rows(name, rows, decisions))
    return table


def _rows(name: str, rows: list[Mapping[str, Any]], decisions: list[Decision]) -> AoT:
    found = tomlkit.aot()
    for index, row in enumerate(rows):
        table = tomlkit.table()
        _comment(table, decisions, f"{name}[{index}]")
        for member, value in row.items():
            _comment(table, decisions, f"{name}[{index}].{member}")
            _add(table, (member,), value)
        found.append(table)
    return found


def _comment(table: Table, decisions: list[Decision], place: str) -> None:
    for decision in decisions:
        if decision.place == place:
            for line in comment_lines(f"decide: {decision.text}"):
                table.add(tomlkit.comment(line))


def _add(table: Table, key: tuple[str, ...], value: Any) -> None:
    """Add a value under a dotted key, a nested table member by member; TOML has no null, so that one is left out."""
    if isinstance(value, Mapping) and value:
        for name, member in value.items():
            _add(table, (*key, name), member)
    elif value is not None:
        table.append(tomlkit.key(list(key)), _item(value))


def _item(value: Any) -> Item | Any:
    """Make a value; long lists get a line for each member."""
    if isinstance(value, str):
        return tomlkit.string(value, literal='"' in value and "'" not in value and value.isprintable())
    if not isinstance(value, list):
        return tomlkit.item(_without_nulls(value))
    array = tomlkit.array()
    array.extend(_without_nulls(value))
    return array.multiline(len(array.as_string()) > _LONG)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        inline = tomlkit.inline_table()
        inline.update({name: _without_nulls(member) for name, member in value.items() if member is not None})
        return inline
    return [_without_nulls(item) for item in value if item is not None] if isinstance(value, list) else value


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, Mapping) for row in value)


def _root(place: str) -> str:
    return place.partition(".")[0].partition("[")[0]
