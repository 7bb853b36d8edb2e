"""The profile in an identify call, and the profile inside an event."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any

from klavier.events.model import Event, JsonObject
from klavier.jsvalues import to_string, truthy
from klavier.klaviyo.attributes import IDENTIFIERS, LOCATION_ATTRIBUTES
from klavier.strictjson import kind_of
from klavier.values import is_email, read_phone
from klavier.vendor import RejectEvent
from klavier_rudderstack.mode import Mode
from klavier_rudderstack.tables import profile, traits
from klavier_rudderstack.values import acceptable
from klavier_rudderstack.values.integrations import read_patches
from klavier_rudderstack.values.lookup import REPLACED, Found, Lookup, custom_properties
from klavier_rudderstack.values.nesting import flatten
from klavier_rudderstack.values.phone import accepted

MakeProfile = Callable[[Event, list[str]], JsonObject]
"""Returns the profile of an event and adds to the notes; raises `RejectEvent`."""

NO_CONTACT = "None of email and phone are present in the payload"
NOT_E164 = "Phone number is not in E.164 format."
NO_IDENTIFIER = "no identifier that Klaviyo accepts: pass userId, an email address or a phone number in E.164 form"
NO_ANONYMOUS_ID = "anonymous_id left out: Klaviyo's profile import does not accept it since revision 2025-10-15"

_CONTACT_IN_PROPERTIES = frozenset({"properties.email", "properties.phone"})
_IDENTIFIERS = frozenset(IDENTIFIERS)
_ANONYMOUS_UNTIL = "2025-07-15"
"""The last revision whose profile import accepts an anonymous id."""


def compile_v1_identify(mode: Mode) -> MakeProfile:
    """Return the maker of v1's profile in an identify call: the `data` of create, update or import profile."""
    lookup = Lookup(profile.V1_IDENTIFY, mode.version.own_traits, dots_nest=mode.fidelity.dots_nest)
    enforce, flat, exact = mode.settings.enforce_email_as_primary, mode.settings.flatten_properties, mode.exact

    def make(event: Event, notes: list[str]) -> JsonObject:
        found = lookup.read(event)
        attributes, _, custom, _ = found
        if enforce:
            _require_contact(attributes)
            custom["_id"] = attributes.pop("external_id", None)
        finish(lookup, event, found, notes, exact=exact)
        properties = _without_nulls(custom)
        if properties:
            attributes["properties"] = flatten(properties, "traits", notes) if flat else properties
        data = {"type": "profile", "attributes": attributes}
        return data if exact else _require_identifier(data)

    return make


def compile_v1_event(mode: Mode, *, ecommerce: bool) -> MakeProfile:
    """Return the maker of v1's profile inside an event: people properties natively, a profile on the current wire."""
    fidelity, enforce = mode.fidelity, mode.settings.enforce_email_as_primary
    # RudderStack deletes both from the properties before it looks up the profile, only not for ecommerce events.
    keeps_contact = ecommerce or fidelity.contact_in_properties
    without: AbstractSet[str] = frozenset() if keeps_contact else _CONTACT_IN_PROPERTIES
    lookup = Lookup(fidelity.v1_event_profile, traits.V1, without, dots_nest=fidelity.dots_nest)
    flat, exact, legacy = mode.settings.flatten_properties, mode.exact, mode.legacy

    def make(event: Event, notes: list[str]) -> JsonObject:
        found = lookup.read(event)
        attributes, _, custom, _ = found
        if enforce:
            _require_contact(attributes)
            if "external_id" in attributes:
                custom.setdefault("_id", attributes.pop("external_id"))
        if flat and not exact:
            custom = flatten(custom, "traits", notes)
        if "consent" in attributes:
            custom.setdefault("$consent", attributes.pop("consent"))
        if not profile.ATTRIBUTES.keys().isdisjoint(custom):
            _settle_specials(lookup, event, found, custom, notes, exact=exact)
        finish(lookup, event, found, notes, exact=exact)
        if not exact and _IDENTIFIERS.isdisjoint(attributes):
            raise RejectEvent(NO_IDENTIFIER)
        if legacy:
            people = _people_properties(attributes, custom)
            return (
                flatten(people, "traits", notes) if flat and exact else people
            )  # RudderStack flattens its own specials as well
        if custom:
            attributes["properties"] = custom
        return {"type": "profile", "attributes": attributes}

    return make


def compile_import(mode: Mode, *, inside_event: bool) -> MakeProfile:
    """Return the maker of v2's and v3's profile: the `data` of import profile, or of `profile` inside an event."""
    exact, anonymous_user_id = mode.exact, mode.fidelity.anonymous_user_id
    drops_contact = inside_event and not mode.fidelity.contact_in_properties
    without: AbstractSet[str] = _CONTACT_IN_PROPERTIES if drops_contact else frozenset()
    own_traits, nests = mode.version.own_traits, mode.fidelity.dots_nest
    lookup = Lookup(profile.IMPORT, own_traits, without, dots_nest=nests)
    flat, enforce = mode.settings.flatten_properties, mode.settings.enforce_email_as_primary
    is_accepted = accepted if mode.fidelity.library_phone_check else _read_phone
    drops_anonymous = not (exact or inside_event or mode.revision <= _ANONYMOUS_UNTIL)
    # Revisions from 2024-02-15 to 2026-07-15 expect `meta` among the attributes of an event's profile.
    meta_inside = inside_event and not mode.current

    def make(event: Event, notes: list[str]) -> JsonObject:
        found = lookup.read(event)
        attributes, _, custom, _ = found
        phone = attributes.get("phone_number")
        if phone is not None and (phone.__class__ is not str or is_accepted(phone) is None):
            raise RejectEvent(NOT_E164)
        patches: JsonObject = {}
        if "integrations" in event.payload:
            patches, changed = read_patches(event.payload, notes, exact=exact)
            if changed:
                custom = custom_properties(event, own_traits | changed, dots_nest=nests)
        if flat:
            custom = flatten(custom, "traits", notes)
        if enforce:
            custom["_id"] = attributes.pop("external_id", None)
        elif anonymous_user_id and "external_id" not in attributes and "anonymous_id" in attributes:
            attributes["external_id"] = attributes["anonymous_id"]
            found[3].append("external_id")
        if drops_anonymous and "anonymous_id" in attributes:
            _drop_anonymous(attributes, notes)
        finish(lookup, event, found, notes, exact=exact)
        attributes["properties"] = _without_nulls(custom) if None in custom.values() else custom
        data: JsonObject = {"type": "profile", "attributes": attributes}
        (attributes if meta_inside else data)["meta"] = {"patch_properties": patches}
        if "externalId" in event.context:
            _set_id(data, find_klaviyo_id(event.context), exact=exact)
        return data if exact else _require_identifier(data, NO_CONTACT if enforce else NO_IDENTIFIER)

    return make


def finish(lookup: Lookup, event: Event, found: Found, notes: list[str], *, exact: bool) -> None:
    """Put the location among the attributes found, and convert all of them to what Klaviyo accepts.

    What is left out becomes a note, also where values are sent exactly.
    """
    attributes, location, _, odd = found
    if odd:
        _settle_odd(lookup, event, found, notes, exact=exact)
    if not exact:
        if "email" in attributes and not is_email(attributes["email"]):
            _settle(attributes, "email", acceptable.email(attributes["email"], notes))
        if "phone_number" in attributes and read_phone(attributes["phone_number"])[0] != attributes["phone_number"]:
            _settle(attributes, "phone_number", acceptable.phone(attributes["phone_number"], notes))
    if location:
        attributes["location"] = location


def _settle_odd(lookup: Lookup, event: Event, found: Found, notes: list[str], *, exact: bool) -> None:
    """Convert the attributes that are not text, and note what has no place."""
    attributes, location, _, odd = found
    for name in dict.fromkeys(odd):
        attribute = name.removeprefix(REPLACED)
        target = location if attribute in LOCATION_ATTRIBUTES else attributes
        if name in acceptable.UNMAPPED:
            notes.extend(acceptable.note_unmapped(name, event))
        elif name in acceptable.HOLDERS:
            holder = event.payload if name == "traits" else event.context
            notes.append(acceptable.note_wrong_kind(name, holder["traits"]))
        elif attribute != name:
            notes.extend(lookup.note_replaced(event, attribute))
        elif name not in target:
            notes.extend(acceptable.note_unused(name, event))
        elif not exact:
            _settle(target, name, acceptable.attribute(name, target[name], notes))


def _read_phone(value: str) -> str | None:
    return read_phone(value)[0]


def find_klaviyo_id(context: JsonObject) -> Any:
    """Return the profile's Klaviyo id, the first external id of type `klaviyo-profileId`; None without one."""
    given = context.get("externalId")
    if isinstance(given, list):
        for item in given:
            if isinstance(item, dict) and item.get("type") == "klaviyo-profileId":
                return item.get("id")
    return None


def _require_identifier(data: JsonObject, reason: str = NO_IDENTIFIER) -> JsonObject:
    """Return the profile unchanged; raises `RejectEvent` where nothing in it identifies it."""
    if _IDENTIFIERS.isdisjoint(data["attributes"]) and "id" not in data:
        raise RejectEvent(reason)
    return data


def _require_contact(attributes: JsonObject) -> None:
    if not truthy(attributes.get("email")) and not truthy(attributes.get("phone_number")):
        raise RejectEvent(NO_CONTACT)


def _set_id(data: JsonObject, profile_id: Any, *, exact: bool) -> None:
    if profile_id is not None and (exact or (isinstance(profile_id, str) and profile_id)):
        data["id"] = profile_id


def _settle(target: JsonObject, name: str, value: Any) -> None:
    if value is None:
        del target[name]
    else:
        target[name] = value


def _drop_anonymous(attributes: JsonObject, notes: list[str]) -> None:
    anonymous = attributes.pop("anonymous_id")
    if attributes.get("external_id") != anonymous:
        notes.append(NO_ANONYMOUS_ID)


def _without_nulls(custom: JsonObject) -> JsonObject:
    return {key: value for key, value in custom.items() if value is not None}


def _apply_specials(found: Found, custom: JsonObject, notes: list[str]) -> None:
    """Move custom properties with the name of a special to its attribute; they replace what was found, null clears.

    RudderStack sends custom properties beside its own specials, and Klaviyo read each `$first_name` as the first name.
    """
    attributes, location, _, odd = found
    for special in [name for name in custom if name in profile.ATTRIBUTES]:
        name, value = profile.ATTRIBUTES[special], custom.pop(special)
        target = location if name in LOCATION_ATTRIBUTES else attributes
        if isinstance(value, (dict, list)):
            notes.append(f"{special} left out: {kind_of(value)} where Klaviyo takes text")
            continue
        odd[:] = [other for other in odd if other != name]
        if value in (None, "") and name in _IDENTIFIERS:
            target.pop(name, None)
        else:
            target[name] = None if value is None else to_string(value)


def _settle_specials(  # noqa: PLR0913 -- the parts that a profile is made from
    lookup: Lookup, event: Event, found: Found, custom: JsonObject, notes: list[str], *, exact: bool
) -> None:
    """Note the attributes that custom properties with the names of specials replace, and move these to their place."""
    attributes, location, _, _ = found
    notes.extend(
        f"{lookup.place(event, name)} left out: the trait {special} takes precedence"
        for special, name in profile.ATTRIBUTES.items()
        if special in custom
        and (name in attributes or name in location)
        and custom[special] != attributes.get(name, location.get(name))
    )
    if not exact:
        _apply_specials(found, custom, notes)


def _people_properties(attributes: JsonObject, custom: JsonObject) -> JsonObject:
    """Return a profile as the people properties of Klaviyo's API until 2023: `$email`, `$id`, custom ones beside."""
    attributes.update(attributes.pop("location", {}))
    people = {profile.SPECIALS[name]: value for name, value in attributes.items()}
    people.update(custom)
    return people
