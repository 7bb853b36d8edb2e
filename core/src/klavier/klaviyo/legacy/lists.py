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
from klavier.jsvalues import to_string, truthy
from klavier.klaviyo.legacy.event import NOBODY, Unsayable, person_of
from klavier.klaviyo.legacy.said import Said, post
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response

_CHANNELS = {"email": "email", "sms": "phone_number"}
"""The channels that the legacy calls knew, and the identifier that each needs."""
_SUBSCRIBED = {"marketing": {"consent": "SUBSCRIBED"}}


class _ListCall:
    """What the list calls share: their replies say all in the status."""

    def complaint(self, _: Response) -> str:
        """Say what is wrong with a good status: nothing."""
        return ""


@frozen
class MemberCall(_ListCall):
    """`POST /api/v1/list/{id}/members`: add one person, with people properties, at once or after a confirmation.

    `confirm_optin` is what the form says: anything but None is sent, None is left to Klaviyo, which asks for the
    confirmation.
    """

    list_id: str
    email: Any = field(repr=False)
    properties: JsonObject = field(repr=False)
    api_key: str = field(repr=False)
    confirm_optin: Any = None

    def native(self) -> Request:
        """Give the call to the letter: a form, in which the properties are JSON text."""
        form = {"email": to_string(self.email), "api_key": self.api_key}
        if self.confirm_optin is not None:
            form["confirm_optin"] = to_string(self.confirm_optin)
        form["properties"] = orjson.dumps(self.properties).decode()
        return Request("POST", f"/api/v1/list/{quote(self.list_id, safe='')}/members", form=form)

    def current(self, _: Event) -> Said:
        """Say it today: import the profile, into the list at once, or subscribe it when a confirmation is asked for.

        The newest revision cannot ask for a confirmation by call: the list's own opt-in setting decides.
        """
        notes: list[str] = []
        try:
            attributes = person_of({**self.properties, "$email": self.email}, notes)
        except Unsayable as reason:
            return Said(refusal=str(reason))
        if "email" not in attributes:
            return Said(refusal="a member of a list needs an e-mail address")
        if not _confirms(self.confirm_optin):
            return Said((_import([attributes], self.list_id),), tuple(notes))
        subscriber = {"email": attributes["email"], "subscriptions": {"email": _SUBSCRIBED}}
        return Said((_import([attributes]), _subscribe([subscriber], self.list_id)), tuple(notes))


@frozen
class MembersCall(_ListCall):
    """`POST /api/v2/list/{id}/members`: add profiles at once, whatever the list's opt-in says.

    A profile is `{email, phone_number, ...}` plus people properties and custom ones.
    """

    list_id: str
    profiles: tuple[JsonObject, ...] = field(repr=False)
    api_key: str = field(repr=False)

    def native(self) -> Request:
        """Give the call to the letter."""
        return _v2(self.list_id, "members", self.api_key, self.profiles)

    def current(self, _: Event) -> Said:
        """Say it as one import into the list."""
        notes: list[str] = []
        found = [attributes for attributes, _ in _profiles(self.profiles, notes)]
        return Said((_import(found, self.list_id),), tuple(notes)) if found else Said(refusal=NOBODY)


@frozen
class SubscribeCall(_ListCall):
    """`POST /api/v2/list/{id}/subscribe`: subscribe profiles, as the list's opt-in asks.

    `$consent` of a profile names the channels, without it e-mail; `sms_consent` adds SMS.
    """

    list_id: str
    profiles: tuple[JsonObject, ...] = field(repr=False)
    api_key: str = field(repr=False)

    def native(self) -> Request:
        """Give the call to the letter."""
        return _v2(self.list_id, "subscribe", self.api_key, self.profiles)

    def current(self, _: Event) -> Said:
        """Say it as an import of what is known about them, then a subscription to the list."""
        notes: list[str] = []
        found = list(_profiles(self.profiles, notes))
        subscribers = [one for attributes, given in found if (one := _subscriber(attributes, given, notes))]
        if not subscribers:
            return Said(refusal="a subscription needs an e-mail address, or a phone number and SMS consent")
        imported = _import([attributes for attributes, _ in found])
        return Said((imported, _subscribe(subscribers, self.list_id)), tuple(notes))


def _confirms(confirm_optin: Any) -> bool:
    """Read `confirm_optin` as the form does, where false is the text `false` or `0`."""
    if confirm_optin is None:
        return True
    return truthy(confirm_optin) and to_string(confirm_optin).strip().lower() not in ("false", "0")


def _v2(list_id: str, verb: str, api_key: str, profiles: tuple[JsonObject, ...]) -> Request:
    body = {"api_key": api_key, "profiles": list(profiles)}
    return Request("POST", f"/api/v2/list/{quote(list_id, safe='')}/{verb}", json=body)


def _profiles(profiles: tuple[JsonObject, ...], notes: list[str]) -> Iterable[tuple[JsonObject, JsonObject]]:
    """Give each profile that can be told apart as attributes, with the profile as given."""
    for given in profiles:
        people = {_V2_NAMES.get(key, key): value for key, value in given.items() if key != "sms_consent"}
        try:
            yield person_of(people, notes), given
        except Unsayable as reason:
            notes.append(f"a profile left out: {reason}")


_V2_NAMES = {"external_id": "$id", "id": "$id"} | {
    name: f"${name}"
    for name in (
        "email",
        "phone_number",
        "first_name",
        "last_name",
        "title",
        "organization",
        "city",
        "region",
        "country",
    )
}
"""Version 2 takes people's names without the dollar too."""


def _subscriber(attributes: JsonObject, given: JsonObject, notes: list[str]) -> JsonObject | None:
    consent = given.get("$consent")
    named = [channel for channel in (consent if isinstance(consent, list) else [consent]) if channel in _CHANNELS]
    channels = [*(named or ["email"]), *(["sms"] if truthy(given.get("sms_consent")) else [])]
    subscriber: JsonObject = {"subscriptions": {}}
    for channel, attribute in _CHANNELS.items():
        if channel not in channels:
            continue
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
