"""What an action is: it prepares a payload, then sends it alone or together with others."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Hashable, Sequence
from functools import partial
from typing import Any

from attrs import define

from klavier.events.model import Event
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, delivered, failed, rejected
from klavier.vendor import Flow
from klavier_segment_actions.calls import Calls
from klavier_segment_actions.fidelity import Differences
from klavier_segment_actions.payload.formats import e164
from klavier_segment_actions.tables.retry import RETRY

Sending = Generator[Request, Response, Outcome]
"""A flow for one event."""

BatchSending = Generator[Request, Response, Sequence[Outcome]]
"""A flow for several events; gives one outcome for each, in order."""


@define(repr=False, eq=False)
class Item:
    """What an action will send for one event."""

    body: Any
    """The JSON that stands for the event: attributes of a profile, or an event."""
    notes: tuple[str, ...] = ()
    identity: Hashable = None
    """Equal for items that Klaviyo takes for one and the same."""
    group: Hashable = None
    """Items of one batch have the same."""
    list_id: str | None = None
    audience: str | None = None
    """The name of an audience whose list is not known yet."""
    options: Any = None
    """What the action needs besides."""

    def __repr__(self) -> str:
        """Show nothing of the person."""
        return f"<Item notes={len(self.notes)}>"


class Action(ABC):
    """One of Segment's actions bound to a wire and a fidelity; keeps no state."""

    once_a_batch = False
    """Whether a batch may hold a person once only."""

    bulkable = False
    """Whether a single event is one request, of which nothing but its success matters."""

    def __init__(self, calls: Calls, rules: Differences, *, batched: bool) -> None:
        self.calls = calls
        self.rules = rules
        self.batched = batched
        self.leftovers = rules.batch_leftovers and batched
        """Whether what stripping and phone numbers leave behind is sent too."""

    @abstractmethod
    def prepare(self, payload: dict[str, Any], event: Event) -> Item | Outcome:
        """Make what will be sent from a checked payload, or the outcome of one that cannot be."""

    def flow(self, item: Item) -> Callable[[], Flow]:
        """Give the flow that sends one item."""
        return partial(self.single, item)

    @abstractmethod
    def single(self, item: Item) -> Sending:
        """Send one item."""

    def batch(self, items: Sequence[Item]) -> BatchSending:
        """Send items together, where the action can."""
        return (yield from self.one_by_one(items))

    def one_by_one(self, items: Sequence[Item]) -> BatchSending:
        """Send items one after another."""
        outcomes = []
        for item in items:
            outcomes.append((yield from self.single(item)))  # noqa: PERF401 -- a comprehension cannot yield from
        return outcomes


def outcome_of(reply: Response, notes: tuple[str, ...] = ()) -> Outcome:
    """Give the outcome of an event whose last request got this reply."""
    if reply.ok:
        return delivered(notes)
    if reply.local:
        return rejected(reply.reason)
    return failed(reply.reason, reply.status or None, retryable=RETRY.may_retry(reply), notes=notes)


def with_phone(payload: dict[str, Any], *, leftovers: bool = False) -> Outcome | None:
    """Put a phone number into E.164 form, in place; gives the rejection of one that cannot be.

    The country code and an empty number go, unless `leftovers` are wanted.
    """
    phone = payload.get("phone_number")
    if not phone:
        if not leftovers:
            payload.pop("country_code", None)
            payload.pop("phone_number", None)
        return None
    country = payload.pop("country_code", None)
    number = e164(phone, country)
    if number is None:
        hint = "check it against country_code" if country else "map country_code, or send it as +15005550006"
        return rejected(f"phone_number: cannot be converted to E.164 form; {hint}")
    payload["phone_number"] = number
    return None


def names_somebody(payload: dict[str, Any], *fields: str) -> bool:
    """Tell whether at least one of the identifiers has a value."""
    return any(payload.get(field) for field in fields)
