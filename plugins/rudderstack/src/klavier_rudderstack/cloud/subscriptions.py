"""Which profile subscribes to, unsubscribes from or joins which list, and through which channels."""

from collections.abc import Callable, Sequence
from typing import Any

from klavier.events.model import JsonObject
from klavier.jsvalues import dig, to_string, truthy
from klavier.strictjson import kind_of
from klavier.values import read_boolean
from klavier.vendor import RejectEvent
from klavier_rudderstack.cloud.profiles import find_klaviyo_id
from klavier_rudderstack.cloud.translation import Membership, Operation
from klavier_rudderstack.mode import Mode
from klavier_rudderstack.settings import CHANNELS
from klavier_rudderstack.tables.profile import GENERAL
from klavier_rudderstack.values import acceptable
from klavier_rudderstack.values.lookup import control_traits

NO_CHANNELS = (
    "No subscriptions could be resolved for v3 API version. "
    "Ensure consent channels (email/sms) match the identifiers present in the event"
)
NO_CONTACT = "Profile Id, Email or/and Phone are required to subscribe to a list"
NO_GROUP_CONTACT = "email or phone is a required field for group events"
NO_GROUP_ID = "groupId is a required field for group events"
NOT_SUBSCRIBING = "Subscribe flag should be true for group call"
NO_SUBSCRIBE_FLAG = "Subscribe flag should be included in group call"
NO_MATCHING_CHANNEL = "not subscribed: no consent (email, sms) matches an identifier of the event"
NO_CHANNEL_CONSENT = "not subscribed: the consent contains neither email nor sms"
NO_LIST = "subscribe left out: no list: send traits.properties.listId or set list_id"
COUNTS_AS_TRUE = "subscribe counts as true: RudderStack reads any value but false, 0 and empty text so"
NO_ACCEPTED_CONTACT = "not subscribed: no email or phone that Klaviyo accepts"
OTHER_CONTROLS = "context.traits.properties"
TRAITS_NOT_SENT = "{place} left out: a group call changes a list only"

_GROUP_TRAITS = frozenset({"email", "phone", "subscribe", "consent", "smsConsent"})
"""The traits that a group call uses."""
_CHANNELS = (("email", "email"), ("sms", "phone_number"))
_EMAIL_PLACES = tuple(tuple(place.split(".")) for place in GENERAL[0][1:])
_PHONE_PLACES = tuple(tuple(place.split(".")) for place in GENERAL[1][1:])
_CONTROLS = frozenset({"subscribe", "listId", "consent", "smsConsent"})
_STATUS = {"subscribe": "SUBSCRIBED", "unsubscribe": "UNSUBSCRIBED"}


class Subscriptions:
    """Reads the list memberships of identify and group calls, under one mode."""

    def __init__(self, mode: Mode) -> None:
        self._mode = mode
        consent = mode.settings.consent
        self._consent: Any = list(consent) if isinstance(consent, tuple) else consent

    def read_identify(self, payload: JsonObject, traits: JsonObject, notes: list[str]) -> Membership | None:
        """Return the membership that an identify call asks for by its control traits; None for none.

        Raises `RejectEvent`.
        """
        control = _object(traits.get("properties"))
        if control:
            notes.extend(_note_unused_controls(control))
        notes.extend(_note_unread_controls(payload))
        given = control.get("listId")
        list_id = given if truthy(given) else self._mode.settings.list_id
        if not truthy(list_id):
            if control.get("subscribe") is not None:
                notes.append(NO_LIST)
            return None
        operation, problem = self._read_operation(control.get("subscribe"))
        if problem:
            notes.append(f"subscribe left out: {problem}" if operation is None else problem)
        if operation is None:
            return None
        if operation == "add":
            return Membership("add", self._list_id(list_id), {})
        entry = self._entry(operation, payload, traits, notes)
        return None if entry is None else Membership(operation, self._list_id(list_id), entry)

    def read_group(self, payload: JsonObject, notes: list[str]) -> Membership:
        """Return the membership that a group call asks for.  Raises `RejectEvent`."""
        if not truthy(payload.get("groupId")):
            raise RejectEvent(NO_GROUP_ID)
        # v1 crashes for a group call without traits of its own, whatever its user's traits hold.
        traits = control_traits(payload) if self._mode.version.imports else _object(payload.get("traits"))
        operation, problem = self._read_operation(traits.get("subscribe"))
        if operation is None:
            missing = NO_SUBSCRIBE_FLAG if self._mode.version.unsubscribes else NOT_SUBSCRIBING
            raise RejectEvent(f"subscribe: {problem}: send true or false" if problem else missing)
        if problem:
            notes.append(problem)
        list_id = self._list_id(payload["groupId"])
        for place, holder in (("traits", payload), ("context.traits", payload.get("context"))):
            if _has_unused(dig(holder, "traits")):
                notes.append(TRAITS_NOT_SENT.format(place=place))
        notes.extend(_note_replaced(payload))
        email, phone = self._read_contact(payload, notes)
        if self._mode.fidelity.group_needs_contact and email is None and phone is None:
            raise RejectEvent(NO_GROUP_CONTACT)
        if operation == "add":
            return Membership("add", list_id, {})
        entry = self._entry(operation, payload, traits, notes)
        if entry is None:
            raise RejectEvent(notes[-1])
        return Membership(operation, list_id, entry)

    def contact(self, payload: JsonObject, notes: list[str]) -> JsonObject:
        """Return the email address and phone number of a group call's user as attributes of a profile."""
        email, phone = self._read_contact(payload, notes)
        return {name: value for name, value in (("email", email), ("phone_number", phone)) if value is not None}

    def _list_id(self, value: Any) -> Any:
        """Return a list id as text; v1 was observed to send it unchanged, v2 and v3 to group the jobs by its text."""
        unchanged = isinstance(value, str) or (self._mode.exact and self._mode.legacy)
        return value if unchanged else to_string(value)

    def _read_operation(self, flag: Any) -> tuple[Operation | None, str]:
        """Return the operation that `subscribe` asks for, None for none, and what is unusual about its value.

        Where values are sent exactly, any value counts as JavaScript reads it: the text `false` is true.
        """
        value, reason = read_boolean(flag)
        if self._mode.exact:
            read, value = value, truthy(flag) if flag is not None else None
            reason = COUNTS_AS_TRUE if value and not read else ""
        elif reason:
            return None, reason
        if value:
            return "subscribe", reason
        if value is not None and self._mode.version.unsubscribes:
            return "unsubscribe", reason
        return ("add" if self._mode.fidelity.adds_to_list else None), reason

    def _entry(
        self, operation: Operation, payload: JsonObject, traits: JsonObject, notes: list[str]
    ) -> JsonObject | None:
        """Return the entry of a subscription job; None, with a note, where Klaviyo would accept none."""
        mode = self._mode
        email, phone = self._read_contact(payload, notes)
        consent, unread = self._read_consent(payload, traits, notes)
        if mode.legacy:
            return _legacy_entry(email, phone, consent, notes, exact=mode.exact)
        takes_id = operation == "subscribe" and mode.version.patches
        profile_id = find_klaviyo_id(_object(payload.get("context"))) if takes_id else None
        attributes = {name: v for name, v in (("email", email), ("phone_number", phone)) if v is not None}
        if profile_id is not None and not truthy(email) and not truthy(phone):
            raise RejectEvent(NO_CONTACT)
        names_channels = operation in mode.version.names_channels
        channels = _match_channels(consent, attributes) if names_channels else []
        if not channels and names_channels and mode.version.needs_channels:
            raise RejectEvent(f"{NO_CHANNELS}; {unread}" if unread else NO_CHANNELS)
        if not mode.exact and not attributes:
            notes.append(NO_ACCEPTED_CONTACT)
            return None
        if mode.current and not channels:
            channels = self._default_channels(consent, attributes, notes, names_channels=names_channels)
            if not channels:
                return None
        elif names_channels:
            notes.extend(_note_unmatched(consent, channels))
        if channels:
            status = _STATUS[operation]
            attributes["subscriptions"] = {channel: {"marketing": {"consent": status}} for channel in channels}
        entry: JsonObject = {"type": "profile"}
        if profile_id is not None and (mode.exact or isinstance(profile_id, str)):
            entry["id"] = profile_id
        entry["attributes"] = attributes
        return entry

    def _default_channels(
        self, consent: list[Any] | None, attributes: JsonObject, notes: list[str], *, names_channels: bool
    ) -> list[str]:
        """Return the channels where RudderStack names none: the current API requires them, the old one meant all.

        Without any consent known that is every identifier's channel; with a consent that matches none, no channel.
        """
        if names_channels and consent is not None:
            notes.append(NO_MATCHING_CHANNEL if {"email", "sms"} & set(map(str, consent)) else NO_CHANNEL_CONSENT)
            return []
        return [channel for channel, identifier in _CHANNELS if identifier in attributes]

    def _read_consent(self, payload: JsonObject, traits: JsonObject, notes: list[str]) -> tuple[list[Any] | None, str]:
        """Return the consent of the event, else of the settings, with the SMS channel added or removed.

        None means that none is known; an empty list counts as known only where values are sent exactly.  The second
        member is the note about consents that cannot be read, or empty.
        """
        mode, control = self._mode, _object(traits.get("properties"))
        places = [control.get("consent"), self._consent]
        if mode.version.imports or mode.fidelity.group_user_consent:
            places.insert(0, traits.get("consent"))
        if mode.fidelity.group_user_consent:
            places.insert(0, dig(payload, "context", "traits", "consent"))
        found = next((place for place in places if truthy(place) and (mode.exact or place != [])), None)
        consent = found if found is None or isinstance(found, list) else [found]
        unread = ""
        if consent is not None:
            words, unread = _read_consent_words(consent)
            if unread:
                notes.append(unread)
            consent = consent if mode.exact else words
        if mode.fidelity.sms_consent:
            consent = self._apply_sms_consent(consent, payload, traits, notes)
        return consent, unread

    def _apply_sms_consent(
        self, consent: list[Any] | None, payload: JsonObject, traits: JsonObject, notes: list[str]
    ) -> list[Any] | None:
        """Add or remove SMS as `smsConsent` or the setting asks; email stays where no consent is known."""
        places = (
            dig(traits, "properties", "smsConsent"),
            traits.get("smsConsent"),
            dig(payload, "context", "traits", "smsConsent"),
            self._mode.settings.sms_consent,
        )
        sms, reason = read_boolean(next((place for place in places if place is not None), None))
        if reason:
            notes.append(f"smsConsent left out: {reason}")
        if sms is None:
            return consent
        others = [channel for channel in (["email"] if consent is None else consent) if channel != "sms"]
        return [*others, "sms"] if sms else others

    def _read_contact(self, payload: JsonObject, notes: list[str]) -> tuple[Any, Any]:
        """Look up email and phone of a job entry; what Klaviyo refuses is left out with a note."""
        email, phone = _first(payload, _EMAIL_PLACES), _first(payload, _PHONE_PLACES)
        if email is None and self._mode.fidelity.external_id_as_email:
            email = _first_external_id(payload)
        if self._mode.exact:
            return email, phone
        return _accept("email", email, acceptable.email, notes), _accept("phone", phone, acceptable.phone, notes)


def _accept(name: str, value: Any, accept: Callable[[str, list[str]], str | None], notes: list[str]) -> str | None:
    text = None if value is None else acceptable.attribute(name, value, notes)
    return None if text is None else accept(text, notes)


def _match_channels(consent: list[Any] | None, attributes: JsonObject) -> list[str]:
    given = consent or []
    return [name for name, identifier in _CHANNELS if name in given and truthy(attributes.get(identifier))]


def _legacy_entry(
    email: Any, phone: Any, consent: list[Any] | None, notes: list[str], *, exact: bool
) -> JsonObject | None:
    """Return the entry of revision 2023-02-22: with `channels` as soon as a consent is known, even an empty one."""
    entry: JsonObject = {name: v for name, v in (("email", email), ("phone_number", phone)) if v is not None}
    if not entry and not exact:
        notes.append(NO_ACCEPTED_CONTACT)
        return None
    if consent is not None:
        named = [name for name, identifier in _CHANNELS if name in consent and (exact or identifier in entry)]
        notes.extend(_note_unmatched(consent, [name for name in named if dict(_CHANNELS)[name] in entry]))
        entry["channels"] = {channel: ["MARKETING"] for channel in named}
    return entry


def _read_consent_words(consent: list[Any]) -> tuple[list[str], str]:
    """Return the channels that a consent names, and the note about members that are none; text may name several."""
    words: list[str] = []
    unread = ""
    for item in consent:
        named = [word.strip().lower() for word in item.split(",")] if isinstance(item, str) else []
        known = [word for word in named if word in CHANNELS]
        if len(known) < max(len(named), 1):
            unread = f"consent left out: {kind_of(item)} that is none of {', '.join(CHANNELS)}"
        words.extend(word for word in known if word not in words)
    return words, unread


def _note_unmatched(consent: list[Any] | None, channels: Sequence[str]) -> list[str]:
    """Return notes about the channels of a consent that the event has no identifier for."""
    return [
        f"{name} consent left out: the event has no {identifier} that Klaviyo accepts"
        for name, identifier in _CHANNELS
        if consent and name in consent and name not in channels
    ]


def _note_unused_controls(control: JsonObject) -> list[str]:
    """Return notes about the members of `traits.properties` that control nothing."""
    return [f"traits.properties.{name[:40]} left out: it is no control" for name in control.keys() - _CONTROLS]


def _note_unread_controls(payload: JsonObject) -> list[str]:
    """Return notes about `properties` of traits that are no object, or that those of other traits stand for."""
    own, others = payload.get("traits"), dig(payload, "context", "traits", "properties")
    if not isinstance(own, dict):
        return [acceptable.note_wrong_kind(OTHER_CONTROLS, others)] if _is_wrong(others) else []
    given = own.get(acceptable.CONTROL)
    notes = [acceptable.note_wrong_kind("traits.properties", given)] if _is_wrong(given) else []
    if others not in (None, "", {}, [], given):
        notes.append(f"{OTHER_CONTROLS} left out: RudderStack reads those of traits")
    return notes


def _is_wrong(control: Any) -> bool:
    return control not in (None, "", []) and not isinstance(control, dict)


def _has_unused(traits: Any) -> bool:
    return isinstance(traits, dict) and not _GROUP_TRAITS.issuperset(traits)


def _note_replaced(payload: JsonObject) -> list[str]:
    """Return notes about the addresses and phone numbers of a group call that another one takes precedence over."""
    return [
        f"{'.'.join(place)} left out: another value takes precedence"
        for places in (_EMAIL_PLACES, _PHONE_PLACES)
        for place in places
        if (value := dig(payload, *place)) not in (None, "") and value != _first(payload, places)
    ]


def _object(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _first(payload: JsonObject, places: Sequence[tuple[str, ...]]) -> Any:
    for place in places:
        value = dig(payload, *place)
        if value is not None and value != "":
            return value
    return None


def _first_external_id(payload: JsonObject) -> Any:
    given = dig(payload, "context", "externalId")
    first = given[0] if isinstance(given, list) and given else None
    found = dig(first, "id")
    return None if found == "" else found
