"""Which traits become Klaviyo's special properties of a profile.

Source: Segment's page on its Klaviyo destination, the tables "Server-side Identify" and "Client-side Identify".
"""

from collections.abc import Callable
from typing import Any

from klavier_segment_classic.facade import profile
from klavier_segment_classic.facade.profile import Profile

Finder = Callable[[Profile, str], Any]
"""Returns the value of a normalized trait name for a profile, or UNDEFINED."""

# fmt: off
SERVER: tuple[tuple[str, str, Finder], ...] = (
    # Segment trait        Klaviyo property   found by (`userId` -> `$id` is in cloud/identify.py)
    ("email",              "$email",          profile.find_email),
    ("phonenumber",        "$phone_number",   profile.find_phone),
    ("organization",       "$organization",   profile.find_trait),
    ("firstname",          "$first_name",     profile.find_first_name),
    ("lastname",           "$last_name",      profile.find_last_name),
    ("title",              "$title",          profile.find_title),
    ("city",               "$city",           profile.find_place),
    ("region",             "$region",         profile.find_region),  # or `state`
    ("country",            "$country",        profile.find_place),
    ("timezone",           "$timezone",       profile.find_timezone),
    ("zip",                "$zip",            profile.find_zip),
)

CLIENT: tuple[tuple[str, str, Finder], ...] = (
    # Segment trait        Klaviyo property   found by; the key in this exact spelling is moved, others are copied
    ("id",                 "$id",             profile.find_trait),
    ("email",              "$email",          profile.find_email),
    ("phone",              "$phone_number",   profile.find_phone),  # the document has `phoneNumber`
    ("firstName",          "$first_name",     profile.find_first_name),
    ("lastName",           "$last_name",      profile.find_last_name),
    ("title",              "$title",          profile.find_trait),
    ("exchangeId",         "$exchange_id",    profile.find_trait),  # not in the document
)
# fmt: on
