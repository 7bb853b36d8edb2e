"""Phone numbers in E.164 form, as Klaviyo takes them.

Source: ITU-T E.164; the metadata of Google's libphonenumber by its port `phonenumbers`.
"""

import re
from functools import lru_cache
from typing import Any

from klavier.strictjson import kind_of

_PLAIN = re.compile(r"\+[1-9][0-9]{2,14}")
_PREFIXES = ("tel:", "p:")
"""Schemes in front of a number: RFC 3966, and the form in which advertising platforms export leads."""
_SEPARATORS = frozenset(" \t\u00a0\u2007\u202f-\u2010\u2011\u2012\u2013\u2212.()[]\u200b\u200e\u200f\u2060")
"""Characters between the digits of a number.  A slash is none of them: it may separate two numbers or extensions."""
_LEADING = "".join(_SEPARATORS)
_BRACKETED_ZERO = re.compile(r"[(\[] *0 *[)\]]")

NOT_E164 = "not in E.164 form, such as +15005550006"


def read_phone(value: Any, region: str | None = None) -> tuple[str | None, str]:
    """Return a phone number in E.164 form, and the reason where there is none.

    Separators and the prefixes `tel:` and `p:` are removed, also the zero of national calls: `+44 (0)20 7946 0958` is
    `+442079460958`.  Letters, extensions and second numbers are never read as digits: such a text has no number.  A
    number without a country code needs `region`, an ISO 3166 code of two letters such as `US`.  The length must be one
    that the country has; whether the number is assigned is not checked, since new ranges are assigned all the time.
    """
    if value is None or value == "":
        return None, ""
    if value.__class__ is not str:
        return None, f"{kind_of(value)} where a phone number is expected: send a string"
    return _read(value, region) if len(value) <= 60 else (None, NOT_E164)  # noqa: PLR2004 -- 15 digits, well separated


@lru_cache(maxsize=2048)
def _read(text: str, region: str | None) -> tuple[str | None, str]:
    """Read a number once: a vendor, the limits and the sandbox ask for it, and a stream repeats it; all take 0.5 MB."""
    if _PLAIN.fullmatch(text) and _is_possible(text, may_have_prefix=False):
        return text, ""
    import phonenumbers  # noqa: PLC0415 -- its tables load slowly, and most numbers are written plainly

    text = text.strip()
    for prefix in _PREFIXES:
        if text[: len(prefix)].lower() == prefix:
            text = text[len(prefix) :].strip()
    text = text.lstrip(_LEADING)
    plus, digits = ("+", text[1:]) if text[:1] in ("+", "\uff0b") else ("", text)
    if any(not character.isdecimal() and character not in _SEPARATORS for character in digits):
        return None, f"{NOT_E164}: it has letters, an extension or more than one number"
    if not plus and not region:
        return None, f"{NOT_E164}: it has no country code"
    try:
        parsed = phonenumbers.parse(plus + digits, region)
    except phonenumbers.NumberParseException:
        return None, NOT_E164
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    # A country that has no zero in national calls, and none in its numbers, keeps the one in brackets.
    keeps_zero = bool(_BRACKETED_ZERO.search(digits) and parsed.italian_leading_zero)
    if (
        not _PLAIN.fullmatch(number)
        or not _is_possible(number, may_have_prefix=True)
        or (keeps_zero and not phonenumbers.is_valid_number(parsed))
    ):
        return None, f"{NOT_E164}: no number of its country has this length"
    return number, ""


def _is_possible(number: str, *, may_have_prefix: bool) -> bool:
    """Return whether a plainly written number has a length that its country has.

    Whether the digits after the country code begin with the prefix of national calls, only the full reading, which
    takes twenty times as long, can decide: so before it they may not.
    """
    for length in (1, 2, 3):
        lengths, prefix = _country(number[1 : 1 + length])
        if lengths:
            is_prefixed = prefix is not None and prefix.match(number, 1 + length) is not None
            return len(number) - 1 - length in lengths and (may_have_prefix or not is_prefixed)
    return False


@lru_cache(maxsize=2048)
def _country(code: str) -> tuple[frozenset[int], re.Pattern[str] | None]:
    """Return the lengths of the national numbers of a country code, empty for none, and the national prefix."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata  # noqa: PLC0415 -- slow, see above

    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(code))
    if regions is None or str(int(code)) != code:
        return frozenset(), None
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(int(code), regions[0])
    if metadata is None or metadata.general_desc is None:
        return frozenset(), None
    prefix = metadata.national_prefix_for_parsing
    return frozenset(metadata.general_desc.possible_length), re.compile(prefix) if prefix else None
