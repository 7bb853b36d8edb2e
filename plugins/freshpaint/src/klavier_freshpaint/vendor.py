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
from klavier.values import read_time, unix_seconds
from klavier.vendor import BrowserCall, Delivery, Flow, Vendor
from klavier_freshpaint.hipaa import Guard
from klavier_freshpaint.message import (
    PAGE,
    SCREEN,
    find_name,
    find_time,
    read_properties,
    read_traits,
    unread_properties,
)
from klavier_freshpaint.profile import NO_IDENTITY, has_identity, profile_properties
from klavier_freshpaint.settings import Settings

NAME = "freshpaint"


class Freshpaint(Vendor):
    """Freshpaint's Klaviyo destination, bound to its settings."""

    name = NAME
    constants = frozenset({PAGE, SCREEN})

    def __init__(self, settings: Settings) -> None:
        self.settings: Settings = settings
        self._guard = Guard(settings)
        self._enabled = frozenset(settings.enabled_events)
        # One private key belongs to one account: several accounts are reached by their public keys.
        self._uses_client_api = settings.connection_mode == "device" or (
            settings.wire == "current" and settings.tokens_by_property is not None
        )
        self._needs_token = self._uses_client_api or settings.wire == "native"

    def deliveries(self, events: Sequence[Event]) -> Iterator[Delivery]:
        """Return one delivery for each event: the vendor sends them singly."""
        for event in events:
            yield self._delivery(event)

    def excludes(self, event: Event) -> frozenset[str]:
        """Return what a browser's track call does not contain: the traits of the profile."""
        return frozenset({"traits.*"}) if self._uses_client_api and not isinstance(event, Identify) else frozenset()

    def _delivery(self, event: Event) -> Delivery:
        outcome = self._check(event)
        token = "" if outcome else self._token(event)
        if outcome is None and not token and self._needs_token:
            outcome = self._without_token()
        notes: list[str] = []
        profile = profile_properties(event, self._guard, notes, prefer_email=self.settings.use_email_as_identifier)
        if outcome is None and not has_identity(profile) and not self._is_visit(event):
            outcome = rejected(NO_IDENTITY)
        if outcome is not None:
            return Delivery((event,), (self.key(event),), partial(_end, outcome))
        if self._uses_client_api:
            return self._client(event, profile, token, notes)
        call = self._call(event, profile, token, notes)
        bulkable = self.settings.wire == "current"
        flow = partial(legacy_flow, [call], self.settings.wire, event, notes)
        return Delivery(
            (event,),
            (self.key(event),),
            flow,
            bulkable=bulkable,
            single_request=bulkable and isinstance(call, TrackCall),
        )

    def _is_visit(self, event: Event) -> bool:
        """Return whether a call of the browser is about a visitor, whom a cookie identifies, here the anonymous id."""
        in_browser = self.settings.connection_mode == "device" and not isinstance(event, Identify)
        return in_browser and event.anonymous_id not in (None, "")

    def _check(self, event: Event) -> Outcome | None:
        """Return the outcome of an event that is not sent; None for one that is."""
        if isinstance(event, Identify):
            return None
        name = find_name(event)
        if isinstance(event, Track) and (name is None or name == "" or isinstance(name, (dict, list))):
            return rejected("event: required; send the name of what happened")
        if name is None:
            return skipped(f"the destination does nothing for {event.type}")
        if to_string(name) in self._enabled or ("all" in self._enabled and isinstance(event, Track)):
            return None
        return skipped("Klaviyo is not enabled in the definition of this event; add its name to enabled_events")

    def _token(self, event: Event) -> str:
        """Return the public key of the account that an event belongs to; empty where there is none."""
        rule = self.settings.tokens_by_property
        if rule is None:
            return self.settings.public_api_key
        found = {**read_traits(event), **(read_properties(event) if isinstance(event, (Track, Page, Screen)) else {})}
        value = found.get(rule.property)
        return "" if value is None or isinstance(value, (dict, list)) else rule.tokens.get(to_string(value), "")

    def _without_token(self) -> Outcome:
        rule = self.settings.tokens_by_property
        if rule is None:
            return rejected("public_api_key: required: it is the token of every call")
        return skipped(f"tokens_by_property: no account for this value of the property {rule.property!r}")

    def _call(self, event: Event, profile: JsonObject, token: str, notes: list[str]) -> LegacyCall:
        if isinstance(event, Identify):
            notes.extend(unread_properties(event))
            return IdentifyCall({"token": token, "properties": profile})
        document: JsonObject = {
            "token": token,
            "event": to_string(find_name(event)),
            "customer_properties": profile,
            "properties": self._properties(event, notes),
        }
        time, reason = read_time(find_time(event))
        if time is not None:
            document["time"] = unix_seconds(time)
        elif reason:
            notes.append(f"timestamp left out: {reason}; Klaviyo uses the time of arrival")
        return TrackCall(document)

    def _client(self, event: Event, profile: JsonObject, token: str, notes: list[str]) -> Delivery:
        if isinstance(event, Identify):
            notes.extend(unread_properties(event))
            call: BrowserCall = ["identify", profile]
        else:
            call = ["track", to_string(find_name(event)), self._properties(event, notes)]
        calls = (call,) if self.settings.connection_mode == "device" else ()
        visitor, dated = _identity(profile), evolve(event, timestamp=find_time(event))

        def flow() -> Flow:
            outcome = yield from browser_flow([call], visitor, token, dated)
            if notes and isinstance(outcome, Outcome):
                return evolve(outcome, notes=(*notes, *outcome.notes))
            return outcome

        return Delivery((event,), (self.key(event),), flow, browser_calls=calls)

    def _properties(self, event: Event, notes: list[str]) -> JsonObject:
        found: Any = read_properties(event) if isinstance(event, (Track, Page, Screen)) else {}
        return self._guard.filter(found, "properties", notes)


def build(settings: Settings) -> Freshpaint:
    """Bind the vendor to its settings; raises `ConfigError` with every conflict between settings."""
    problems = list(_conflicts(settings))
    if problems:
        raise ConfigError(problems)
    return Freshpaint(settings)


def _conflicts(settings: Settings) -> Iterator[str]:
    cloud = settings.connection_mode == "cloud"
    if settings.hipaa_mode and not cloud:
        yield "hipaa_mode: server-side only; set connection_mode to 'cloud'"
    if settings.hipaa_mode and settings.mask_ids and not settings.mask_secret:
        yield "mask_secret: required to mask ids in HIPAA mode; set it to a long random text, or set mask_ids to false"
    by_private_key = settings.wire == "current" and cloud and settings.tokens_by_property is None
    if by_private_key and not settings.private_api_key:
        yield "private_api_key: required on wire 'current'; set it, or set wire to 'native'"
    if not settings.public_api_key and settings.tokens_by_property is None and not by_private_key:
        yield "public_api_key: required: it is the token of every call"


def _identity(profile: JsonObject) -> JsonObject:
    """Return the special properties: the identifiers and the attributes beside them."""
    return {name: value for name, value in profile.items() if name.startswith("$")}


def _end(outcome: Outcome) -> Flow:
    """End a flow without a request."""
    return outcome
    yield  # makes this function a generator
