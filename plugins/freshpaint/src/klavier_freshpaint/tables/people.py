"""Freshpaint's parameters of identify, and the Klaviyo user traits that they map to.

Source: Freshpaint's Klaviyo destination, the table of identify; `email` from its text on identification.
"""

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
