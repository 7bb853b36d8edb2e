"""What `Order Completed` becomes: the members that are said in another way, and are so not sent as they stand.

Source: Segment's page on its Klaviyo destination, "Order Completed", and the observed calls.  Each name takes one
spelling with it; a name that is listed twice, or in two spellings, takes two.
"""

from klavier_segment_classic.facade.keys import counted

# fmt: off
SERVER_ORDER = counted("$event_id", "$value", "orderId", "order_id", "categories", "item names", "items", "revenue", "total", "products")
"""Members of the order that its order event does not repeat, on servers."""

SERVER_ITEM = counted("sku", "name", "quantity", "item price", "price", "row total", "categories", "category", "image url", "imageUrl", "product url", "productUrl")
"""Members of a product that its entry in `Items` does not repeat, on servers."""

SERVER_PRODUCT = counted("$event_id", "$value", "name", "product categories", "category", "id", "productId", "product_id", "sku", "quantity", "price", "product url", "productUrl", "image url", "imageUrl")
"""Members of a product that its `Ordered Product` event does not repeat, on servers."""

CLIENT_ORDER = counted("$event_id", "$value", "orderId", "order_id", "categories", "itemNames", "items", "revenue", "products")
"""The same in the browser, which keeps `total`."""

CLIENT_ITEM = counted("id", "product_id", "productId", "sku", "name", "quantity", "itemPrice", "price", "rowTotal", "categories", "category", "productUrl", "imageUrl")
"""The same in the browser."""

CLIENT_PRODUCT = counted("$event_id", "$value", "name", "product categories", "category", "id", "productId", "product_id", "sku", "quantity", "price", "productUrl", "imageUrl")
"""The same in the browser."""
# fmt: on

PLACED, COMPLETED, PRODUCT = "Placed Order", "Order Completed", "Ordered Product"
"""What Klaviyo's standard events are called."""
