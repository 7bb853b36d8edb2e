"""Compile a lookup table into a reader that goes once over the members an event has, not over all it might have."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from klavier.events.model import Event, JsonObject
from klavier.jsvalues import dig
from klavier_rudderstack.nesting import put
from klavier_rudderstack.tables.profile import LOCATION, Table

Rule = tuple[str, bool, bool]
"""What a member may be: the attribute (empty: none), whether that is one of the location, and whether the places that
are read before this one are all better ones."""

Found = tuple[JsonObject, JsonObject, JsonObject, list[str]]
"""Attributes, those of the location, custom properties, and the names of what deserves a second look: attributes that
were found to be no text, traits that are neither attributes nor properties, and holders of traits that are no
objects."""

Read = Callable[[Event], Found]

_Rules = Mapping[str, Rule]
_Place = tuple[str, ...]
_NO_RULES: _Rules = {}
_USER = "context.traits"
_READ_FROM = ("", "traits", "traits.address", _USER, f"{_USER}.address", "context", "context.address",
              "context.location", "properties")  # fmt: skip
"""Where `_Lookup.read` looks, in its order."""


def compile_lookup(
    table: Table, own_traits: AbstractSet[str], without: AbstractSet[str] = frozenset(), *, dots_nest: bool = False
) -> Read:
    """Compile a table; `own_traits` are no custom properties, and the places `without` are not looked at.

    With `dots_nest` a dot in a trait's name nests its property.

    A member counts where it is neither null nor empty text, as in JavaScript's `value || value === 0 || value ===
    false`; among the places of one attribute the first in the table wins.
    """
    read = _Lookup(table, own_traits, without).read
    if not dots_nest:
        return read

    def read_nested(event: Event) -> Found:
        found = read(event)
        if "." in "".join(found[2]):
            return found[0], found[1], custom_properties(event, own_traits, dots_nest=True), found[3]
        return found

    return read_nested


class _Lookup:
    """A compiled table.

    Values are taken as they come.  Only where an attribute is met a second time, at a place that may be better than
    the first, the table itself is asked for the best; so nothing has to be remembered of where a value came from.
    """

    def __init__(self, table: Table, own_traits: AbstractSet[str], without: AbstractSet[str]) -> None:
        self._places: dict[str, tuple[_Place, ...]] = {
            attribute: tuple(tuple(place.split(".")) for place in places if place not in without)
            for attribute, *places in table
        }
        scopes = _by_scope(table, without)
        self._root, self._context = tuple(scopes[""].items()), tuple(scopes["context"].items())
        self._properties, self._own, self._user = scopes["properties"], scopes["traits"], scopes[_USER]
        self._address, self._user_address = scopes["traits.address"], scopes[f"{_USER}.address"]
        self._nested = [(name, scopes[f"context.{name}"]) for name in ("address", "location")]
        named = self._own.keys() | self._user.keys()
        self._set_apart = own_traits - named
        """Traits that are neither attributes nor custom properties."""
        self._also_custom = named - own_traits
        """Traits that are an attribute and a custom property as well."""

    def read(self, event: Event) -> Found:  # noqa: C901, PLR0912 -- one pass over an event, place by place
        """Go over an event, place by place."""
        payload, context = event.payload, event.context
        found: Found = ({}, {}, {}, [])
        for name, rule in self._root:
            if name in payload:
                self._take(payload[name], rule, found, event)
        traits = payload.get("traits")
        if traits.__class__ is dict:
            self._scan_traits(traits, self._own, found, event)
            if "address" in traits:
                self._scan(traits["address"], self._address, found, event)
        elif traits:
            found[3].append("traits")
        traits = context.get("traits")
        if traits.__class__ is dict:
            self._scan_traits(traits, self._user, found, event)
            if "address" in traits:
                self._scan(traits["address"], self._user_address, found, event)
        elif traits:
            found[3].append("context.traits")
        for name, rule in self._context:
            if name in context:
                self._take(context[name], rule, found, event)
        for name, rules in self._nested:
            if name in context:
                self._scan(context[name], rules, found, event)
        properties = payload.get("properties")
        if properties.__class__ is dict and not self._properties.keys().isdisjoint(properties):
            self._scan(properties, self._properties, found, event)
        return found

    def _scan_traits(self, source: JsonObject, rules: _Rules, found: Found, event: Event) -> None:
        """Go over traits: each is an attribute, a custom property, or both.

        The hottest loop of the package: it does what `_take` does with a text, and leaves the rest to it.
        """
        attributes, location, custom, odd = found
        set_apart, also_custom = self._set_apart, self._also_custom
        for name, value in source.items():
            if name in rules:
                attribute, inside, _ = rule = rules[name]
                target = location if inside else attributes
                if value.__class__ is str and value and attribute not in target:
                    target[attribute] = value
                else:
                    self._take(value, rule, found, event)
                if name in also_custom:
                    custom[name] = value
            elif name not in set_apart:
                custom[name] = value
            elif value is not None and value != "":
                odd.append(name)

    def _scan(self, source: Any, rules: _Rules, found: Found, event: Event) -> None:
        """Go over the members of what may be an object."""
        if source.__class__ is dict:
            for name in source:
                if name in rules:
                    self._take(source[name], rules[name], found, event)

    def _take(self, value: Any, rule: Rule, found: Found, event: Event) -> None:
        """Take a value for an attribute, unless a better place has one."""
        if value is None or value == "":
            return
        attribute, inside, better_before = rule
        target = found[1] if inside else found[0]
        if attribute in target:
            if better_before:
                return
            value = next(filter(_counts, (_at(event, place) for place in self._places[attribute])), value)
        target[attribute] = value
        if value.__class__ is not str:
            found[3].append(attribute)


def custom_properties(event: Event, own_traits: AbstractSet[str], *, dots_nest: bool) -> JsonObject:
    """Give the custom properties alone, where traits are known to be left out that are attributes all the same."""
    custom: JsonObject = {}
    for traits in (event.payload.get("traits"), event.context.get("traits")):
        for name, value in traits.items() if isinstance(traits, dict) else ():
            if name not in own_traits:
                put(custom, name, value, nests=dots_nest)
    return custom


def _at(event: Event, place: _Place) -> Any:
    return dig(event.context, *place[1:]) if place[0] == "context" else dig(event.payload, *place)


def _counts(value: Any) -> bool:
    return value is not None and value != ""


def _by_scope(table: Table, without: AbstractSet[str]) -> dict[str, dict[str, Rule]]:
    """Turn rows of places into rules by scope, such as `traits.address`."""
    scopes: dict[str, dict[str, Rule]] = {scope: {} for scope in _READ_FROM}
    for attribute, *places in table:
        order = [(_READ_FROM.index(place.rpartition(".")[0]), rank) for rank, place in enumerate(places)]
        for rank, place in enumerate(places):
            scope, _, name = place.rpartition(".")
            if place not in without:
                here = _READ_FROM.index(scope)
                # Within one scope members come in the order of the event, so any of them may be read before this one.
                before = [other for where, other in order if where <= here and other != rank]
                scopes[scope][name] = (attribute, attribute in LOCATION, all(other < rank for other in before))
    return scopes
