"""Phone numbers: what RudderStack's v2 and v3 accept, and what Klaviyo takes.

RudderStack removes all but digits and the plus sign, and accepts what its phone number library then parses and writes
in E.164 form unchanged.  That fails for unknown country codes, and for a national prefix after the country code.
"""

import re
from functools import lru_cache
from typing import Any

_FORMATTING = re.compile(r"[^0-9+]")
_INTERNATIONAL = re.compile(r"\+[0-9]{3,18}")
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")


def e164(value: Any) -> str | None:
    """Give a phone number as Klaviyo takes it, formatting removed; None where that cannot be done."""
    if value.__class__ is not str:
        return None
    digits = value if _E164.fullmatch(value) else _FORMATTING.sub("", value)
    return digits if _E164.fullmatch(digits) and _parses(digits) else None


def is_accepted(value: Any) -> bool:
    """Tell whether RudderStack's v2 and v3 accept a phone number."""
    if value.__class__ is not str:
        return False
    digits = _FORMATTING.sub("", value)
    return _INTERNATIONAL.fullmatch(digits) is not None and _parses(digits)


def _parses(digits: str) -> bool:
    """Tell whether `+` and digits are a number of a known country that E.164 writes the same way."""
    for length in (1, 2, 3):
        known, prefix = _country(digits[1 : 1 + length])
        if known:
            # Parsing in full is slow, and changes only numbers that seem to begin with the national prefix.
            if prefix is not None and prefix.match(digits, 1 + length):
                return _is_e164(digits)
            return 2 <= len(digits) - 1 - length <= 17  # noqa: PLR2004 -- the library's bounds of a national number
    return False


@lru_cache(maxsize=1024)
def _country(code: str) -> tuple[bool, re.Pattern[str] | None]:
    """Tell whether a country code is in use, and its national prefix as a pattern."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata  # noqa: PLC0415 -- heavy, for phones only

    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(code or 0))
    if regions is None:
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
