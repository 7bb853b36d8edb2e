"""The members of an event whose values come into what is sent, and what has to hold of the values."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import field, frozen

from klavier.events.model import JsonObject
from klavier.klaviyo import limits

Names = Mapping[str, tuple[str, ...]]
"""The names of the members by what holds them: payload, context, own (its traits), user (the context's traits),
properties, or item."""


SEPARATOR = "\0"
"""Stands between the texts of an event where they are looked at together; text that holds it goes the general way."""

_ANYTHING = rf"[^{SEPARATOR}]"
_EMAIL = rf"[!-?A-~]{{1,{limits.EMAIL // 2 - 1}}}@[!-?A-~]{{1,{limits.EMAIL // 2}}}"
"""Of addresses that Klaviyo takes, those of ASCII alone, which are quicker to tell."""
_YEAR = r"(?:199[0-9]|[2-9][0-9]{3})"
_DAY = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_TIME = rf"{_YEAR}-{_DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{{3}}Z"
"""Of times that Klaviyo takes, those written as nearly all are, but for leap days."""


@frozen
class Guard:
    """What has to hold of a value so that a written function may take it."""

    wrong: str = ""
    """A Python expression that is true of a wrong value, which is written `{0}`."""
    names: Mapping[str, Callable[..., Any]] = field(factory=dict)
    """The functions that the expression asks."""
    pattern: str = ""
    """What text the value has to be; empty where it may be anything."""


def text(wrong: str = "", pattern: str = f"{_ANYTHING}+", **names: Callable[..., Any]) -> Guard:
    """Give the guard of what has to be text that is not empty and matches a pattern."""
    return Guard(wrong, names, pattern)


ANY = Guard()
NULL = Guard("{0} is not None")
NOT_NULL = Guard("{0} is None")
TRUE = Guard("not {0}")
NUMBER = Guard("type({0}) is not float and type({0}) is not int")
NUMBER_NOT_ZERO = Guard("type({0}) is not float and type({0}) is not int or not {0}")
TEXT = text()
EMAIL = text(pattern=_EMAIL)
METRIC_NAME = text(pattern=f"{_ANYTHING}{{1,{limits.METRIC_NAME}}}")
UNIQUE_ID = text(pattern=f"{_ANYTHING}{{1,{limits.UNIQUE_ID}}}")
TIME = text(pattern=_TIME)
CURRENCY = text(pattern="[A-Z]{3}")


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
