"""Events: payloads that were read."""

from typing import cast

from hypothesis.strategies import SearchStrategy

from klavier.events.model import Alias, Event, Group, Identify, Page, Screen, Track
from klavier.events.reader import parse_event
from klavier.testing.strategies.payloads import payloads


def events() -> SearchStrategy[Event]:
    """Return events of every type, read from either wire format."""
    return payloads().map(parse_event)


def identifies() -> SearchStrategy[Identify]:
    """Return identify events."""
    return cast("SearchStrategy[Identify]", payloads("identify").map(parse_event))


def tracks() -> SearchStrategy[Track]:
    """Return track events."""
    return cast("SearchStrategy[Track]", payloads("track").map(parse_event))


def pages() -> SearchStrategy[Page]:
    """Return page events."""
    return cast("SearchStrategy[Page]", payloads("page").map(parse_event))


def screens() -> SearchStrategy[Screen]:
    """Return screen events."""
    return cast("SearchStrategy[Screen]", payloads("screen").map(parse_event))


def groups() -> SearchStrategy[Group]:
    """Return group events."""
    return cast("SearchStrategy[Group]", payloads("group").map(parse_event))


def aliases() -> SearchStrategy[Alias]:
    """Return alias events."""
    return cast("SearchStrategy[Alias]", payloads("alias").map(parse_event))
