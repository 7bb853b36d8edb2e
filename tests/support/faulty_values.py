"""Vendors that lose, invent or change values of an event: one fault each.

The docstring of each tells the fault.  Most show only with some events, as faults do.
"""
# ruff: noqa: ARG002 -- each step is given what some faults need

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from klavier import (
    Event,
    Group,
    Identify,
    Screen,
    Track,
)
from tests.support.sound import Settings, Wrapper

Members = dict[str, Any]


def _keep(members: Members, wanted: Callable[[str, Any], bool]) -> Members:
    return {name: value for name, value in members.items() if wanted(name, value)}


# Nothing lost ---------------------------------------------------------------------------------------------------------


class DropsCoupons(Wrapper):
    """Leaves out the property `coupon`."""

    def members(self, members: Members, event: Event) -> Members:
        return _keep(members, lambda name, _: name != "coupon")


class DropsFalse(Wrapper):
    """Leaves out values that are false."""

    def members(self, members: Members, event: Event) -> Members:
        return _keep(members, lambda _, value: value is not False)


class DropsZero(Wrapper):
    """Leaves out numbers that are 0."""

    def members(self, members: Members, event: Event) -> Members:
        return _keep(members, lambda _, value: isinstance(value, bool) or value != 0)


class KeepsAsciiOnly(Wrapper):
    """Leaves out texts with characters outside ASCII."""

    def members(self, members: Members, event: Event) -> Members:
        return _keep(members, lambda _, value: not isinstance(value, str) or value.isascii())


class CutsLongTexts(Wrapper):
    """Cuts texts after 255 characters, without a note."""

    def members(self, members: Members, event: Event) -> Members:
        return {name: value[:255] if isinstance(value, str) else value for name, value in members.items()}


class DropsDeepObjects(Wrapper):
    """Leaves out objects that are nested three deep."""

    def members(self, members: Members, event: Event) -> Members:
        return {name: self._shallow(value, 2) for name, value in members.items()}

    def _shallow(self, value: Any, left: int) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: self._shallow(each, left - 1) for name, each in value.items()} if left else {}


class DropsDollars(Wrapper):
    """Leaves out every name that begins with a dollar sign."""

    def members(self, members: Members, event: Event) -> Members:
        return _keep(members, lambda name, _: not name.startswith("$"))


class EmptyScreens(Wrapper):
    """Leaves out the properties of screens."""

    def members(self, members: Members, event: Event) -> Members:
        return {} if isinstance(event, Screen) else members


class RoundsNumbers(Wrapper):
    """Rounds all numbers to integers."""

    def members(self, members: Members, event: Event) -> Members:
        return {name: int(value) if isinstance(value, float) else value for name, value in members.items()}


# Nothing invented, and the same each time -----------------------------------------------------------------------------


class InventsAnId(Wrapper):
    """Sends the same unique id for all events without a message id."""

    def attributes(self, attributes: Members, event: Event) -> Members:
        invented = "unique_id" in attributes and not event.message_id
        return attributes | {"unique_id": "no-message-id"} if invented else attributes


class RandomIds(Wrapper):
    """Sends a random unique id for every event."""

    def attributes(self, attributes: Members, event: Event) -> Members:
        return attributes | {"unique_id": str(uuid.uuid4())} if "unique_id" in attributes else attributes


class AssumesDollars(Wrapper):
    """Sends USD as the currency of amounts without one."""

    def attributes(self, attributes: Members, event: Event) -> Members:
        return attributes if "metric" not in attributes else attributes | {"value_currency": "USD"}


class UsesThePresentTime(Wrapper):
    """Sends the present time for events without a time."""

    def attributes(self, attributes: Members, event: Event) -> Members:
        untimed = "metric" in attributes and "time" not in attributes
        return attributes | {"time": datetime.now(UTC).isoformat()} if untimed else attributes


class KeepsTraits(Wrapper):
    """Sends the traits of an earlier event with the next one."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.known: Members = {}

    def members(self, members: Members, event: Event) -> Members:
        if isinstance(event, Identify):
            members = self.known | members
            self.known = members
        return members


# Pure -----------------------------------------------------------------------------------------------------------------


class RemovesTheEmail(Wrapper):
    """Removes the e-mail address from the traits that were passed to it."""

    def event(self, event: Event) -> Event:
        if isinstance(event, (Identify, Group)):
            event.traits.pop("email", None)
        return event


class ReversesInPlace(Wrapper):
    """Reverses the caller's own list of products."""

    def event(self, event: Event) -> Event:
        for value in event.properties.values() if isinstance(event, Track) else ():
            if isinstance(value, list) and len(value) > 1:
                value.reverse()
        return event
