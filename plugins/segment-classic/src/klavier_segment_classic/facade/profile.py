"""Attributes of a profile: id, e-mail, names, phone and place, each with the fallbacks of Segment's libraries."""

from typing import Any

from attrs import frozen

from klavier.events.model import JsonObject
from klavier.values import read_phone
from klavier_segment_classic.facade.dates import Date, read_dates
from klavier_segment_classic.facade.keys import UNDEFINED, Keys, find, first_truthy, is_truthy
from klavier_segment_classic.fidelity import Fidelity

_BLANKS = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))
"""What JavaScript trims."""
_LINE_ENDS = str.maketrans(dict.fromkeys("\r\u2028\u2029", "\n"))
"""What the dot of a JavaScript pattern does not match, as one character."""


@frozen
class Profile:
    """The traits of an identify message, its user id and its context; the dates in them are read."""

    traits: Keys
    user_id: Any
    context: JsonObject
    fidelity: Fidelity

    def trait(self, name: str) -> Any:
        """Return a trait by its normalized name, or UNDEFINED."""
        return self.traits.get(name)


def is_email(value: Any) -> bool:
    r"""Return whether a user id looks like an e-mail address to Segment's libraries, which search for `/.+@.+\..+/`.

    Written without a pattern, since that one takes cubic time on a text of many `@`.
    """
    return isinstance(value, str) and "@" in value and any(map(_has_address, value.translate(_LINE_ENDS).split("\n")))


def _has_address(line: str) -> bool:
    """Return whether an `@` after the first character is followed by a dot with a character on both sides."""
    at = line.find("@", 1)
    return at > 0 and line.find(".", at + 2, -1) > 0


def find_email(profile: Profile, name: str = "email") -> Any:
    """Return the e-mail trait, else a user id that is an address."""
    found = profile.trait(name)
    return found if is_truthy(found) else user_email(profile.user_id)


def user_email(user_id: Any) -> Any:
    """Return a user id that is an e-mail address, else UNDEFINED."""
    return user_id if is_email(user_id) else UNDEFINED


def find_first_name(profile: Profile, name: str = "firstname") -> Any:
    """Return the trait where it is a string, else the first word of `name`."""
    found = profile.trait(name)
    if is_text(found):
        return trim(found)
    whole = profile.trait("name")
    return trim(whole).split(" ")[0] if is_text(whole) else UNDEFINED


def find_last_name(profile: Profile, name: str = "lastname") -> Any:
    """Return the trait where it is a string, else what follows the first word of `name`."""
    found = profile.trait(name)
    if is_text(found):
        return trim(found)
    whole = profile.trait("name")
    if not is_text(whole):
        return UNDEFINED
    space = trim(whole).find(" ")
    if space < 0:
        return UNDEFINED
    return trim((trim(whole) if profile.fidelity.last_name_after_padding else whole)[space + 1 :])


def find_phone(profile: Profile, _: str) -> Any:
    """Return `phone`, else the first of `phones`; as documented `phoneNumber` goes before both.

    A number is written in E.164 form, unless values are read as JavaScript does; other text stays as it is.
    """
    found = _find_phone(profile)
    return found if profile.fidelity.reads_as_javascript else read_phone(found)[0] or found


def _find_phone(profile: Profile) -> Any:
    if profile.fidelity.phone_number_trait and is_truthy(found := profile.trait("phonenumber")):
        return found
    found = profile.trait("phone")
    if is_truthy(found):
        return found
    several = profile.trait("phones")
    return several[0] if isinstance(several, list) and several else UNDEFINED


def find_title(profile: Profile, name: str) -> Any:
    """Return the title, else the position, else the job title."""
    return first_truthy(profile.trait(name), profile.trait("position"), profile.trait("jobtitle"))


def find_trait(profile: Profile, name: str) -> Any:
    """Return a trait as it is, empty or null included."""
    return profile.trait(name)


def find_place(profile: Profile, name: str) -> Any:
    """Return a part of the address: `address.X`, else `X`; null where there is none."""
    return first_truthy(profile.traits.within("address", name), profile.trait(name), None)


def find_region(profile: Profile, name: str) -> Any:
    """Return the region, else the state."""
    return first_truthy(find_place(profile, name), find_place(profile, "state"))


def find_zip(profile: Profile, name: str) -> Any:
    """Return the postal code, else the zip; each inside the address first."""
    inside, plain = profile.traits.within, profile.trait
    code = first_truthy(inside("address", "postalcode"), plain("postalcode"))
    return first_truthy(code, inside("address", name), plain(name), UNDEFINED)


def find_timezone(profile: Profile, name: str) -> Any:
    """Return the time zone of the context; as documented the trait goes first."""
    if profile.fidelity.timezone_trait and is_truthy(found := profile.trait(name)):
        return found
    return read_dates(find(profile.context, name))


def trim(text: str) -> str:
    """Trim text as JavaScript does."""
    return text.strip(_BLANKS)


def is_text(value: Any) -> bool:
    """Return whether a value counts as a string: dates do not."""
    return isinstance(value, str) and not isinstance(value, Date)
