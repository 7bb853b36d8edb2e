"""The legacy list calls: one member (v1), members and subscribers (v2).

Source: Klaviyo's legacy list APIs; today's POST /api/profile-bulk-import-jobs and
POST /api/profile-subscription-bulk-create-jobs.
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import orjson
from attrs import field, frozen

from klavier.events.model import Event, JsonObject
from klavier.jsvalues import to_string
from klavier.klaviyo.attributes import CHANNEL_IDENTIFIERS, UNPREFIXED_SPECIALS
from klavier.klaviyo.legacy.translation import NO_IDENTIFIER, CannotTranslate, Translation, post, translate_profile
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.values import read_boolean

_CHANNELS = ("email", "sms")
"""The channels that the legacy calls knew."""
_CONSENT_SOURCES = ("web", "mobile", "directmail")
"""Words of `$consent` for where it was collected: they are no channels."""
_SUBSCRIBED = {"marketing": {"consent": "SUBSCRIBED"}}


class _ListCall:
    """What the list calls share: their status alone is the result."""

    def native_error(self, _: Response) -> str:
        """Return no error: a success status is a success."""
        return ""


@frozen
class MemberCall(_ListCall):
    """`POST /api/v1/list/{id}/members`: add one profile, with its properties, at once or after a confirmation.

    `confirm_optin` is the form's member of that name; None omits it, and Klaviyo then asks for a confirmation.
    """

    list_id: str
    email: Any = field(repr=False)
    properties: JsonObject = field(repr=False)
    api_key: str = field(repr=False)
    confirm_optin: Any = None

    def native(self) -> Request:
        """Return the call exactly: a form, in which the properties are JSON text."""
        form = {"email": to_string(self.email), "api_key": self.api_key}
        if self.confirm_optin is not None:
            form["confirm_optin"] = to_string(self.confirm_optin)
        form["properties"] = orjson.dumps(self.properties).decode()
        return Request("POST", f"/api/v1/list/{quote(self.list_id, safe='')}/members", form=form)

    def current(self, _: Event) -> Translation:
        """Translate it: import the profile into the list, or import and subscribe it where a confirmation is asked for.

        No request of the newest revision asks for a confirmation by itself: the list's opt-in process decides.
        """
        notes: list[str] = []
        try:
            attributes = translate_profile({**self.properties, "$email": self.email}, notes)
        except CannotTranslate as error:
            return Translation(refusal=str(error))
        if "email" not in attributes:
            return Translation(refusal="a member of a list needs an e-mail address")
        confirms, reason = read_boolean(self.confirm_optin)
        if reason:
            notes.append(f"confirm_optin left out: {reason}; the profile is asked for a confirmation")
        if confirms is False:
            return Translation((_import([attributes], self.list_id),), tuple(notes))
        subscriber = {"email": attributes["email"], "subscriptions": {"email": _SUBSCRIBED}}
        return Translation((_import([attributes]), _subscribe([subscriber], self.list_id)), tuple(notes))


@frozen
class MembersCall(_ListCall):
    """`POST /api/v2/list/{id}/members`: add profiles at once, whatever the list's opt-in process is.

    A profile is `{email, phone_number, ...}` plus special and custom properties.
    """

    list_id: str
    profiles: tuple[JsonObject, ...] = field(repr=False)
    api_key: str = field(repr=False)

    def native(self) -> Request:
        """Return the call exactly."""
        return _v2(self.list_id, "members", self.api_key, self.profiles)

    def current(self, _: Event) -> Translation:
        """Translate it to one import into the list."""
        notes: list[str] = []
        found = [attributes for attributes, _ in _profiles(self.profiles, notes)]
        return (
            Translation((_import(found, self.list_id),), tuple(notes)) if found else Translation(refusal=NO_IDENTIFIER)
        )


@frozen
class SubscribeCall(_ListCall):
    """`POST /api/v2/list/{id}/subscribe`: subscribe profiles through the list's opt-in process.

    `$consent` of a profile names the channels, without it e-mail; `sms_consent` adds SMS.
    """

    list_id: str
    profiles: tuple[JsonObject, ...] = field(repr=False)
    api_key: str = field(repr=False)

    def native(self) -> Request:
        """Return the call exactly."""
        return _v2(self.list_id, "subscribe", self.api_key, self.profiles)

    def current(self, _: Event) -> Translation:
        """Translate it to an import of the profiles, then a subscription to the list."""
        notes: list[str] = []
        found = list(_profiles(self.profiles, notes))
        subscribers = [one for attributes, given in found if (one := _subscriber(attributes, given, notes))]
        if not subscribers:
            return Translation(refusal="a subscription needs an e-mail address, or a phone number and SMS consent")
        imported = _import([attributes for attributes, _ in found])
        return Translation((imported, _subscribe(subscribers, self.list_id)), tuple(notes))


def _v2(list_id: str, verb: str, api_key: str, profiles: tuple[JsonObject, ...]) -> Request:
    body = {"api_key": api_key, "profiles": list(profiles)}
    return Request("POST", f"/api/v2/list/{quote(list_id, safe='')}/{verb}", json=body)


def _profiles(profiles: tuple[JsonObject, ...], notes: list[str]) -> Iterable[tuple[JsonObject, JsonObject]]:
    """Yield each profile that has an identifier: its attributes, and the profile as given."""
    for given in profiles:
        properties = {UNPREFIXED_SPECIALS.get(key, key): value for key, value in given.items() if key != "sms_consent"}
        try:
            yield translate_profile(properties, notes), given
        except CannotTranslate as reason:
            notes.append(f"a profile left out: {reason}")


def _consent_channels(given: JsonObject, notes: list[str]) -> list[Any]:
    """Return the channels that a v2 profile consents to: those of `$consent`, e-mail without it, and SMS by a flag."""
    consent = given.get("$consent")
    words = consent if isinstance(consent, list) else [] if consent in (None, "") else [consent]
    channels = [word for word in words if word in _CHANNELS]
    unknown = [word for word in words if word not in _CHANNELS and word not in _CONSENT_SOURCES]
    if unknown:
        notes.append(f"$consent left out: a word that is none of {', '.join((*_CHANNELS, *_CONSENT_SOURCES))}")
    elif not channels:
        channels = ["email"]
    by_sms, reason = read_boolean(given.get("sms_consent"))
    if reason:
        notes.append(f"sms_consent left out: {reason}")
    return [*channels, "sms"] if by_sms else channels


def _subscriber(attributes: JsonObject, given: JsonObject, notes: list[str]) -> JsonObject | None:
    channels = _consent_channels(given, notes)
    subscriber: JsonObject = {"subscriptions": {}}
    for channel in _CHANNELS:
        if channel not in channels:
            continue
        attribute = CHANNEL_IDENTIFIERS[channel]
        if attribute in attributes:
            subscriber[attribute] = attributes[attribute]
            subscriber["subscriptions"][channel] = _SUBSCRIBED
        else:
            notes.append(f"{channel} consent left out: the profile has no {attribute}")
    return subscriber if subscriber["subscriptions"] else None


def _import(profiles: list[JsonObject], list_id: str | None = None) -> Request:
    data: JsonObject = {
        "type": "profile-bulk-import-job",
        "attributes": {"profiles": {"data": [{"type": "profile", "attributes": one} for one in profiles]}},
    }
    if list_id is not None:
        data["relationships"] = {"lists": {"data": [{"type": "list", "id": list_id}]}}
    return post("/api/profile-bulk-import-jobs", {"data": data})


def _subscribe(subscribers: list[JsonObject], list_id: str) -> Request:
    data = {
        "type": "profile-subscription-bulk-create-job",
        "attributes": {"profiles": {"data": [{"type": "profile", "attributes": one} for one in subscribers]}},
        "relationships": {"list": {"data": {"type": "list", "id": list_id}}},
    }
    return post("/api/profile-subscription-bulk-create-jobs", {"data": data})
