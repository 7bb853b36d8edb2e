"""Members of a completed order that its calls express in another way, and so do not repeat.

Source: Segment's page on its Klaviyo destination, "Order Completed", and the observed calls.  Each entry removes one
spelling of its name; a name that is listed twice, or in two spellings, removes two.
"""

from klavier_segment_classic.facade.keys import count_names

# fmt: off
SERVER_ORDER = count_names("$event_id", "$value", "orderId", "order_id", "categories", "item names", "items", "revenue", "total", "products")
"""Members of the order that its order event does not repeat, on servers."""

SERVER_ITEM = count_names("sku", "name", "quantity", "item price", "price", "row total", "categories", "category", "image url", "imageUrl", "product url", "productUrl")
"""Members of a product that its entry in `Items` does not repeat, on servers."""

SERVER_PRODUCT = count_names("$event_id", "$value", "name", "product categories", "category", "id", "productId", "product_id", "sku", "quantity", "price", "product url", "productUrl", "image url", "imageUrl")
"""Members of a product that its `Ordered Product` event does not repeat, on servers."""

CLIENT_ORDER = count_names("$event_id", "$value", "orderId", "order_id", "categories", "itemNames", "items", "revenue", "products")
"""Members of the order that its call in the browser does not repeat; unlike on servers, `total` is kept."""

CLIENT_ITEM = count_names("id", "product_id", "productId", "sku", "name", "quantity", "itemPrice", "price", "rowTotal", "categories", "category", "productUrl", "imageUrl")
"""Members of a product that its entry in `Items` does not repeat, in the browser."""

CLIENT_PRODUCT = count_names("$event_id", "$value", "name", "product categories", "category", "id", "productId", "product_id", "sku", "quantity", "price", "productUrl", "imageUrl")
"""Members of a product that its `Ordered Product` call does not repeat, in the browser."""
# fmt: on

PLACED, COMPLETED, PRODUCT = "Placed Order", "Order Completed", "Ordered Product"
"""The names of Klaviyo's standard events."""
