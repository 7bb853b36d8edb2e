"""Write down as one Python function how the members of an event become what is sent.

The names of members come into the source as the literals that `repr` writes; values never do.
"""

from collections.abc import Callable, Sequence
from typing import Any

from klavier_rudderstack.replay.slot import Names, Slot

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
    texts = [name for slot, name in both if slot.guard.is_text]
    source = _SOURCE.format(
        parameters=", ".join([*names, *(slot.name for slot in slots if not slot.holder)]),
        values="\n    ".join(_unpack(holder, members, by_place) for holder, members in names.items()),
        texts=_TEXTS.format("".join(f"{name}, " for name in texts)) if texts else "",
        reasons=" or ".join(f"({reason})" for reason in reasons) or "False",
        data=_display(data, [(slot.said, name) for slot, name in both if slot.marker is not None]),
    )
    known: dict[str, Any] = {"join": "".join}
    for slot in slots:
        known |= slot.guard.names
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

_TEXTS = """
    texts = ({})
    try:
        join(texts)
    except TypeError:
        return None
    if not all(texts):
        return None
"""
"""Joining is the quickest way to tell that all are text."""


def _of(slot: Slot, by_place: dict[tuple[str, str], str]) -> str:
    return by_place[slot.holder, slot.name]


def _unpack(holder: str, members: Sequence[str], by_place: dict[tuple[str, str], str]) -> str:
    """Spell how the values of a holder get their names: all at once, which is quicker than by key."""
    targets = [by_place.get((holder, member), "_") for member in members]
    return f"{', '.join(targets)}, = {holder}.values()" if set(targets) - {"_"} else "pass"


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
