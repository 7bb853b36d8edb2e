"""What became of one event."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from attrs import frozen

Kind = Literal["delivered", "skipped", "rejected", "failed"]
KINDS: tuple[Kind, ...] = ("delivered", "skipped", "rejected", "failed")


@frozen
class Outcome:
    """What became of one event; every event gets exactly one.

    - `delivered`: Klaviyo accepted all that the event asks for (in device mode: the browser would have been called).
    - `skipped`: the vendor does nothing for this event, by its own rules; `reason` says which.
    - `rejected`: the event or the settings cannot be expressed in Klaviyo's API; nothing was sent.
    - `failed`: a request was made and not accepted; `status` is Klaviyo's, `retryable` whether a later try may succeed.

    `notes` lists what was left out of a delivered event, and why. Neither `reason` nor `notes` holds personal data.
    """

    kind: Kind
    reason: str = ""
    status: int | None = None
    retryable: bool = False
    notes: tuple[str, ...] = ()


DELIVERED = Outcome("delivered")
"""The plain case, shared: delivered, nothing to note."""


def delivered(notes: Sequence[str] = ()) -> Outcome:
    """Return the outcome of an event that Klaviyo accepted, with what was left out on the way."""
    return _noted(tuple(notes)) if notes else DELIVERED


@lru_cache(maxsize=1024)
def _noted(notes: tuple[str, ...]) -> Outcome:
    """Share outcomes too: the same few notes come again and again."""
    return Outcome("delivered", notes=notes)


def skipped(reason: str) -> Outcome:
    """Return the outcome of an event that the vendor's rules pass over."""
    return Outcome("skipped", reason)


def rejected(reason: str) -> Outcome:
    """Return the outcome of an event that cannot be sent as it is."""
    return Outcome("rejected", reason)


def failed(reason: str, status: int | None = None, *, retryable: bool = False, notes: Sequence[str] = ()) -> Outcome:
    """Return the outcome of an event whose request was not accepted."""
    return Outcome("failed", reason, status, retryable, tuple(notes))
