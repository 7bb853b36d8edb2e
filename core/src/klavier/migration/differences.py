"""The differences between two readings, as text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from klavier.migration.model import NotCarried
from klavier.migration.tables.terms import TERMS
from klavier.migration.terms import Reading, Term, is_nothing, parts, same
from klavier.migration.texts import write_value

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
    """Normalize what can be expressed in two ways: a user id that is also a property, places outside an allow list."""
    found = dict(reading)
    if found.get("user_id") == AND_PROPERTY:
        found |= {"user_id": "external id", "custom_id": "id"}
    allowed = found.get("allowed")
    if allowed is not None:
        found.pop("custom_without", None)
        found |= {name: _let_through(found.get(name) or {}, allowed) for name in ("attributes", "event_attributes")}
    return found


def _let_through(attributes: Mapping[str, Any], allowed: Sequence[str]) -> dict[str, Any]:
    """Remove the places that an allow list excludes."""
    open_places = {
        attribute: tuple(place for place in places if place.rpartition(".")[2] in allowed)
        for attribute, places in attributes.items()
    }
    return {attribute: places for attribute, places in open_places.items() if places}


def is_listed(term: Term, old: Reading, new: Reading) -> bool:
    """Return whether a difference adds something to that of the term which contains it."""
    return not term.within or not (is_nothing(old.get(term.within)) or is_nothing(new.get(term.within)))


def term_of(name: str) -> Term:
    """Return a term by name; one that the vocabulary lacks is described by its name."""
    return _TERMS.get(name) or Term(name, f"what {name} does", "The other vendor has no such setting.", ("*",))


def difference(term: Term, was: Any, becomes: Any, settings: tuple[str, ...]) -> NotCarried:
    """Describe one difference."""
    if not term.each:
        changes = [_describe_change(was, becomes, term.none)]
    elif any(isinstance(value, (tuple, list)) for value in (was, becomes)):
        changes = [_describe_change(tuple(was or ()), tuple(becomes or ()), term.none)]
    else:
        changes = _describe_members(list(parts(was, becomes)), term.none)
    return NotCarried(
        term.name,
        term.asks,
        tuple(change.line for change in changes),
        term.consequence(was, becomes),
        settings,
        fine=term.fine,
        touches=term.touches,
        before=tuple(change.before for change in changes),
        after=tuple(change.after for change in changes),
    )


class _Change(NamedTuple):
    """One change: as one line, and as what was before and what is after."""

    line: str
    before: str
    after: str


def _describe_members(members: list[tuple[str, Any, Any]], none: str) -> list[_Change]:
    """Describe each member that differs; those whose places are all gone, or all new, by their names alone."""
    gone = [name for name, old, new in members if isinstance(old, (tuple, list)) and is_nothing(new)]
    fresh = [name for name, old, new in members if isinstance(new, (tuple, list)) and is_nothing(old)]
    changes = [
        _Change(*(f"{name}: {text}" for text in _describe_change(old, new, none)))
        for name, old, new in members
        if name not in (*gone, *fresh)
    ]
    if gone:
        changes.append(_Change(f"no longer {write_value(gone)}", write_value(gone), none))
    if fresh:
        changes.append(_Change(f"also {write_value(fresh)}", none, write_value(fresh)))
    return changes


def _describe_change(was: Any, becomes: Any, none: str) -> _Change:
    if isinstance(was, (tuple, list)) and isinstance(becomes, (tuple, list)):
        before, after = (write_value(value) if value else none for value in (was, becomes))
        return _Change(_describe_lists(was, becomes), before, after)
    old, new = (none if is_nothing(value) else write_value(value) for value in (was, becomes))
    return _Change(f"was {old}, becomes {new}", old, new)


def _describe_lists(was: Sequence[Any], becomes: Sequence[Any]) -> str:
    """Describe which members are no longer there and which are new; where neither, the new order."""
    gone = [item for item in was if item not in becomes]
    fresh = [item for item in becomes if item not in was]
    if not gone and not fresh:
        return f"now in the order {write_value(becomes)}"
    changes = {"no longer": gone, "also" if len(gone) < len(was) else "now": fresh}
    return "; ".join(f"{word} {write_value(items)}" for word, items in changes.items() if items)
