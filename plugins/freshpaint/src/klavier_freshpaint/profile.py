"""The properties of a profile as Klaviyo's identify call takes them, and which of them identify it.

Source: Freshpaint's Klaviyo destination: the table of identify, its text on identification, and "Use Email as
Identifier".
"""

from klavier.events.model import Event, JsonObject
from klavier.klaviyo.special_properties import identifiers
from klavier_freshpaint.hipaa import Guard
from klavier_freshpaint.message import find_user_id, read_traits

# fmt: off
TRAITS: tuple[tuple[str, str], ...] = (
    # Freshpaint parameter | Klaviyo user trait
    ("firstName",            "$first_name"),
    ("lastName",             "$last_name"),
    ("phone",                "$phone_number"),
    ("phoneNumber",          "$phone_number"),
    ("title",                "$title"),
    ("id",                   "$id"),
    ("email",                "$email"),
)
# fmt: on

IDENTIFIERS = ("$email", "$phone_number", "$id")
NO_IDENTITY = "no identity: send a user id, or traits with an email or phone"

_SPECIALS = dict(TRAITS) | {special: special for _, special in TRAITS}
"""The special property of each trait; a trait that has Klaviyo's own name keeps it."""


def profile_properties(event: Event, guard: Guard, notes: list[str], *, prefer_email: bool) -> JsonObject:
    """Return the properties of an event's profile: Klaviyo's specials, then every other trait under its own name.

    With `prefer_email` `$id` is left out where there is a valid e-mail address.  A value that is no address,
    such as `n/a`, does not replace the id: the profile would have no identifier.
    """
    properties: JsonObject = {}
    custom: JsonObject = {}
    for name, value in guard.filter(read_traits(event), "traits", notes).items():
        special = _SPECIALS.get(name)
        if special is None or properties.get(special) not in (None, "", value):
            custom[name] = value  # also a second phone number: nothing is lost
        else:
            properties[special] = value
    user_id = find_user_id(event)
    if user_id is not None:
        if properties.get("$id") not in (None, "", user_id):
            custom["id"] = guard.mask(properties["$id"])
        properties["$id"] = user_id
    if properties.get("$id") not in (None, ""):
        properties["$id"] = guard.mask(properties["$id"])
    if prefer_email and identifiers({"$email": properties.get("$email")}, []):
        properties.pop("$id", None)
    return {**properties, **custom}


def has_identity(properties: JsonObject) -> bool:
    """Return whether any of the properties can identify a profile: non-empty text or a number."""
    return any(_can_identify(properties.get(name)) for name in IDENTIFIERS)


def _can_identify(value: object) -> bool:
    return value != "" and isinstance(value, (str, int, float)) and not isinstance(value, bool)
