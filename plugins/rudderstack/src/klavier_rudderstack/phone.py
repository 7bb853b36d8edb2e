"""Phone numbers: what RudderStack's v2 and v3 accept, and what Klaviyo takes.

RudderStack removes all but digits and the plus sign, and accepts what its phone number library then parses and writes
in E.164 form unchanged.  That fails for unknown country codes, and for a national prefix after the country code.
"""

import re
from functools import lru_cache

_FORMATTING = re.compile(r"[^0-9+]")
_INTERNATIONAL = re.compile(r"\+[0-9]{3,20}")
_LONGEST = 16
"""A plus sign and the 15 digits of E.164."""


def e164(value: str) -> str | None:
    """Give a phone number as Klaviyo takes it, formatting removed; None where that cannot be done."""
    digits = accepted(value)
    return digits if digits is not None and len(digits) <= _LONGEST else None


@lru_cache(maxsize=2048)
def accepted(value: str) -> str | None:
    """Give `+` and digits of a phone number that RudderStack's v2 and v3 accept; None for any other text."""
    digits = value
    if not _INTERNATIONAL.fullmatch(digits):
        digits = _FORMATTING.sub("", value)
        if not _INTERNATIONAL.fullmatch(digits):
            return None
    for length in (1, 2, 3):
        known, prefix = _country(digits[1 : 1 + length])
        if known:
            # Parsing in full is slow, and changes only numbers that seem to begin with the national prefix.
            if prefix is not None and prefix.match(digits, 1 + length) and not _is_e164(digits):
                return None
            # The bounds of a national number in RudderStack's library.
            return digits if 2 <= len(digits) - 1 - length <= 17 else None  # noqa: PLR2004 -- said above
    return None


@lru_cache(maxsize=2048)
def _country(code: str) -> tuple[bool, re.Pattern[str] | None]:
    """Tell whether a country code is in use, and its national prefix as a pattern."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata  # noqa: PLC0415 -- heavy, for phones only

    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(code or 0))
    if regions is None or str(int(code)) != code:
        return False, None
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(int(code), regions[0])
    prefix = metadata.national_prefix_for_parsing if metadata is not None else None
    return True, re.compile(prefix) if prefix else None


def _is_e164(digits: str) -> bool:
    from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, parse  # noqa: PLC0415 -- heavy

    try:
        return bool(format_number(parse(digits), PhoneNumberFormat.E164) == digits)
    except NumberParseException:
        return False
