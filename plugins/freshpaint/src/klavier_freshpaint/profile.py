"""People properties as Klaviyo's identify takes them, and which of them identify.

Source: Freshpaint's Klaviyo destination, on identify and on "Use Email as Identifier".
"""

from klavier.events.model import Event, JsonObject
from klavier.klaviyo.special_properties import identifiers
from klavier_freshpaint.hipaa import Guard
from klavier_freshpaint.message import traits_of, user_id_of
from klavier_freshpaint.tables.people import TRAITS

_SPECIALS = dict(TRAITS) | {special: special for _, special in TRAITS}
"""Where each trait goes; one that is spelt as Klaviyo spells it stays."""

IDENTIFIERS = ("$email", "$phone_number", "$id")
NOBODY = "whose is it? Klaviyo needs an email, a phone or a unique id; identify the person first"


def people_of(event: Event, guard: Guard, notes: list[str], *, prefer_email: bool) -> JsonObject:
    """Give the people properties of an event: Klaviyo's specials, then every other trait under its own name.

    With `prefer_email` a known e-mail address is the only id of a person: `$id` is left out.  What is no address, such
    as `n/a`, is not known: it would leave the person without any id.
    """
    people: JsonObject = {}
    custom: JsonObject = {}
    for name, value in guard.allowed(traits_of(event), "traits", notes).items():
        special = _SPECIALS.get(name)
        if special is None or people.get(special) not in (None, "", value):
            custom[name] = value  # also a second phone number: what is known is not lost
        else:
            people[special] = value
    user_id = user_id_of(event)
    if user_id is not None:
        if people.get("$id") not in (None, "", user_id):
            custom["id"] = guard.masked(people["$id"])
        people["$id"] = user_id
    if people.get("$id") not in (None, ""):
        people["$id"] = guard.masked(people["$id"])
    if prefer_email and identifiers({"$email": people.get("$email")}, []):
        people.pop("$id", None)
    return {**people, **custom}


def is_somebody(people: JsonObject) -> bool:
    """Tell whether people properties name anybody."""
    return any(_names(people.get(name)) for name in IDENTIFIERS)


def _names(value: object) -> bool:
    """Tell whether a value can name somebody: text or a number can."""
    return value != "" and isinstance(value, (str, int, float)) and not isinstance(value, bool)
