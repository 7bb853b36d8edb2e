"""Where each profile attribute is looked up in an event; the first place with a value wins.

A row is the Klaviyo attribute, then its places in order of precedence.  `city` to `address1` are attributes of the
profile's `location`.  Source: RudderStack's Klaviyo documents and the generic field names of its event specification.
"""

from klavier.klaviyo.attributes import SPECIAL_ATTRIBUTES, SPECIAL_IDENTIFIERS, SPECIAL_LOCATION

Row = tuple[str, ...]
Table = tuple[Row, ...]

# fmt: off
USER_ID: Row = ("external_id", "userId", "traits.userId", "traits.id", "context.traits.userId", "context.traits.id")
USER_ID_OR_ANONYMOUS: Row = (*USER_ID, "anonymousId")
ANONYMOUS_ID: Row = ("anonymous_id", "anonymousId")

GENERAL: Table = (
    ("email",        "traits.email", "context.traits.email", "properties.email"),
    ("phone_number", "traits.phone", "context.traits.phone", "properties.phone"),
    ("first_name",   "traits.firstName", "traits.firstname", "traits.first_name", "context.traits.firstName", "context.traits.firstname", "context.traits.first_name"),
    ("last_name",    "traits.lastName", "traits.lastname", "traits.last_name", "context.traits.lastName", "context.traits.lastname", "context.traits.last_name"),
    ("image",        "traits.image", "context.traits.image", "properties.image"),
    ("city",         "traits.city", "traits.address.city", "context.traits.city", "context.traits.address.city", "properties.city"),
    ("country",      "traits.country", "traits.address.country", "context.traits.country", "context.traits.address.country", "properties.country"),
    ("region",       "traits.region", "traits.address.region", "context.traits.region", "context.traits.address.region", "properties.region",
                     "traits.state", "traits.address.state", "context.traits.address.state", "context.traits.state", "properties.state"),
    ("zip",          "traits.zip", "traits.postalcode", "traits.postalCode", "traits.address.zip", "traits.address.postalcode", "traits.address.postalCode",
                     "context.traits.zip", "context.traits.postalcode", "context.traits.postalCode", "context.traits.address.zip", "context.traits.address.postalcode", "context.traits.address.postalCode",
                     "properties.zip", "properties.postalcode", "properties.postalCode"),
    ("address1",     "traits.street", "traits.address.street", "context.traits.street", "context.traits.address.street", "properties.street"),
)
"""The attributes that every version looks up."""

WORK: Table = (
    ("title",        "traits.title", "context.traits.title", "properties.title"),
    ("organization", "traits.organization", "context.traits.organization", "properties.organization"),
    ("timezone",     "traits.timezone", "context.traits.timezone", "properties.timezone"),
)
"""The attributes that every version looks up, except the deployed v1 for the profile inside an event."""

CONSENT: Table = (
    ("consent",      "context.traits.consent", "traits.consent", "properties.consent"),
)
"""The special property `$consent` of the profile inside a v1 event."""

PLACE: Table = (
    ("ip",           "context.ip", "request_ip"),
    ("latitude",     "latitude", "context.address.latitude", "context.location.latitude"),
    ("longitude",    "longitude", "context.address.longitude", "context.location.longitude"),
    ("_kx",          "traits._kx", "context.traits._kx"),
)
"""The attributes that only v2 and v3 look up."""
# fmt: on

V1_IDENTIFY: Table = (USER_ID_OR_ANONYMOUS, *GENERAL, *WORK)
V1_EVENT: Table = (USER_ID_OR_ANONYMOUS, *GENERAL, *WORK, *CONSENT)
V1_EVENT_DEPLOYED: Table = (USER_ID_OR_ANONYMOUS, *GENERAL, *CONSENT)
IMPORT: Table = (USER_ID, ANONYMOUS_ID, *GENERAL, *WORK, *PLACE)

ATTRIBUTES = {**SPECIAL_IDENTIFIERS, **SPECIAL_ATTRIBUTES, **SPECIAL_LOCATION}
"""The attributes by their names in the profile inside a v1 event; `$consent` and all others are custom properties."""

SPECIALS = {attribute: special for special, attribute in ATTRIBUTES.items()}
"""The names of the attributes in the profile inside a v1 event."""
