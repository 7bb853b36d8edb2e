"""The members of an event whose values come into what is sent, and what has to hold of the values."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import field, frozen

from klavier.events.model import JsonObject
from klavier.klaviyo import limits
from klavier.klaviyo.times import is_plain_time
from klavier_rudderstack import acceptable

Names = Mapping[str, tuple[str, ...]]
"""The names of the members by what holds them: payload, context, own (its traits), user (the context's traits),
properties, or item."""


@frozen
class Guard:
    """What has to hold of a value so that a written function may take it."""

    wrong: str = ""
    """A Python expression that is true of a wrong value, which is written `{0}`."""
    names: Mapping[str, Callable[..., Any]] = field(factory=dict)
    """The functions that the expression asks."""
    is_text: bool = False
    """Whether it has to be text that is not empty."""


def text(wrong: str = "", **names: Callable[..., Any]) -> Guard:
    """Give the guard of what has to be text that is not empty."""
    return Guard(wrong, names, is_text=True)


ANY = Guard()
NULL = Guard("{0} is not None")
NOT_NULL = Guard("{0} is None")
TRUE = Guard("not {0}")
NUMBER = Guard("type({0}) is not float and type({0}) is not int")
NUMBER_NOT_ZERO = Guard("type({0}) is not float and type({0}) is not int or not {0}")
TEXT = text()
EMAIL = text("not is_email({0})", is_email=acceptable.is_email)
METRIC_NAME = text(f"len({{0}}) > {limits.METRIC_NAME}")
UNIQUE_ID = text(f"len({{0}}) > {limits.UNIQUE_ID}")
TIME = text("not is_plain_time({0})", is_plain_time=is_plain_time)
CURRENCY = text("not is_code({0})", is_code=acceptable.is_code)


@frozen
class Slot:
    """A member that is read: `holder` is one of `Names`, or empty where a function is given the value itself."""

    holder: str
    name: str
    marker: Any
    """What stands for its value when the general way is gone; None for a value that is looked at and never said."""
    guard: Guard = ANY
    attribute: str = ""
    """The attribute of a profile that the member is; empty where it is none."""
    said: Any = field()
    """What the general way makes of the marker."""

    @said.default
    def _as_it_is(self) -> Any:
        return self.marker


def hold(slots: Iterable[Slot]) -> dict[str, JsonObject]:
    """Give what holds the markers of slots, and nothing else, by holder; the traits are in payload and context."""
    held: dict[str, JsonObject] = {name: {} for name in ("", "payload", "context", "own", "user", "properties", "item")}
    held["payload"] |= {"context": held["context"], "traits": held["own"]}
    held["context"]["traits"] = held["user"]
    for slot in slots:
        held[slot.holder][slot.name] = slot.marker
    return held
