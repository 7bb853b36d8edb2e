"""The names of a profile's identifiers and standard attributes, today and as special properties.

Source: the profile object of Klaviyo's OpenAPI specification; Klaviyo's guide to special properties for the names with
a dollar sign, which the legacy calls, events of revision 2023-02-22 and Klaviyo's browser object use.
"""

from collections.abc import Mapping
from typing import Final

TEST_DOMAINS: Final = ("@example.com", "@test.com")
"""The ends of test addresses: Klaviyo drops the events of profiles with such an e-mail address.

Source: Klaviyo's guide to events.
"""

PROFILE_IDENTIFIERS: Final = ("email", "phone_number", "external_id")
"""The identifiers that name a profile by themselves, the one that takes precedence first."""

DEVICE_IDENTIFIERS: Final = ("anonymous_id", "_kx")
"""The identifiers of a device or a cookie."""

IDENTIFIERS: Final = (*PROFILE_IDENTIFIERS, *DEVICE_IDENTIFIERS)
"""Every identifier that is an attribute of a profile (Klaviyo's own `id` stands beside the attributes)."""

TEXT_ATTRIBUTES: Final = ("first_name", "last_name", "organization", "locale", "title", "image")
"""The standard attributes of a profile that are text and do not identify it."""

COORDINATES: Final = ("latitude", "longitude")
"""The members of `location` that may be numbers."""

LOCATION_ATTRIBUTES: Final = (
    "address1",
    "address2",
    "city",
    "country",
    *COORDINATES,
    "region",
    "zip",
    "timezone",
    "ip",
)
"""The members of a profile's `location`."""

CHANNEL_IDENTIFIERS: Final[Mapping[str, str]] = {"email": "email", "sms": "phone_number", "whatsapp": "phone_number"}
"""Each consent channel, and the identifier that it writes to."""

SPECIAL_IDENTIFIERS: Final[Mapping[str, str]] = {
    "$id": "external_id",
    "$email": "email",
    "$phone_number": "phone_number",
    "$anonymous": "anonymous_id",
    "$exchange_id": "_kx",
}
"""The special properties that identify a profile, and their attributes."""

SPECIAL_ATTRIBUTES: Final[Mapping[str, str]] = {f"${name}": name for name in TEXT_ATTRIBUTES}
"""The special properties that are attributes of a profile, and those attributes."""

SPECIAL_LOCATION: Final[Mapping[str, str]] = {f"${name}": name for name in LOCATION_ATTRIBUTES if name != "ip"}
"""The special properties that are members of a profile's `location`, and those members."""

UNPREFIXED_SPECIALS: Final[Mapping[str, str]] = {"external_id": "$id", "id": "$id"} | {
    name: f"${name}"
    for name in (
        "email",
        "phone_number",
        "first_name",
        "last_name",
        "title",
        "organization",
        "city",
        "region",
        "country",
    )
}
"""The names that version 2 of the API accepts without the dollar sign, and the special properties they mean."""
