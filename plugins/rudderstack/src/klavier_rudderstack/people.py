"""The profile of a person: in an identify call, and inside an event."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any

from klavier.events.model import JsonObject
from klavier.jsvalues import truthy
from klavier_rudderstack import acceptable
from klavier_rudderstack.lookup import compile_lookup
from klavier_rudderstack.mode import Mode
from klavier_rudderstack.nesting import flatten
from klavier_rudderstack.parcel import Refused
from klavier_rudderstack.patches import NO_PATCHES, patches_of
from klavier_rudderstack.phone import is_accepted
from klavier_rudderstack.tables import profile, traits

NO_CONTACT = "None of email and phone are present in the payload"
NOT_E164 = "Phone number is not in E.164 format."
NO_IDENTIFIER = "nothing that Klaviyo accepts identifies the person; send a userId, an email or a phone in E.164 form"

CONTACT_IN_PROPERTIES = frozenset({"properties.email", "properties.phone"})

_NOTHING: AbstractSet[str] = frozenset()
_IDENTIFIERS = frozenset({"email", "phone_number", "external_id", "anonymous_id", "_kx"})
_ADDRESS_PARTS = frozenset({"city", "country", "region", "state", "zip", "postalcode", "postalCode", "street"})
_ANONYMOUS_UNTIL = "2025-07-15"
"""The last revision whose profile import takes an anonymous id."""

Profile = Callable[[JsonObject, list[str]], JsonObject]
"""Makes a profile of a payload and adds to the notes; raises `Refused`."""


def attributes_of(values: JsonObject, notes: list[str], *, exact: bool) -> JsonObject:
    """Arrange the attributes found as Klaviyo's profile object does, with `location` inside."""
    attributes: JsonObject = {}
    location: JsonObject = {}
    for name, value in values.items():
        if not exact and (value.__class__ is not str or name in acceptable.CHECKED):
            value = acceptable.attribute(name, value, notes)  # noqa: PLW2901 -- the value from here on
            if value is None:
                continue
        if name in profile.LOCATION:
            location[name] = value
        else:
            attributes[name] = value
    if location:
        attributes["location"] = location
    return attributes


def identified(data: JsonObject) -> JsonObject:
    """Give the profile back; raises `Refused` where Klaviyo could not tell whose it is."""
    if "id" in data or not _IDENTIFIERS.isdisjoint(data["attributes"]):
        return data
    raise Refused(NO_IDENTIFIER)


def v1_identify(mode: Mode) -> Profile:
    """Compile v1's profile of an identify call: the `data` of create, update or import profile."""
    read = compile_lookup(profile.V1_IDENTIFY, mode.version.own_traits)
    enforce, flat, exact = mode.settings.enforce_email_as_primary, mode.settings.flatten_properties, mode.exact

    def make(payload: JsonObject, notes: list[str]) -> JsonObject:
        values, custom = read(payload, _NOTHING)
        if enforce:
            _require_contact(values)
            custom["_id"] = values.pop("external_id", None)
        attributes = attributes_of(values, notes, exact=exact)
        properties = {key: value for key, value in custom.items() if value is not None}
        if properties:
            attributes["properties"] = flatten(properties) if flat else properties
        data = {"type": "profile", "attributes": attributes}
        return data if exact else identified(data)

    return make


def v1_event(mode: Mode, *, ecommerce: bool) -> Profile:
    """Compile v1's profile inside an event: people properties natively, a profile object on today's wire."""
    points, enforce = mode.points, mode.settings.enforce_email_as_primary
    # RudderStack deletes both from the properties before it looks for the person, only not for ecommerce events.
    without = _NOTHING if ecommerce or points.contact_in_properties else CONTACT_IN_PROPERTIES
    read = compile_lookup(points.v1_event_profile, traits.V1, without)
    flat, exact, legacy = mode.settings.flatten_properties, mode.exact, mode.legacy

    def make(payload: JsonObject, notes: list[str]) -> JsonObject:
        values, custom = read(payload, _NOTHING)
        if enforce:
            _require_contact(values)
            if "external_id" in values:
                custom = {"_id": values.pop("external_id"), **custom}
        if flat:
            custom = flatten(custom)
        return _people(values, custom, notes, exact=exact) if legacy else _as_profile(values, custom, notes)

    return make


def imported(mode: Mode, *, inside_event: bool) -> Profile:
    """Compile the profile of v2 and v3: the `data` of import profile, or of `profile` inside an event."""
    points = mode.points
    without = CONTACT_IN_PROPERTIES if inside_event and not points.contact_in_properties else _NOTHING
    read = compile_lookup(profile.IMPORT, mode.version.own_traits, without)
    finish = _finisher(mode, inside_event=inside_event)
    flat, enforce = mode.settings.flatten_properties, mode.settings.enforce_email_as_primary

    def make(payload: JsonObject, notes: list[str]) -> JsonObject:
        patches, changed = patches_of(payload, notes, mode) if "integrations" in payload else NO_PATCHES
        values, custom = read(payload, changed)
        phone = values.get("phone_number")
        if phone is not None and not is_accepted(phone):
            raise Refused(NOT_E164)
        if flat:
            custom = flatten(custom)
        if enforce:
            custom["_id"] = values.pop("external_id", None)
        elif points.anonymous_user_id and "external_id" not in values and "anonymous_id" in values:
            values["external_id"] = values["anonymous_id"]
        return finish(payload, values, custom, patches, notes)

    return make


def _finisher(mode: Mode, *, inside_event: bool) -> Callable[..., JsonObject]:
    """Compile the last step of an imported profile: shape, identifiers, place of `meta`."""
    exact, current = mode.exact, mode.current
    keeps_anonymous = exact or inside_event or mode.revision <= _ANONYMOUS_UNTIL
    # Revisions from 2024-02-15 to 2026-07-15 want `meta` among the attributes of an event's profile.
    meta_inside = inside_event and not current

    def finish(
        payload: JsonObject, values: JsonObject, custom: JsonObject, patches: JsonObject, notes: list[str]
    ) -> JsonObject:
        if not keeps_anonymous and "anonymous_id" in values:
            anonymous = values.pop("anonymous_id")
            if values.get("external_id") != anonymous:
                notes.append("anonymous_id left out: Klaviyo's profile import takes none since revision 2025-10-15")
        attributes = attributes_of(values, notes, exact=exact)
        attributes["properties"] = (
            {key: value for key, value in custom.items() if value is not None} if None in custom.values() else custom
        )
        data: JsonObject = {"type": "profile", "attributes": attributes}
        profile_id = klaviyo_id(payload)
        if profile_id is not None:
            _put_id(data, profile_id, exact=exact)
        meta = {"patch_properties": patches}
        if meta_inside:
            attributes["meta"] = meta
        else:
            data["meta"] = meta
        if exact:
            return data
        notes.extend(acceptable.unplaced(payload, _ADDRESS_PARTS))
        return identified(data)

    return finish


def klaviyo_id(payload: JsonObject) -> Any:
    """Find the profile's Klaviyo id, the first external id of type `klaviyo-profileId`; None without one."""
    context = payload.get("context")
    given = context.get("externalId") if context.__class__ is dict else None
    if isinstance(given, list):
        for item in given:
            if isinstance(item, dict) and item.get("type") == "klaviyo-profileId":
                return item.get("id")
    return None


def _put_id(data: JsonObject, profile_id: Any, *, exact: bool) -> None:
    if exact or (isinstance(profile_id, str) and profile_id):
        data["id"] = profile_id


def _require_contact(values: JsonObject) -> None:
    if not truthy(values.get("email")) and not truthy(values.get("phone_number")):
        raise Refused(NO_CONTACT)


def _people(values: JsonObject, custom: JsonObject, notes: list[str], *, exact: bool) -> JsonObject:
    """Say the person in people properties, as Klaviyo's API did until 2023: `$email`, `$id`, custom ones beside."""
    people: JsonObject = {}
    for name, value in values.items():
        if not exact and name != "consent" and (value.__class__ is not str or name in acceptable.CHECKED):
            value = acceptable.attribute(name, value, notes)  # noqa: PLW2901 -- the value from here on
        if value is not None:
            people[profile.SPECIALS[name]] = value
    people.update(custom)
    return people


def _as_profile(values: JsonObject, custom: JsonObject, notes: list[str]) -> JsonObject:
    """Say the person as a profile object, as Klaviyo's API does today."""
    consent = values.pop("consent", None)
    if consent is not None:
        custom["$consent"] = consent
    attributes = attributes_of(values, notes, exact=False)
    if custom:
        attributes["properties"] = custom
    return identified({"type": "profile", "attributes": attributes})
