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
# fmt: on
"""`$consent` and all else are custom properties."""
