"""Which traits become Klaviyo's special people properties.

Source: Segment's page on its Klaviyo destination, the tables "Server-side Identify" and "Client-side Identify".
"""

from collections.abc import Callable
from typing import Any

from klavier_segment_classic.facade import people
from klavier_segment_classic.facade.people import Person

Rule = Callable[[Person, str], Any]
"""Gives the value of a normalised trait name for a person, or UNDEFINED."""

# fmt: off
SERVER: tuple[tuple[str, str, Rule], ...] = (
    # Segment trait        Klaviyo property   found by (`userId` -> `$id` stands in cloud/identify.py)
    ("email",              "$email",          people.email),
    ("phonenumber",        "$phone_number",   people.phone),
    ("organization",       "$organization",   people.trait),
    ("firstname",          "$first_name",     people.first_name),
    ("lastname",           "$last_name",      people.last_name),
    ("title",              "$title",          people.title),
    ("city",               "$city",           people.place),
    ("region",             "$region",         people.region),  # or `state`
    ("country",            "$country",        people.place),
    ("timezone",           "$timezone",       people.timezone),
    ("zip",                "$zip",            people.zip_code),
)

CLIENT: tuple[tuple[str, str, Rule], ...] = (
    # Segment trait        Klaviyo property   found by; the key in this exact spelling is moved, others are copied
    ("id",                 "$id",             people.trait),
    ("email",              "$email",          people.email),
    ("phone",              "$phone_number",   people.phone),  # the document says `phoneNumber`
    ("firstName",          "$first_name",     people.first_name),
    ("lastName",           "$last_name",      people.last_name),
    ("title",              "$title",          people.trait),
    ("exchangeId",         "$exchange_id",    people.trait),  # not in the document
)
# fmt: on
