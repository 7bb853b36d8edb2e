"""Compile a lookup table into a reader that goes once over the members an event has, not over all it might have."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from klavier.events.model import JsonObject
from klavier_rudderstack.nesting import put
from klavier_rudderstack.tables.profile import Table

Found = tuple[JsonObject, JsonObject]
"""The attributes found, by name, and the custom properties."""

Read = Callable[[JsonObject, AbstractSet[str]], Found]
"""Reads one payload; traits named in the set are no custom properties."""

_Rules = Mapping[str, tuple[str, int]]
"""By member: the attribute it may be (empty: none), and its rank among that attribute's places."""

_UNRANKED = 1 << 30
_NO_RULES: _Rules = {}


def compile_lookup(table: Table, own_traits: AbstractSet[str], without: AbstractSet[str] = frozenset()) -> Read:
    """Compile a table; `own_traits` are no custom properties, and the places `without` are not looked at.

    A member counts where it is neither null nor empty text, as in JavaScript's `value || value === 0 || value ===
    false`; among the places of one attribute the first in the table wins.
    """
    scopes = _by_scope(table, without)
    for scope in ("traits", "context.traits"):
        scopes[scope] = {**dict.fromkeys(own_traits, ("", 0)), **scopes.get(scope, {})}
    root = scopes.pop("", _NO_RULES)
    plain = [(tuple(scope.split(".")), rules) for scope, rules in scopes.items() if not scope.endswith("traits")]
    nested = [(path[-1], rules) for path, rules in plain if path[0] == "context" and len(path) == 2]  # noqa: PLR2004 -- context.X
    in_context = scopes.get("context", _NO_RULES)
    in_properties = scopes.get("properties", _NO_RULES)
    traits, address = scopes["traits"], scopes.get("traits.address", _NO_RULES)
    user_traits, user_address = scopes["context.traits"], scopes.get("context.traits.address", _NO_RULES)

    def read(payload: JsonObject, skip: AbstractSet[str]) -> Found:
        values: JsonObject = {}
        ranks: dict[str, int] = {}
        custom: JsonObject = {}
        _pick(payload, root, values, ranks)
        found = payload.get("traits")
        if found.__class__ is dict:
            _scan_traits(found, traits, own_traits, skip, values, ranks, custom)
            _scan(found.get("address"), address, values, ranks)
        context = payload.get("context")
        if context.__class__ is dict:
            _pick(context, in_context, values, ranks)
            found = context.get("traits")
            if found.__class__ is dict:
                _scan_traits(found, user_traits, own_traits, skip, values, ranks, custom)
                _scan(found.get("address"), user_address, values, ranks)
            for name, rules in nested:
                if name in context:
                    _scan(context[name], rules, values, ranks)
        _scan(payload.get("properties"), in_properties, values, ranks)
        return values, custom

    return read


def _by_scope(table: Table, without: AbstractSet[str]) -> dict[str, dict[str, tuple[str, int]]]:
    """Turn rows of places into rules by scope, such as `traits.address`."""
    scopes: dict[str, dict[str, tuple[str, int]]] = {}
    for attribute, *places in table:
        for rank, place in enumerate(places):
            scope, _, name = place.rpartition(".")
            if place not in without:
                scopes.setdefault(scope, {})[name] = (attribute, rank)
    return scopes


def _pick(source: JsonObject, rules: _Rules, values: JsonObject, ranks: dict[str, int]) -> None:
    """Look for each member of a short list of rules."""
    for name, (attribute, rank) in rules.items():
        value = source.get(name)
        if value is not None and value != "" and rank < ranks.get(attribute, _UNRANKED):
            ranks[attribute] = rank
            values[attribute] = value


def _scan(source: Any, rules: _Rules, values: JsonObject, ranks: dict[str, int]) -> None:
    """Go over the members of an object, whatever they are."""
    if source.__class__ is not dict:
        return
    for name, value in source.items():
        rule = rules.get(name)
        if rule is not None and value is not None and value != "" and rule[1] < ranks.get(rule[0], _UNRANKED):
            ranks[rule[0]] = rule[1]
            values[rule[0]] = value


def _scan_traits(  # noqa: PLR0913, PLR0917 -- the hot loop: everything it touches is a local name
    source: JsonObject,
    rules: _Rules,
    own_traits: AbstractSet[str],
    skip: AbstractSet[str],
    values: JsonObject,
    ranks: dict[str, int],
    custom: JsonObject,
) -> None:
    """Go over traits: each is an attribute, a custom property, or both."""
    for name, value in source.items():
        rule = rules.get(name)
        if rule is None:
            if name not in skip:
                put(custom, name, value)
            continue
        attribute, rank = rule
        if attribute and value is not None and value != "" and rank < ranks.get(attribute, _UNRANKED):
            ranks[attribute] = rank
            values[attribute] = value
        if name not in own_traits and name not in skip:
            put(custom, name, value)
