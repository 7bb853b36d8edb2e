"""Write down as one Python function how the members of an event become what is sent.

The names of members come into the source as the literals that `repr` writes; values never do.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from klavier_rudderstack.replay.slot import SEPARATOR, TRUE, Names, Slot

Make = Callable[..., Any]
"""Is given each holder in the order of `Names`, then the values of slots without a holder; gives None where it cannot
say what becomes of them."""

_Called = Sequence[tuple[Any, str]]


def write(data: Any, names: Names, slots: Sequence[Slot], unlike: Sequence[tuple[Slot, Slot]] = ()) -> Make:
    """Write what makes `data`, with the value of each slot where its marker is.

    It gives None where a guard does not hold, and where two slots that have to be `unlike` hold the same.  What holds
    the slots must have the members that `names` says, in that order.
    """
    called = [slot.name if not slot.holder else f"v{number}" for number, slot in enumerate(slots)]
    by_place = {(slot.holder, slot.name): name for slot, name in zip(slots, called, strict=True)}
    both = list(zip(slots, called, strict=True))
    reasons = [slot.guard.wrong.format(name) for slot, name in both if slot.guard.wrong]
    reasons += [f"{_of(one, by_place)} == {_of(other, by_place)}" for one, other in unlike]
    # In the order of their patterns, so that many shapes share the one pattern of all their texts.
    texts = sorted((slot.guard.pattern, name) for slot, name in both if slot.guard.pattern)
    source = _SOURCE.format(
        parameters=", ".join([*names, *(slot.name for slot in slots if not slot.holder)]),
        values="\n    ".join(_take(holder, members, by_place) for holder, members in names.items()),
        texts=_TEXTS.format("".join(f"{name}, " for _, name in texts)) if texts else "",
        reasons=" or ".join(f"({reason})" for reason in reasons) or "False",
        data=_display(data, [(slot.said, name) for slot, name in both if slot.marker is not None]),
    )
    fits = re.compile(SEPARATOR.join(pattern for pattern, _ in texts)).fullmatch
    known: dict[str, Any] = {"join": SEPARATOR.join, "fits": fits}
    for slot in slots:
        known |= slot.guard.names
    exec(source, known)  # noqa: S102 -- nothing is in it but this module's text, guards and literals
    made: Make = known["made"]
    return made


def write_all(data: Any, members: Sequence[str], slots: Sequence[Slot]) -> Make:
    """Write what is given a list and makes `data` of each object in it; there is a slot for every member of an object.

    It gives None where one is no object with these members in this order, and where a value is not true that has to be.
    """
    called = [f"v{number}" for number, _ in enumerate(slots)]
    true = [name for slot, name in zip(slots, called, strict=True) if slot.guard is TRUE]
    source = _SOURCE_OF_ALL.format(
        names=", ".join(called),
        reasons=" and ".join(true) or "True",
        data=_display(data, [(slot.said, name) for slot, name in zip(slots, called, strict=True)]),
    )
    known: dict[str, Any] = {"has_shape": tuple(members).__eq__}
    exec(source, known)  # noqa: S102 -- nothing is in it but this module's text, guards and literals
    made: Make = known["made"]
    return made


_SOURCE = """
def made({parameters}):
    {values}
    {texts}
    if {reasons}:
        return None
    return {data}
"""

_SOURCE_OF_ALL = """
def made(items):
    try:
        if not all(map(has_shape, map(tuple, items))):
            return None
        found = [{data} for {names}, in map(dict.values, items) if {reasons}]
    except TypeError:
        return None
    return found if len(found) == len(items) else None
"""

_TEXTS = """
    try:
        if not fits(join(({}))):
            return None
    except TypeError:
        return None
"""
"""Joining tells that all are text, and one pattern says the rest at once, in half the time that each takes alone."""


def _of(slot: Slot, by_place: dict[tuple[str, str], str]) -> str:
    return by_place[slot.holder, slot.name]


def _take(holder: str, members: Sequence[str], by_place: dict[tuple[str, str], str]) -> str:
    """Spell how the values of a holder get their names: few by key, many all at once, as is quicker."""
    targets = {member: by_place[holder, member] for member in members if (holder, member) in by_place}
    if 3 * len(targets) <= 8 + len(members):  # counted in instructions
        return "; ".join(f"{name} = {holder}[{member!r}]" for member, name in targets.items()) or "pass"
    return f"{', '.join(targets.get(member, '_') for member in members)}, = {holder}.values()"


def _display(value: Any, called: _Called) -> str:
    """Spell a value: a marker as what it is called, all else as it is."""
    for said, name in called:
        if type(said) is type(value) and said == value:
            return name
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name!r}: {_display(member, called)}" for name, member in value.items()) + "}"
    return repr(value)


def give_up(*_: Any) -> None:
    """Stand for the function of a shape for which none can be written."""
