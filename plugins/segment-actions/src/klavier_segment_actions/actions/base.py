"""The interface of an action: prepare a payload, then send it alone or in a batch."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Hashable, Sequence
from functools import partial
from typing import Any

from attrs import define

from klavier.events.model import Event
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, delivered, failed, rejected
from klavier.vendor import Flow, RejectEvent
from klavier_segment_actions.calls import Calls
from klavier_segment_actions.fidelity import Fidelity
from klavier_segment_actions.payload.formats import e164, sendable_phone
from klavier_segment_actions.tables.retry import RETRY

SingleFlow = Generator[Request, Response, Outcome]
"""A flow for one event."""

BatchFlow = Generator[Request, Response, Sequence[Outcome]]
"""A flow for several events; returns one outcome for each, in order."""


@define(repr=False, eq=False)
class Item:
    """What an action will send for one event."""

    body: Any
    """The JSON of the event: the attributes of a profile, or an event."""
    notes: tuple[str, ...] = ()
    identity: Hashable = None
    """Equal for items that Klaviyo treats as the same event."""
    group: Hashable = None
    """Equal for all items of one batch."""
    list_id: str | None = None
    audience: str | None = None
    """The name of an audience whose list is not known yet."""
    options: Any = None
    """What the action needs in addition to the body."""

    def __repr__(self) -> str:
        """Show no personal data."""
        return f"<Item notes={len(self.notes)}>"


class Action(ABC):
    """One of Segment's actions bound to a wire and a fidelity; stateless."""

    unique_profiles = False
    """Whether a batch may contain a profile only once."""

    bulkable = False
    """Whether the requests of a single event may be sent in bulk: of their replies only the success matters, and the id
    of a profile that is added to a list."""

    def __init__(self, calls: Calls, fidelity: Fidelity, *, batched: bool) -> None:
        self.calls = calls
        self.fidelity = fidelity
        self.batched = batched
        self.leftovers = fidelity.batch_leftovers and batched
        """Whether empty strings and the country code of a missing phone number are sent."""

    @abstractmethod
    def prepare(self, payload: dict[str, Any], event: Event) -> Item:
        """Build what will be sent from a checked payload, which may change; raises `RejectEvent`."""

    def flow(self, item: Item) -> Callable[[], Flow]:
        """Return the flow that sends one item."""
        return partial(self.single, item)

    def normalize_phone(self, payload: dict[str, Any], *, leftovers: bool | None = None) -> None:
        """Convert `phone_number` to E.164 in place; raises `RejectEvent` where it cannot be converted.

        Removes `country_code`, and an empty phone number; `leftovers` keeps both where there is no phone number.
        """
        phone = payload.get("phone_number")
        if not phone:
            if not (self.leftovers if leftovers is None else leftovers):
                payload.pop("country_code", None)
                payload.pop("phone_number", None)
            return
        country = payload.pop("country_code", None)
        if self.fidelity.safe_readings:
            number, reason = sendable_phone(phone, country)
            reason = f"is {reason}"
        else:
            number, reason = e164(phone, country), "cannot be converted to E.164"
        if number is None:
            raise RejectEvent(f"phone_number: {reason}{'' if country else '; map country_code'}")
        payload["phone_number"] = number

    @abstractmethod
    def single(self, item: Item) -> SingleFlow:
        """Send one item."""

    def batch(self, items: Sequence[Item]) -> BatchFlow:
        """Send items together where the action has a bulk call, else one by one."""
        return (yield from self.one_by_one(items))

    def one_by_one(self, items: Sequence[Item]) -> BatchFlow:
        """Send items one after another."""
        outcomes = []
        for item in items:
            outcomes.append((yield from self.single(item)))  # noqa: PERF401 -- a comprehension cannot yield from
        return outcomes


def settle_reply(reply: Response, notes: tuple[str, ...] = ()) -> Outcome:
    """Return the outcome of an event from the reply to its last request."""
    if reply.ok:
        return delivered(notes)
    if reply.local:
        return rejected(reply.reason)
    return failed(reply.reason, reply.status or None, retryable=RETRY.may_retry(reply), notes=notes)


def has_identifier(payload: dict[str, Any], *fields: str) -> bool:
    """Return whether at least one of the identifiers has a value."""
    return any(payload.get(field) for field in fields)
