"""Write down as one Python function how the members of an event become a profile.

The names of members come into the source as the literals that `repr` writes; values never do.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import frozen

from klavier.events.model import JsonObject

Make = Callable[[JsonObject, JsonObject, JsonObject, JsonObject, list[str]], JsonObject | None]
"""Makes a profile out of payload, context, traits and the context's traits, and adds to the notes; None where it
cannot."""


@frozen
class Checks:
    """What has to hold of an event besides that all its attributes are text."""

    texts: Mapping[str, Callable[[str], bool]]
    """By attribute: whether a text is sent as it is."""
    objects: Mapping[str, Callable[[JsonObject], bool]]
    """By member of the payload: whether an object has no say in the profile."""


@frozen
class Slot:
    """A member that is read: `holder` is payload, context, own or user."""

    holder: str
    name: str
    attribute: str | None
    """What the member is to the table; None for a custom property."""
    marker: str
    """What stands for its value in the profile that is written down."""


Unlike = Sequence[tuple[Slot, Slot]]


def write(data: JsonObject, slots: Sequence[Slot], checks: Checks, notes: Sequence[str], unlike: Unlike) -> Make:
    """Write what makes `data` and its notes, with the value of each slot where its marker is.

    It gives None where an attribute is no text or empty, or fails its check; where a custom property is null; and where
    two slots that have to be `unlike` hold the same.
    """
    called = {slot.marker: f"v{number}" for number, slot in enumerate(slots)}
    texts = [slot for slot in slots if slot.attribute is not None]
    reasons = ["not all(texts)"]
    reasons += [f"not {slot.attribute}({called[slot.marker]})" for slot in texts if slot.attribute in checks.texts]
    reasons += [f"{called[one.marker]} == {called[other.marker]}" for one, other in unlike]
    reasons += [f"{_read(slot, called)} is None" for slot in slots if slot.attribute is None]
    reasons += [f"(held := payload[{name!r}]).__class__ is dict and not {name}(held)" for name in checks.objects]
    source = _SOURCE.format(
        texts=", ".join(_read(slot, called) for slot in texts),
        reasons=" or ".join(reasons),
        notes="notes.extend(said)" if notes else "",
        data=_display(data, called),
    )
    names: dict[str, Any] = {**checks.texts, **checks.objects, "join": "".join, "said": tuple(notes)}
    exec(source, names)  # noqa: S102 -- nothing is in it but this module's text and literals
    made: Make = names["made"]
    return made


_SOURCE = """
def made(payload, context, own, user, notes):
    texts = ({texts},)
    try:
        join(texts)
    except TypeError:
        return None
    if {reasons}:
        return None
    {notes}
    return {data}
"""
"""Joining is the quickest way to tell that all are text."""


def _read(slot: Slot, called: Mapping[str, str]) -> str:
    return f"({called[slot.marker]} := {slot.holder}[{slot.name!r}])"


def _display(value: Any, called: Mapping[str, str]) -> str:
    """Spell a value: a marker as what it is called, all else as it is."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name!r}: {_display(member, called)}" for name, member in value.items()) + "}"
    return called[value] if isinstance(value, str) and value in called else repr(value)
