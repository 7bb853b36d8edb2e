"""Who is subscribed to, unsubscribed from or added to which list, and for which channels."""

from collections.abc import Callable, Sequence
from typing import Any

from klavier.events.model import JsonObject
from klavier.jsvalues import dig, to_string, truthy
from klavier_rudderstack import acceptable
from klavier_rudderstack.mode import Mode
from klavier_rudderstack.parcel import Membership, Operation, Refused
from klavier_rudderstack.patches import steering_traits
from klavier_rudderstack.people import klaviyo_id
from klavier_rudderstack.tables.profile import PERSON

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
NOBODY_TO_SUBSCRIBE = "not subscribed: no email or phone that Klaviyo accepts"

TRAITS_NOT_SENT = "traits left out: a group call says who is on which list, and nothing else"

_SAID_BY_GROUP = frozenset({"email", "phone", "subscribe", "consent", "smsConsent"})
_CHANNELS = (("email", "email"), ("sms", "phone_number"))
_EMAIL_PLACES = tuple(tuple(place.split(".")) for place in PERSON[0][1:])
_PHONE_PLACES = tuple(tuple(place.split(".")) for place in PERSON[1][1:])
_STATUS = {"subscribe": "SUBSCRIBED", "unsubscribe": "UNSUBSCRIBED"}


class Subscriptions:
    """What identify and group calls mean for lists, under one mode."""

    def __init__(self, mode: Mode) -> None:
        self._mode = mode
        consent = mode.settings.consent
        self._consent: Any = list(consent) if isinstance(consent, tuple) else consent

    def of_identify(self, payload: JsonObject, notes: list[str]) -> Membership | None:
        """Give the membership that an identify call asks for; None for none.  Raises `Refused`."""
        traits = steering_traits(payload)
        control = traits.get("properties")
        control = control if isinstance(control, dict) else {}
        given = control.get("listId")
        list_id = given if truthy(given) else self._mode.settings.list_id
        if not truthy(list_id):
            return None
        operation = self._operation(control.get("subscribe"))
        if operation is None:
            return None
        if operation == "add":
            return Membership("add", _list_id(list_id), {})
        entry = self._entry(operation, payload, traits, notes)
        return None if entry is None else Membership(operation, _list_id(list_id), entry)

    def of_group(self, payload: JsonObject, notes: list[str]) -> Membership:
        """Give the membership that a group call asks for.  Raises `Refused`."""
        if not truthy(payload.get("groupId")):
            raise Refused(NO_GROUP_ID)
        # v1 crashes for a group call without traits of its own, whatever its user's traits say.
        traits = steering_traits(payload) if self._mode.version.imports else _object(payload.get("traits"))
        operation = self._operation(traits.get("subscribe"))
        if operation is None:
            raise Refused(NO_SUBSCRIBE_FLAG if self._mode.version.unsubscribes else NOT_SUBSCRIBING)
        list_id = _list_id(payload["groupId"])
        if not self._mode.exact and (_others(payload.get("traits")) or _others(dig(payload, "context", "traits"))):
            notes.append(TRAITS_NOT_SENT)
        email, phone = self._contact(payload, notes)
        if self._mode.points.group_needs_contact and email is None and phone is None:
            raise Refused(NO_GROUP_CONTACT)
        if operation == "add":
            return Membership("add", list_id, {})
        entry = self._entry(operation, payload, traits, notes)
        if entry is None:
            raise Refused(notes[-1])
        return Membership(operation, list_id, entry)

    def contact(self, payload: JsonObject, notes: list[str]) -> JsonObject:
        """Give the e-mail address and phone number of a group call's user as attributes of a profile."""
        email, phone = self._contact(payload, notes)
        return {name: value for name, value in (("email", email), ("phone_number", phone)) if value is not None}

    def _operation(self, flag: Any) -> Operation | None:
        if truthy(flag):
            return "subscribe"
        if flag is not None and self._mode.version.unsubscribes:
            return "unsubscribe"
        return "add" if self._mode.points.adds_to_list else None

    def _entry(
        self, operation: Operation, payload: JsonObject, traits: JsonObject, notes: list[str]
    ) -> JsonObject | None:
        """Make the entry of a subscription job; None, with a note, where Klaviyo would take none."""
        mode = self._mode
        email, phone = self._contact(payload, notes)
        consent = self._consents(payload, traits)
        if mode.legacy:
            return _legacy_entry(email, phone, consent, notes, exact=mode.exact)
        profile_id = (
            klaviyo_id(_object(payload.get("context"))) if operation == "subscribe" and mode.version.patches else None
        )
        attributes = {name: v for name, v in (("email", email), ("phone_number", phone)) if v is not None}
        if profile_id is not None and not truthy(email) and not truthy(phone):
            raise Refused(NO_CONTACT)
        names_channels = operation in mode.version.names_channels
        channels = _channels(consent, attributes) if names_channels else []
        if not channels and names_channels and mode.version.needs_channels:
            raise Refused(NO_CHANNELS)
        if not mode.exact and not attributes:
            notes.append(NOBODY_TO_SUBSCRIBE)
            return None
        if mode.current and not channels:
            channels = self._channels_today(consent, attributes, notes, names_channels=names_channels)
            if not channels:
                return None
        if channels:
            status = _STATUS[operation]
            attributes["subscriptions"] = {channel: {"marketing": {"consent": status}} for channel in channels}
        entry: JsonObject = {"type": "profile"}
        if profile_id is not None and (mode.exact or isinstance(profile_id, str)):
            entry["id"] = profile_id
        entry["attributes"] = attributes
        return entry

    def _channels_today(
        self, consent: list[Any] | None, attributes: JsonObject, notes: list[str], *, names_channels: bool
    ) -> list[str]:
        """Name the channels where RudderStack names none: today's API asks for them, the old one took all.

        Without any consent configured that is every identifier's channel, with a consent that matches none no channel.
        """
        if names_channels and consent is not None:
            notes.append(NO_MATCHING_CHANNEL)
            return []
        return [channel for channel, identifier in _CHANNELS if identifier in attributes]

    def _consents(self, payload: JsonObject, traits: JsonObject) -> list[Any] | None:
        """Look up the consent of the event, else of the settings, and apply what is said about text messages.

        None means that none is known; an empty list counts as known only where RudderStack is followed to the letter.
        """
        mode, control = self._mode, _object(traits.get("properties"))
        places = [control.get("consent"), self._consent]
        if mode.version.imports or mode.points.group_user_consent:
            places.insert(0, traits.get("consent"))
        if mode.points.group_user_consent:
            places.insert(0, dig(payload, "context", "traits", "consent"))
        found = next((place for place in places if truthy(place) and (mode.exact or place != [])), None)
        consent = found if found is None or isinstance(found, list) else [found]
        return self._with_sms(consent, payload, traits) if mode.points.sms_consent else consent

    def _with_sms(self, consent: list[Any] | None, payload: JsonObject, traits: JsonObject) -> list[Any] | None:
        """Add or remove text messages where `smsConsent` or the setting says so; e-mail is what is left without one."""
        places = (
            dig(traits, "properties", "smsConsent"),
            traits.get("smsConsent"),
            dig(payload, "context", "traits", "smsConsent"),
            self._mode.settings.sms_consent,
        )
        sms = next((place for place in places if place is not None), None)
        if sms is None:
            return consent
        others = [channel for channel in (consent or ["email"]) if channel != "sms"]
        return [*others, "sms"] if truthy(sms) else others

    def _contact(self, payload: JsonObject, notes: list[str]) -> tuple[Any, Any]:
        """Look up whom a job is about; what Klaviyo refuses is left out with a note."""
        email, phone = _first(payload, _EMAIL_PLACES), _first(payload, _PHONE_PLACES)
        if email is None and self._mode.points.external_id_as_email:
            email = _first_external_id(payload)
        if self._mode.exact:
            return email, phone
        return _accepted("email", email, acceptable.email, notes), _accepted("phone", phone, acceptable.phone, notes)


def _accepted(name: str, value: Any, accept: Callable[[str, list[str]], str | None], notes: list[str]) -> str | None:
    text = None if value is None else acceptable.attribute(name, value, notes)
    return None if text is None else accept(text, notes)


def _channels(consent: list[Any] | None, attributes: JsonObject) -> list[str]:
    given = consent or []
    return [name for name, identifier in _CHANNELS if name in given and truthy(attributes.get(identifier))]


def _legacy_entry(
    email: Any, phone: Any, consent: list[Any] | None, notes: list[str], *, exact: bool
) -> JsonObject | None:
    """Make the entry as 2023-02-22 has it: `channels` are named as soon as a consent is known, even an empty one."""
    entry: JsonObject = {name: v for name, v in (("email", email), ("phone_number", phone)) if v is not None}
    if not entry and not exact:
        notes.append(NOBODY_TO_SUBSCRIBE)
        return None
    if consent is not None:
        named = [name for name, identifier in _CHANNELS if name in consent and (exact or identifier in entry)]
        entry["channels"] = {channel: ["MARKETING"] for channel in named}
    return entry


def _others(traits: Any) -> bool:
    return isinstance(traits, dict) and not _SAID_BY_GROUP.issuperset(traits)


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


def _list_id(value: Any) -> str:
    return value if isinstance(value, str) else to_string(value)
