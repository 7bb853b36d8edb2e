"""Freshpaint: from events to deliveries."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from attrs import evolve

from klavier.errors import ConfigError
from klavier.events.model import Event, Identify, JsonObject, Page, Screen, Track
from klavier.jsvalues import to_string
from klavier.klaviyo.browser import browser_flow
from klavier.klaviyo.legacy import IdentifyCall, LegacyCall, TrackCall, legacy_flow
from klavier.outcome import Outcome, rejected, skipped
from klavier.vendor import BrowserCall, Delivery, Flow, Vendor
from klavier_freshpaint.hipaa import Guard
from klavier_freshpaint.message import PAGE, SCREEN, name_of, properties_of, traits_of
from klavier_freshpaint.people import NOBODY, is_somebody, people_of
from klavier_freshpaint.settings import Settings
from klavier_freshpaint.times import unix_seconds

NAME = "freshpaint"


class Freshpaint(Vendor):
    """Freshpaint's Klaviyo destination, bound to its settings."""

    name = NAME
    constants = frozenset({PAGE, SCREEN})

    def __init__(self, settings: Settings) -> None:
        self.settings: Settings = settings
        self._guard = Guard(settings)
        self._enabled = frozenset(settings.enabled_events)
        # Several accounts have several public keys, and one private key would put all events into one of them.
        self._by_client = settings.connection_mode == "device" or (
            settings.wire == "current" and settings.tokens_by_property is not None
        )

        self._needs_token = self._by_client or settings.wire == "native"

    def deliveries(self, events: Sequence[Event]) -> Iterator[Delivery]:
        """Give one delivery for each event, as the vendor takes them one by one."""
        for event in events:
            yield self._delivery(event)

    def excludes(self, event: Event) -> frozenset[str]:
        """Give what a browser's track call does not carry: what is known about the person."""
        return frozenset({"traits.*"}) if self._by_client and not isinstance(event, Identify) else frozenset()

    def _delivery(self, event: Event) -> Delivery:
        closed = self._gate(event)
        token = "" if closed else self._token(event)
        if closed is None and not token and self._needs_token:
            closed = self._without_token()
        if closed is not None:
            return Delivery((event,), (self.key(event),), partial(_ended, closed))
        notes: list[str] = []
        people = people_of(event, self._guard, notes, prefer_email=self.settings.use_email_as_identifier)
        if not is_somebody(people):
            return Delivery((event,), (self.key(event),), partial(_ended, rejected(NOBODY)))
        if self._by_client:
            return self._client(event, people, token, notes)
        call = self._call(event, people, token, notes)
        # An identify may ask again without the phone number: it looks at the reply.
        lone = isinstance(call, TrackCall) and self.settings.wire == "current"
        flow = partial(legacy_flow, [call], self.settings.wire, event, notes)
        return Delivery((event,), (self.key(event),), flow, bulkable=lone, lone=lone)

    def _gate(self, event: Event) -> Outcome | None:
        """Give the outcome of an event that goes no further; None for one that does."""
        if isinstance(event, Identify):
            return None
        name = name_of(event)
        if isinstance(event, Track) and (name is None or name == "" or isinstance(name, (dict, list))):
            return rejected("event: required; give the name of what happened")
        if name is None:
            return skipped(f"the destination does nothing for {event.type}")
        if to_string(name) in self._enabled or ("all" in self._enabled and isinstance(event, Track)):
            return None
        return skipped("Klaviyo is not enabled in the definition of this event; add its name to enabled_events")

    def _token(self, event: Event) -> str:
        """Give the public key of the account that an event belongs to; empty where there is none."""
        rule = self.settings.tokens_by_property
        if rule is None:
            return self.settings.public_api_key
        found = {**traits_of(event), **(properties_of(event) if isinstance(event, (Track, Page, Screen)) else {})}
        value = found.get(rule.property)
        return "" if value is None or isinstance(value, (dict, list)) else rule.tokens.get(to_string(value), "")

    def _without_token(self) -> Outcome:
        rule = self.settings.tokens_by_property
        if rule is None:
            return rejected("public_api_key: required; it is the token of every call")
        return skipped(f"tokens_by_property: no account for this value of the property {rule.property!r}")

    def _call(self, event: Event, people: JsonObject, token: str, notes: list[str]) -> LegacyCall:
        if isinstance(event, Identify):
            return IdentifyCall({"token": token, "properties": people})
        document: JsonObject = {
            "token": token,
            "event": to_string(name_of(event)),
            "customer_properties": people,
            "properties": self._properties(event, notes),
        }
        seconds = unix_seconds(event.timestamp)
        if seconds is not None:
            document["time"] = seconds
        return TrackCall(document)

    def _client(self, event: Event, people: JsonObject, token: str, notes: list[str]) -> Delivery:
        if isinstance(event, Identify):
            call: BrowserCall = ["identify", people]
        else:
            call = ["track", to_string(name_of(event)), self._properties(event, notes)]
        calls = (call,) if self.settings.connection_mode == "device" else ()
        person = _identity(people)

        def flow() -> Flow:
            outcome = yield from browser_flow([call], person, token, event)
            if notes and isinstance(outcome, Outcome):
                return evolve(outcome, notes=(*notes, *outcome.notes))
            return outcome

        return Delivery((event,), (self.key(event),), flow, browser_calls=calls)

    def _properties(self, event: Event, notes: list[str]) -> JsonObject:
        found: Any = properties_of(event) if isinstance(event, (Track, Page, Screen)) else {}
        return self._guard.allowed(found, "properties", notes)


def build(settings: Settings) -> Freshpaint:
    """Bind the vendor to its settings; raises `ConfigError` with every pair that does not go together."""
    problems = list(_conflicts(settings))
    if problems:
        raise ConfigError(problems)
    return Freshpaint(settings)


def _conflicts(settings: Settings) -> Iterator[str]:
    cloud = settings.connection_mode == "cloud"
    if settings.hipaa_mode and not cloud:
        yield "hipaa_mode: works server-side only; set connection_mode to 'cloud'"
    if settings.hipaa_mode and settings.mask_ids and not settings.mask_secret:
        yield "mask_secret: required to mask ids in HIPAA mode; give a long random text, or set mask_ids to false"
    by_private_key = settings.wire == "current" and cloud and settings.tokens_by_property is None
    if by_private_key and not settings.private_api_key:
        yield "private_api_key: required on wire 'current'; give it, or set wire to 'native'"
    if not settings.public_api_key and settings.tokens_by_property is None and not by_private_key:
        yield "public_api_key: required; it is the token of every call"


def _identity(people: JsonObject) -> JsonObject:
    """Give the people properties that say who it is, and the specials beside them."""
    return {name: value for name, value in people.items() if name.startswith("$")}


def _ended(outcome: Outcome) -> Flow:
    return outcome
    yield  # what makes this a generator
