"""Compile a lookup table into a reader that goes once over the members an event has, not over all it might have."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from klavier.events.model import Event, JsonObject
from klavier_rudderstack.nesting import put
from klavier_rudderstack.tables.profile import LOCATION, Table

Rule = tuple[str, int, bool, bool]
"""What a member may be: the attribute (empty: none), its rank among that attribute's places, whether the attribute is
one of the location, whether the member is a custom property as well."""

Found = tuple[JsonObject, JsonObject, JsonObject, list[str]]
"""Attributes, those of the location, custom properties, and the names of what deserves a second look: attributes that
were found to be no text, and traits that are neither attributes nor properties."""

Read = Callable[[Event], Found]

_Rules = Mapping[str, Rule]
_NO_RULES: _Rules = {}
_USER = "context.traits"


def compile_lookup(  # noqa: C901 -- what it makes goes over an event in one long pass, place by place
    table: Table, own_traits: AbstractSet[str], without: AbstractSet[str] = frozenset(), *, dots_nest: bool = False
) -> Read:
    """Compile a table; `own_traits` are no custom properties, and the places `without` are not looked at.

    With `dots_nest` a dot in a trait's name nests its property.

    A member counts where it is neither null nor empty text, as in JavaScript's `value || value === 0 || value ===
    false`; among the places of one attribute the first in the table wins.
    """
    scopes = _by_scope(table, own_traits, without)
    root, in_context = tuple(scopes.get("", {}).items()), tuple(scopes.get("context", {}).items())
    in_properties = scopes.get("properties", _NO_RULES)
    own, users = scopes["traits"], scopes[_USER]
    address, user_address = scopes.get("traits.address", _NO_RULES), scopes.get(f"{_USER}.address", _NO_RULES)
    nested = tuple((name, scopes[f"context.{name}"]) for name in ("address", "location") if f"context.{name}" in scopes)

    def read(event: Event) -> Found:  # noqa: C901 -- the long pass itself
        payload, context = event.payload, event.context
        found: Found = ({}, {}, {}, [])
        ranks: dict[str, int] = {}
        for name, rule in root:
            if name in payload:
                _take(payload[name], rule, found, ranks)
        traits = payload.get("traits")
        if traits.__class__ is dict:
            _scan_traits(traits, own, found, ranks)
            if "address" in traits:
                _scan(traits["address"], address, found, ranks)
        traits = context.get("traits")
        if traits.__class__ is dict:
            _scan_traits(traits, users, found, ranks)
            if "address" in traits:
                _scan(traits["address"], user_address, found, ranks)
        for name, rule in in_context:
            if name in context:
                _take(context[name], rule, found, ranks)
        for name, rules in nested:
            if name in context:
                _scan(context[name], rules, found, ranks)
        if "properties" in payload:
            _scan(payload["properties"], in_properties, found, ranks)
        if dots_nest and "." in "".join(found[2]):
            return found[0], found[1], custom_properties(event, own_traits, dots_nest=True), found[3]
        return found

    return read


def custom_properties(event: Event, own_traits: AbstractSet[str], *, dots_nest: bool) -> JsonObject:
    """Give the custom properties alone, where traits are known to be left out that are attributes all the same."""
    custom: JsonObject = {}
    for traits in (event.payload.get("traits"), event.context.get("traits")):
        for name, value in traits.items() if isinstance(traits, dict) else ():
            if name not in own_traits:
                put(custom, name, value, nests=dots_nest)
    return custom


def _by_scope(table: Table, own_traits: AbstractSet[str], without: AbstractSet[str]) -> dict[str, dict[str, Rule]]:
    """Turn rows of places into rules by scope, such as `traits.address`."""
    own: dict[str, Rule] = dict.fromkeys(own_traits, ("", 0, False, False))
    scopes: dict[str, dict[str, Rule]] = {"traits": dict(own), _USER: dict(own)}
    for attribute, *places in table:
        for rank, place in enumerate(places):
            scope, _, name = place.rpartition(".")
            if place not in without:
                custom = scope in ("traits", _USER) and name not in own_traits
                scopes.setdefault(scope, {})[name] = (attribute, rank, attribute in LOCATION, custom)
    return scopes


def _take(value: Any, rule: Rule, found: Found, ranks: dict[str, int]) -> None:
    """Take a value for an attribute, unless a better place has one; the best place of all has no rank noted."""
    if not value and (value is None or value == ""):
        return
    attribute, rank, inside, _ = rule
    target = found[1] if inside else found[0]
    if attribute in target and ranks.get(attribute, 0) <= rank:
        return
    target[attribute] = value
    ranks[attribute] = rank
    if value.__class__ is not str:
        found[3].append(attribute)


def _scan(source: Any, rules: _Rules, found: Found, ranks: dict[str, int]) -> None:
    """Go over the members of what may be an object."""
    if source.__class__ is dict:
        for name in source:
            if name in rules:
                _take(source[name], rules[name], found, ranks)


def _scan_traits(source: JsonObject, rules: _Rules, found: Found, ranks: dict[str, int]) -> None:
    """Go over traits: each is an attribute, a custom property, or both.

    The hottest loop of the package: it does what `_take` does without calling it.
    """
    attributes, location, custom, odd = found
    for name, value in source.items():
        if name not in rules:
            custom[name] = value
            continue
        attribute, rank, inside, is_custom = rules[name]
        if is_custom:
            custom[name] = value
        if not value and (value is None or value == ""):
            continue
        if value.__class__ is not str or not attribute:
            odd.append(attribute or name)
        if not attribute:
            continue
        target = location if inside else attributes
        if attribute not in target:
            target[attribute] = value
            if rank:
                ranks[attribute] = rank
        elif rank < ranks.get(attribute, 0):
            target[attribute] = value
            ranks[attribute] = rank
