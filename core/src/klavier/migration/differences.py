"""What two readings do not share, told as differences."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from klavier.migration.model import NotCarried
from klavier.migration.tables.terms import TERMS
from klavier.migration.terms import Reading, Term, is_nothing, parts, same
from klavier.migration.words import in_words

AND_PROPERTY = "external id and custom property id"
"""A user id that identifies, and is repeated as the custom property `id`."""

_TERMS = {term.name: term for term in TERMS}


def differing(old: Reading, new: Reading) -> Iterator[tuple[Term, Any, Any]]:
    """Return the terms that two readings give different values, in the order of the vocabulary, with both values."""
    old, new = _comparable(old), _comparable(new)
    for name in dict.fromkeys([*_TERMS, *old, *new]):
        was, becomes = old.get(name), new.get(name)
        if not same(was, becomes):
            yield term_of(name), was, becomes


def _comparable(reading: Reading) -> Reading:
    """Say alike what can be said in two ways: a user id that is also a property, places that an allow list closes."""
    found = dict(reading)
    if found.get("user_id") == AND_PROPERTY:
        found |= {"user_id": "external id", "custom_id": "id"}
    allowed = found.get("allowed")
    if allowed is not None:
        found.pop("custom_without", None)
        found |= {name: _let_through(found.get(name) or {}, allowed) for name in ("attributes", "event_attributes")}
    return found


def _let_through(attributes: Mapping[str, Any], allowed: Sequence[str]) -> dict[str, Any]:
    """Leave out the places that an allow list closes."""
    open_places = {
        attribute: tuple(place for place in places if place.rpartition(".")[2] in allowed)
        for attribute, places in attributes.items()
    }
    return {attribute: places for attribute, places in open_places.items() if places}


def is_listed(term: Term, old: Reading, new: Reading) -> bool:
    """Return whether a difference says something that the term it is within does not say already."""
    return not term.within or not (is_nothing(old.get(term.within)) or is_nothing(new.get(term.within)))


def term_of(name: str) -> Term:
    """Return a term by name; one that a plugin reads and the vocabulary lacks is spoken of by its name."""
    return _TERMS.get(name) or Term(
        name, f"what {name} does", "The other vendor has no word for it: nothing does the same there.", ("*",)
    )


def difference(term: Term, was: Any, becomes: Any, settings: tuple[str, ...]) -> NotCarried:
    """Tell one difference in words."""
    if not term.each:
        lines = [_change(was, becomes, term.none)]
    elif any(isinstance(value, (tuple, list)) for value in (was, becomes)):
        lines = [_change(tuple(was or ()), tuple(becomes or ()), term.none)]
    else:
        lines = _of_members(list(parts(was, becomes)), term.none)
    so = term.consequence(was, becomes)
    return NotCarried(term.name, term.asks, tuple(lines), so, settings, fine=term.fine, touches=term.touches)


def _of_members(members: list[tuple[str, Any, Any]], none: str) -> list[str]:
    """Tell each member that differs; those whose places are all gone, or all new, by their names alone."""
    gone = [name for name, old, new in members if isinstance(old, (tuple, list)) and is_nothing(new)]
    fresh = [name for name, old, new in members if isinstance(new, (tuple, list)) and is_nothing(old)]
    lines = [f"{name}: {_change(old, new, none)}" for name, old, new in members if name not in (*gone, *fresh)]
    return [*lines, *(f"{word} {in_words(names)}" for word, names in (("no longer", gone), ("also", fresh)) if names)]


def _change(was: Any, becomes: Any, none: str) -> str:
    if isinstance(was, (tuple, list)) and isinstance(becomes, (tuple, list)):
        return _of_lists(was, becomes)
    old, new = (none if is_nothing(value) else in_words(value) for value in (was, becomes))
    return f"was {old}, becomes {new}"


def _of_lists(was: Sequence[Any], becomes: Sequence[Any]) -> str:
    """Describe which members are no longer there and which are new; where neither, the new order."""
    gone = [item for item in was if item not in becomes]
    fresh = [item for item in becomes if item not in was]
    if not gone and not fresh:
        return f"now in the order {in_words(becomes)}"
    told = {"no longer": gone, "also" if len(gone) < len(was) else "now": fresh}
    return "; ".join(f"{word} {in_words(items)}" for word, items in told.items() if items)
