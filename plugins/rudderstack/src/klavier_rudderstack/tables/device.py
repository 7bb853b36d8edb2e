"""Where device mode looks up the people properties of an identify call.

Source: RudderStack's Klaviyo documents (device mode) and the observed calls of its browser code.
"""

from collections.abc import Mapping

Places = tuple[str, ...]

# fmt: off
PROFILE: Mapping[str, Places] = {
    "$email":        ("context.traits.email", "context.traits.Email", "context.traits.E-mail"),
    "$phone_number": ("context.traits.phone", "context.traits.Phone"),
    "$first_name":   ("context.traits.firstName", "context.traits.firstname", "context.traits.first_name"),
    "$last_name":    ("context.traits.lastName", "context.traits.lastname", "context.traits.last_name"),
    "$city":         ("context.traits.city", "context.traits.City", "context.traits.address.city", "context.traits.address.City"),
    "$country":      ("context.traits.country", "context.traits.Country", "context.traits.address.country", "context.traits.address.Country"),
    "$organization": ("context.traits.organization",),
    "$title":        ("context.traits.title",),
    "$region":       ("context.traits.region", "context.traits.state", "context.traits.State", "context.traits.address.state", "context.traits.address.State"),
    "$zip":          ("context.traits.zip", "context.traits.address.postalCode"),
    "$address1":     ("context.traits.address.street",),
}
"""The first place with a truthy value wins; without one the value of the last place is sent, whatever it is."""

USER_ID: Places = ("userId", "context.traits.userId", "anonymousId")
# fmt: on
