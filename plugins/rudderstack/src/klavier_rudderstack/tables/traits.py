"""The traits that are attributes or controls, and therefore not custom properties."""

V1 = frozenset(
    {
        "email",
        "firstName",
        "firstname",
        "first_name",
        "lastName",
        "lastname",
        "last_name",
        "phone",
        "title",
        "organization",
        "city",
        "region",
        "country",
        "zip",
        "image",
        "timezone",
        "id",
        "anonymousId",
        "userId",
        "properties",
    }
)
"""v1: all others are custom properties, also `state`, `street` and `address`."""

IMPORT = (V1 - {"id"}) | {"location", "_kx", "street", "address"}
"""v2 and v3: all others are custom properties, also `state` and `id`."""

DEVICE = (V1 - {"id"}) | {"E-mail", "Email", "Phone", "City", "Country"}
"""Device mode: all others are custom properties, also `id`, `street` and `address`."""
