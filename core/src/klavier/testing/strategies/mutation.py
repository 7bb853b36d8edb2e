"""Spoiling: what careless senders do to a payload, as a value that is drawn first and applied later.

Drawn first, because hypothesis often fills the end of what it draws with the simplest choices.
"""

from collections.abc import Sequence
from typing import Any, Literal, TypeVar

from attrs import frozen
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from klavier.testing.strategies.people import odd_emails, odd_phones
from klavier.testing.strategies.values import json_objects, keys, odd_ids, scalars

Way = Literal["gone", "null", "misspelt", "wrong", "strange", "added", "odd id"]
_T = TypeVar("_T")

_FIXED = {True: ("type",), False: ("event", "properties", "distinct_id")}
"""What stays as it is, so that a payload stays an event: by whether it has a type."""

_OF_NO_VALUE: tuple[Way, ...] = ("gone", "null", "misspelt")
_PLACES, _MEMBERS = 16, 24
_OUTERMOST = 8
"""Of the places, how many are the payload itself rather than an object somewhere in it."""


@frozen
class Spoiling:
    """One change somewhere: which way, where, to which member, with what.

    `where` and `which` are turned to an object and a member that the payload has.
    """

    way: Way
    where: int
    which: int
    value: Any = None

    def spoil(self, payload: dict[str, Any]) -> None:
        """Change the payload; one that has no such member is left as it is."""
        if self.way == "odd id":
            self._spoil_id(payload)
            return
        holders = _holders(payload)
        holder = payload if self.where < _OUTERMOST else _pick(holders, self.where)
        if self.way == "added":
            key, value = self.value
            holder[key] = value
            return
        names = [name for name in holder if name not in _FIXED["type" in payload]]
        if names:
            self._spoil_member(holder, _pick(names, self.which))

    def _spoil_member(self, holder: dict[str, Any], name: str) -> None:
        match self.way:
            case "gone":
                del holder[name]
            case "misspelt":
                holder[_pick(_misspellings(name), self.where)] = holder.pop(name)
            case "wrong":
                email, phone, other = self.value
                lower = name.lower()
                holder[name] = email if "email" in lower else phone if "phone" in lower else other
            case _:
                holder[name] = self.value

    def _spoil_id(self, payload: dict[str, Any]) -> None:
        """Put what belongs in no path in the place of an id, wherever one stands."""
        found = [(holder, name) for holder in _holders(payload) for name in holder if name.lower().endswith("id")]
        if found:
            holder, name = _pick(found, self.which)
            holder[name] = self.value


def spoilings() -> SearchStrategy[list[Spoiling]]:
    """Return lists of up to four changes; often none."""
    return st.one_of(st.just([]), st.lists(_one_of_them(), max_size=4))


def _one_of_them() -> SearchStrategy[Spoiling]:
    at = st.integers(0, _PLACES * _MEMBERS - 1)
    strange = st.one_of(scalars(), json_objects(), st.lists(scalars(), max_size=3))
    wrong = st.tuples(odd_emails(), odd_phones(), scalars())
    return st.one_of(
        st.builds(_spoiling, at, st.sampled_from(_OF_NO_VALUE)),
        st.builds(_spoiling, at, st.just("wrong"), wrong),
        st.builds(_spoiling, at, st.just("strange"), strange),
        st.builds(_spoiling, at, st.just("added"), st.tuples(keys(), strange)),
        st.builds(_spoiling, at, st.just("odd id"), odd_ids()),
    )


def _spoiling(at: int, way: Way, value: Any = None) -> Spoiling:
    return Spoiling(way, *divmod(at, _MEMBERS), value)


def _pick(found: Sequence[_T], number: int) -> _T:
    return found[number % len(found)]


def _holders(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the objects of a payload, outermost first."""
    found, left = [], [payload]
    while left:
        item = left.pop(0)
        found.append(item)
        for member in item.values():
            members = member if isinstance(member, list) else [member]
            left.extend(each for each in members if isinstance(each, dict))
    return found


def _misspellings(name: str) -> tuple[str, ...]:
    return (name.upper(), name.lower(), name.replace("_", ""), f"${name}", f" {name}", name.title())
