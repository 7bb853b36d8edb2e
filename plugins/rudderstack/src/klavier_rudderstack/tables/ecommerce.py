"""The four ecommerce events of RudderStack's specification, and the names that Klaviyo's own integrations use.

Source: the ecommerce sections of RudderStack's Klaviyo documents; the `DEPLOYED` tables are its observed behavior.
"""

from collections.abc import Mapping

Names = Mapping[str, str]

EVENTS: Names = {
    "product viewed": "Viewed Product",
    "product clicked": "Viewed Product",
    "product added": "Added to Cart",
    "checkout started": "Started Checkout",
}
"""RudderStack's event names, trimmed and in lower case, and Klaviyo's metrics."""

PROPERTIES: Mapping[str, Names] = {
    "Viewed Product": {
        "name": "ProductName",
        "product_id": "ProductID",
        "sku": "SKU",
        "image_url": "ImageURL",
        "url": "URL",
        "brand": "Brand",
        "price": "Price",
        "compare_at_price": "CompareAtPrice",
        "categories": "Categories",
    },
    "Added to Cart": {
        "value": "$value",
        "name": "AddedItemProductName",
        "product_id": "AddedItemProductID",
        "sku": "AddedItemSKU",
        "image_url": "AddedItemImageURL",
        "url": "AddedItemURL",
        "price": "AddedItemPrice",
        "quantity": "AddedItemQuantity",
        "categories": "AddedItemCategories",
        "item_names": "ItemNames",
        "checkout_url": "CheckoutURL",
    },
    "Started Checkout": {
        "order_id": "$event_id",
        "value": "$value",
        "categories": "Categories",
        "item_names": "ItemNames",
        "checkout_url": "CheckoutURL",
    },
}
"""The event properties that each metric renames."""

ITEMS_FROM = ("items", "products")
"""The places of the list of items; the documents will deprecate `items`, but it wins where both are present."""

ITEM: Names = {
    "product_id": "ProductID",
    "sku": "SKU",
    "name": "ProductName",
    "quantity": "Quantity",
    "price": "Price",
    "total": "RowTotal",
    "url": "URL",
    "image_url": "ImageURL",
    "categories": "ProductCategories",
}
"""The parameters of one item, as documented."""

ITEM_DEPLOYED: Names = {
    "product_id": "ProductID",
    "sku": "SKU",
    "name": "ProductName",
    "quantity": "Quantity",
    "price": "ItemPrice",
    "row_total": "RowTotal",
    "url": "ProductURL",
    "image_url": "ImageURL",
    "categories": "ProductCategories",
}
"""The parameters of one item, as the cloud mode was observed to send them."""

ITEM_DEVICE: Names = {
    "product_id": "ProductID",
    "sku": "SKU",
    "name": "ProductName",
    "quantity": "Quantity",
    "price": "ItemPrice",
    "total": "RowTotal",
    "url": "ProductURL",
    "image_url": "ImageURL",
    "categories": "ProductCategories",
}
"""The parameters of one item, as the browser code was observed to send them."""

DEVICE_OMITS = frozenset(
    {
        "name",
        "product_id",
        "sku",
        "image_url",
        "url",
        "brand",
        "price",
        "compare_at_price",
        "quantity",
        "categories",
        "products",
        "product_names",
        "order_id",
        "value",
        "checkout_url",
        "item_names",
        "items",
    }
)
"""The properties that the browser code was observed never to send under their own names in an ecommerce event."""

V1_OMITS = frozenset({"email", "phone", "revenue", "total", "value"})
"""Event properties that v1 sends elsewhere, in the profile or as the event's value."""

IMPORT_OMITS = V1_OMITS | {"event", "value_currency", "currency"}
"""Event properties that v2 and v3 send elsewhere."""

VALUE = ("revenue", "total", "value")
"""Where an event's value is looked up, in order of precedence."""
