"""Who a message is about: id, e-mail, names, phone and place, each with the fallbacks of Segment's libraries."""

import re
from typing import Any

from attrs import frozen

from klavier.events.model import JsonObject
from klavier_segment_classic.facade.dates import Date
from klavier_segment_classic.facade.keys import UNDEFINED, Keys, find, first_truthy, truly
from klavier_segment_classic.fidelity import Points

_EMAIL = re.compile(r".+@.+\..+")
_BLANKS = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))
"""What JavaScript trims."""


@frozen
class Person:
    """The traits of an identify message, its user id, and its context, dates read."""

    traits: Keys
    user_id: Any
    context: JsonObject
    points: Points

    def trait(self, name: str) -> Any:
        """Give a trait by its normalised name."""
        return self.traits.get(name)


def is_email(value: Any) -> bool:
    """Tell whether a user id looks like an e-mail address."""
    return isinstance(value, str) and _EMAIL.search(value) is not None


def email(person: Person, name: str = "email") -> Any:
    """Give the e-mail trait, else a user id that is an address."""
    found = person.trait(name)
    return found if truly(found) else user_email(person.user_id)


def user_email(user_id: Any) -> Any:
    """Give a user id that is an e-mail address, else UNDEFINED."""
    return user_id if is_email(user_id) else UNDEFINED


def first_name(person: Person, name: str = "firstname") -> Any:
    """Give the trait where it is a string, else the first word of `name`."""
    found = person.trait(name)
    if is_text(found):
        return trimmed(found)
    whole = person.trait("name")
    return trimmed(whole).split(" ")[0] if is_text(whole) else UNDEFINED


def last_name(person: Person, name: str = "lastname") -> Any:
    """Give the trait where it is a string, else what follows the first word of `name`."""
    found = person.trait(name)
    if is_text(found):
        return trimmed(found)
    whole = person.trait("name")
    if not is_text(whole):
        return UNDEFINED
    space = trimmed(whole).find(" ")
    if space < 0:
        return UNDEFINED
    return trimmed((trimmed(whole) if person.points.last_name_after_padding else whole)[space + 1 :])


def phone(person: Person, _: str) -> Any:
    """Give `phone`, else the first of `phones`; the document's `phoneNumber` goes before both where it counts."""
    if person.points.phone_number_trait and truly(found := person.trait("phonenumber")):
        return found
    found = person.trait("phone")
    if truly(found):
        return found
    several = person.trait("phones")
    return several[0] if isinstance(several, list) and several else UNDEFINED


def title(person: Person, name: str) -> Any:
    """Give the title, else the position, else the job title."""
    return first_truthy(person.trait(name), person.trait("position"), person.trait("jobtitle"))


def trait(person: Person, name: str) -> Any:
    """Give a trait as it is, empty or null included."""
    return person.trait(name)


def place(person: Person, name: str) -> Any:
    """Give a part of the address: `address.X`, else `X`; null where there is none."""
    return first_truthy(person.traits.within("address", name), person.trait(name), None)


def region(person: Person, name: str) -> Any:
    """Give the region, else the state."""
    return first_truthy(place(person, name), place(person, "state"))


def zip_code(person: Person, name: str) -> Any:
    """Give the postal code, else the zip, each inside the address first."""
    inside, plain = person.traits.within, person.trait
    of_code = first_truthy(inside("address", "postalcode"), plain("postalcode"))
    return first_truthy(of_code, inside("address", name), plain(name), UNDEFINED)


def timezone(person: Person, name: str) -> Any:
    """Give the time zone of the context; the document's trait goes first where it counts."""
    if person.points.timezone_trait and truly(found := person.trait(name)):
        return found
    return find(person.context, name)


def trimmed(text: str) -> str:
    """Trim text as JavaScript does."""
    return text.strip(_BLANKS)


def is_text(value: Any) -> bool:
    """Tell whether a value counts as a string: dates do not."""
    return isinstance(value, str) and not isinstance(value, Date)
