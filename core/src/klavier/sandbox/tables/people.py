"""Where the special people properties of the legacy calls and of revision 2023-02-22 live in a profile today.

Source: Klaviyo's list of special identify properties.
"""

# fmt: off
PEOPLE: dict[str, tuple[str, str]] = {
    # special        (part of the profile, name there)
    "$id":            ("identifier", "external_id"),
    "$email":         ("identifier", "email"),
    "$phone_number":  ("identifier", "phone_number"),
    "$anonymous":     ("identifier", "anonymous_id"),
    "$exchange_id":   ("identifier", "_kx"),
    "$first_name":    ("attribute",  "first_name"),
    "$last_name":     ("attribute",  "last_name"),
    "$title":         ("attribute",  "title"),
    "$locale":        ("attribute",  "locale"),
    "$organization":  ("attribute",  "organization"),
    "$image":         ("attribute",  "image"),
    "$address1":      ("location",   "address1"),
    "$address2":      ("location",   "address2"),
    "$city":          ("location",   "city"),
    "$region":        ("location",   "region"),
    "$country":       ("location",   "country"),
    "$zip":           ("location",   "zip"),
    "$timezone":      ("location",   "timezone"),
    "$latitude":      ("location",   "latitude"),
    "$longitude":     ("location",   "longitude"),
}
"""`$consent` and all else are custom properties."""

V2_PEOPLE: dict[str, str] = {
    # version 2      the special property
    "email":         "$email",
    "phone_number":  "$phone_number",
    "external_id":   "$id",
    "id":            "$id",
    "first_name":    "$first_name",
    "last_name":     "$last_name",
    "title":         "$title",
    "organization":  "$organization",
    "city":          "$city",
    "region":        "$region",
    "country":       "$country",
}
# fmt: on
"""The names that version 2 of the API takes without the dollar."""
