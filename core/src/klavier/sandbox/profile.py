"""One profile."""

from typing import Any

from attrs import define, field


@define(repr=False, eq=False)
class Event:
    """One event of a profile."""

    number: int
    metric: str
    time: int
    """When it happened, in whole seconds since 1970."""
    dated: bool
    """Whether the sender named the time; else `time` is the arrival."""
    unique_id: str | None
    properties: dict[str, Any]
    value: float | None = None
    currency: str | None = None
    backfill: bool = False


@define(repr=False, eq=False)
class Consent:
    """The consent of a profile to one channel, or its withdrawal."""

    consent: str
    changed: int
    since: int | None = None
    """The time of consent, where the sender named one."""
    source: str | None = None
    double_optin: bool = False
    """Whether it was confirmed through a link."""


@define(repr=False, eq=False)
class Profile:
    """One profile.  Only `Profiles` changes `identifiers`, since it keeps the indexes."""

    id: str
    created: int
    updated: int
    identifiers: dict[str, str] = field(factory=dict)
    """By kind; `anonymous_id` is the newest of `devices`."""
    devices: dict[str, None] = field(factory=dict)
    """Every anonymous id of the profile, oldest first."""
    attributes: dict[str, str] = field(factory=dict)
    location: dict[str, Any] = field(factory=dict)
    properties: dict[str, Any] = field(factory=dict)
    secondary_emails: dict[str, None] = field(factory=dict)
    consents: dict[tuple[str, str], Consent] = field(factory=dict)
    """By channel and kind, such as `("email", "marketing")`."""
    pending: dict[tuple[str | None, str, str], Consent] = field(factory=dict)
    """Consents that wait for a double opt-in, by list id, channel and kind."""
    lists: dict[str, int] = field(factory=dict)
    """Memberships: list id and the time of joining."""
    list_suppressions: dict[str, int] = field(factory=dict)
    """Lists that the profile unsubscribed from, without leaving the others, and when."""
    suppressions: dict[str, int] = field(factory=dict)
    """Reasons why no e-mail is sent, and since when."""
    tokens: dict[str, str] = field(factory=dict)
    """Push tokens and their platform."""
    events: dict[tuple[str, str | int], Event] = field(factory=dict)
    """By metric and unique id, or the second where there is none; `add_event` adds to them."""
    newest_event: int | None = None
    """The latest time of an event, kept since replies show it and a profile may have a hundred thousand events."""
    is_unconfirmed: bool = False
    """Whether only subscriptions that wait for a confirmation have named the profile: Klaviyo does not show it."""

    def add_event(self, key: tuple[str, str | int], event: Event) -> None:
        """Keep an event."""
        self.events[key] = event
        self.newest_event = _latest(self.newest_event, event.time)

    def absorb(self, other: "Profile") -> None:
        """Take over everything that another profile has and this one lacks."""
        for name in ("attributes", "location", "properties", "consents", "pending", "lists", "list_suppressions"):
            mine, theirs = getattr(self, name), getattr(other, name)
            for key, value in theirs.items():
                mine.setdefault(key, value)
        for name in ("secondary_emails", "suppressions", "tokens", "events"):
            setattr(self, name, {**getattr(other, name), **getattr(self, name)})
        self.newest_event = _latest(self.newest_event, other.newest_event)
        self.created = min(self.created, other.created)
        self.is_unconfirmed = self.is_unconfirmed and other.is_unconfirmed


def _latest(one: int | None, other: int | None) -> int | None:
    return max((time for time in (one, other) if time is not None), default=None)
