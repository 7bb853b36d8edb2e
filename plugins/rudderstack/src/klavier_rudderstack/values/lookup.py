"""Compile a lookup table into a reader that passes once over the members of an event, not over all possible places."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from attrs import evolve

from klavier.events.model import Event, Group, Identify, JsonObject
from klavier.jsvalues import dig
from klavier.klaviyo.attributes import LOCATION_ATTRIBUTES
from klavier_rudderstack.tables.profile import Table
from klavier_rudderstack.values.acceptable import MAPPED_PARTS
from klavier_rudderstack.values.nesting import Nesting, is_plain, refuses

Rule = tuple[str, bool, bool]
"""What a member may be: the attribute, whether that is part of the location, and whether all places of the attribute
that are read before this one take precedence over it."""

REPLACED = "="
"""In front of an attribute's name among what is unusual: several places have a value, and one of them is used."""

Found = tuple[JsonObject, JsonObject, JsonObject, list[str]]
"""Attributes, those of the location, custom properties, and the names of what is unusual: attributes that are not text,
attributes with several values (`REPLACED`), traits that are neither attributes nor properties, and places of traits
that are not objects."""

_Rules = Mapping[str, Rule]
_Place = tuple[str, ...]
_USER = "context.traits"
_SHOWN = 40
"""Characters of a member's name that a note shows: names are the sender's, and may be of any length."""
_FALLBACK = "anonymousId"
"""The member of the root that nearly every event has, and that may stand in for a user id; it is read last, and no note
reports that it is not used."""
_READ_FROM = ("", "traits", "traits.address", _USER, f"{_USER}.address", "context", "context.address",
              "context.location", "properties")  # fmt: skip
"""The scopes that `Lookup.read` reads, in its order."""


class Lookup:
    """A compiled table; `own_traits` are not custom properties, and the places `without` are not read.

    With `dots_nest` the names of traits are paths: a dot nests the property.

    A member counts where it is neither null nor empty text, as in JavaScript's `value || value === 0 || value ===
    false`; among the places of one attribute the first in the table wins.

    Values are taken in the order of the event.  Only where an attribute occurs a second time, at a place that may take
    precedence, the table itself is searched; so the place of a value need not be recorded.
    """

    def __init__(
        self,
        table: Table,
        own_traits: AbstractSet[str],
        without: AbstractSet[str] = frozenset(),
        *,
        dots_nest: bool = False,
    ) -> None:
        self._own_traits, self._dots_nest = own_traits, dots_nest
        self._places: dict[str, tuple[_Place, ...]] = {
            attribute: tuple(tuple(place.split(".")) for place in places if place not in without)
            for attribute, *places in table
        }
        scopes = _rules_by_scope(table, without)
        stands_in = {attribute for attribute, *places in table if len(places) > 1 and places[-1] == _FALLBACK}
        self._fallback = scopes[""].pop(_FALLBACK) if stands_in else None
        self._root, self._context = tuple(scopes[""].items()), tuple(scopes["context"].items())
        self._properties, self._own, self._user = scopes["properties"], scopes["traits"], scopes[_USER]
        self._address, self._user_address = scopes["traits.address"], scopes[f"{_USER}.address"]
        self._nested = [(name, scopes[f"context.{name}"]) for name in ("address", "location")]
        named = self._own.keys() | self._user.keys()
        self._unused = own_traits - named
        """Traits that are neither attributes nor custom properties."""
        self._also_custom = named - own_traits
        """Traits that are an attribute and a custom property as well."""

    def read(self, event: Event) -> Found:  # noqa: C901, PLR0912 -- one pass over an event, place by place
        """Read an event, place by place."""
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
        own, traits = traits, context.get("traits")
        if traits.__class__ is dict:
            self._scan_traits(traits, self._user, found, event)
            if own and own.__class__ is dict and not own.keys().isdisjoint(traits):
                replaced = [name for name in own.keys() & traits.keys() if own[name] != traits[name]]
                found[3].extend(REPLACED + name for name in replaced if name in found[2] and name not in self._places)
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
        if self._fallback is not None and _FALLBACK in payload and self._fallback[0] not in found[0]:
            self._take(payload[_FALLBACK], self._fallback, found, event)
        if self._dots_nest and found[2] and not is_plain(found[2]):
            return self._follow_paths(event, found)
        return found

    def _follow_paths(self, event: Event, found: Found) -> Found:
        """Return what an event has with the names of its traits read as paths."""
        spelled_out = spell_out_address(event)
        if spelled_out is not event:
            found = self.read(spelled_out)
        attributes, location, custom, odd = found
        odd.extend(filter(refuses, custom))
        return attributes, location, custom_properties(event, self._own_traits, dots_nest=True), odd

    def place(self, event: Event, attribute: str) -> str:
        """Return the place that an attribute is read from."""
        event = self._spelled_out(event)
        found = (".".join(place) for place in self._places[attribute] if _counts(_at(event, place)))
        return next(found, attribute)

    def note_replaced(self, event: Event, name: str) -> list[str]:
        """Return notes about the values of an attribute or custom trait that others take precedence over."""
        if name not in self._places:
            return [f"traits.{name[:_SHOWN]} left out: context.traits has the same member"]
        event = self._spelled_out(event)
        places = [place for place in self._places[name] if _counts(_at(event, place))]
        used = _at(event, places[0]) if places else None
        return [
            f"{'.'.join(place)} left out: another value of {name} takes precedence"
            for place in places
            if place != (_FALLBACK,) and _at(event, place) != used and not self._is_custom(place)
        ]

    def _spelled_out(self, event: Event) -> Event:
        return spell_out_address(event) if self._dots_nest else event

    def _is_custom(self, place: _Place) -> bool:
        return place[:-1] in (("traits",), ("context", "traits")) and place[-1] in self._also_custom

    def _scan_traits(self, source: JsonObject, rules: _Rules, found: Found, event: Event) -> None:
        """Sort traits: each is an attribute, a custom property, or both.

        The hottest loop of the package: it handles a text itself, as `_take` would, and passes on the rest.
        """
        attributes, location, custom, odd = found
        unused, also_custom = self._unused, self._also_custom
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
            elif name not in unused:
                custom[name] = value
            elif value is not None and value != "":
                odd.append(name)

    def _scan(self, source: Any, rules: _Rules, found: Found, event: Event) -> None:
        """Take the members of a value that may be an object."""
        if source.__class__ is dict:
            for name in source:
                if name in rules:
                    self._take(source[name], rules[name], found, event)

    def _take(self, value: Any, rule: Rule, found: Found, event: Event) -> None:
        """Set an attribute, unless a place with precedence has a value."""
        if value is None or value == "":
            return
        attribute, inside, better_before = rule
        target = found[1] if inside else found[0]
        if attribute in target:
            if value != target[attribute]:
                found[3].append(REPLACED + attribute)
            if better_before:
                return
            value = next(filter(_counts, (_at(event, place) for place in self._places[attribute])), value)
        target[attribute] = value
        if value.__class__ is not str:
            found[3].append(attribute)


def custom_properties(event: Event, own_traits: AbstractSet[str], *, dots_nest: bool) -> JsonObject:
    """Return the custom properties alone: all traits except `own_traits`."""
    custom: JsonObject = {}
    places = [place for place in (event.payload.get("traits"), event.context.get("traits")) if isinstance(place, dict)]
    nesting = Nesting(custom, nests=dots_nest, keys=sum(map(len, places)))
    names: dict[str, None] = {}
    for traits in places:
        names.update((name, None) for name in traits if name not in own_traits)
        for name in names:
            if name in traits:
                nesting.put(name, traits[name])
    return custom


def spell_out_address(event: Event) -> Event:
    """Return an event whose traits such as `address.city` are in the trait `address` as well, where there is none.

    RudderStack's library looks for a trait with a dot in its name where a step of the path is missing.
    """
    own, user = _address(event.payload.get("traits")), _address(event.context.get("traits"))
    if not own and not user:
        return event
    payload, context = event.payload, event.context
    if user:
        context = {**context, "traits": {**context["traits"], "address": user}}
        payload = {**payload, "context": context}
    if own:
        payload = {**payload, "traits": {**payload["traits"], "address": own}}
    if isinstance(event, (Identify, Group)):
        return evolve(event, payload=payload, context=context, traits=payload.get("traits", {}))
    return evolve(event, payload=payload, context=context)


def _address(traits: Any) -> JsonObject:
    """Return the parts of an address whose names are spelled out in the names of traits."""
    if not isinstance(traits, dict) or "address" in traits:
        return {}
    dotted = [name for name in traits if name.startswith("address.")]
    parts = {name.removeprefix("address."): traits[name] for name in dotted}
    return {part: value for part, value in parts.items() if part in MAPPED_PARTS} if parts else parts


def control_traits(payload: JsonObject) -> JsonObject:
    """Return the traits that control subscriptions and patches: those of the event, else those of its context."""
    traits = payload.get("traits")
    if not isinstance(traits, dict):
        traits = dig(payload, "context", "traits")
    return traits if isinstance(traits, dict) else {}


def _at(event: Event, place: _Place) -> Any:
    return dig(event.context, *place[1:]) if place[0] == "context" else dig(event.payload, *place)


def _counts(value: Any) -> bool:
    return value is not None and value != ""


def _rules_by_scope(table: Table, without: AbstractSet[str]) -> dict[str, dict[str, Rule]]:
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
                scopes[scope][name] = (
                    attribute,
                    attribute in LOCATION_ATTRIBUTES,
                    all(other < rank for other in before),
                )
    return scopes
