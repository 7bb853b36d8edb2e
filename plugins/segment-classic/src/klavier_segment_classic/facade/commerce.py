"""Amounts, orders and products, with the fallbacks of Segment's libraries."""

import re
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from klavier.events.model import Track
from klavier.jsvalues import parse_float, to_string
from klavier_segment_classic.facade.dates import Date, date_text, read_dates
from klavier_segment_classic.facade.keys import UNDEFINED, Keys, first_truthy, is_truthy
from klavier_segment_classic.facade.profile import is_text
from klavier_segment_classic.fidelity import Fidelity

_ORDER_COMPLETED = re.compile(
    r"[ _]?completed[ _]?order[ _]?|[ _]?order[ _]?completed[ _]?\Z", re.IGNORECASE | re.ASCII
)


def is_order_completed(name: Any) -> bool:
    """Return whether an event's name means a completed order: `Order Completed`, or starting with `Completed Order`."""
    return is_text(name) and _ORDER_COMPLETED.match(name) is not None


def read_revenue(properties: Keys, *, order: bool) -> Any:
    """Return the revenue, for an order else the total, as a number; UNDEFINED where it is none."""
    found = properties.get("revenue")
    if order and not is_truthy(found):
        found = properties.get("total")
    if is_text(found):
        amount = parse_float(found.replace("$", ""))
        return UNDEFINED if amount is None else amount
    is_number = isinstance(found, (int, float)) and not isinstance(found, bool)
    return found if is_number and found else UNDEFINED


def find_order_ids(properties: Keys, *, event_id_first: bool) -> tuple[Any, Any]:
    """Return an order's own id and its event's: `eventId`, else `orderId`, or as deployed `id`, else `orderId`."""
    order_id = properties.get("orderid")
    if event_id_first:
        return order_id, first_truthy(properties.get("eventid"), order_id)
    order_id = first_truthy(properties.get("id"), order_id)
    return order_id, order_id


@frozen
class Order:
    """A completed order, read from its message."""

    properties: Keys
    products: tuple[Keys, ...]
    event_id: Any
    prefix: Any
    """The first part of the event ids of the products."""
    fidelity: Fidelity

    @classmethod
    def read(cls, event: Track, fidelity: Fidelity) -> "Order":
        """Read a message; a product that is no object counts as an empty one."""
        properties = Keys(read_dates(event.properties))
        found = properties.get("products")
        products = (
            tuple(Keys(item if isinstance(item, dict) else {}) for item in found) if isinstance(found, list) else ()
        )
        order_id, event_id = find_order_ids(properties, event_id_first=fidelity.event_id_first)
        prefix = first_truthy(order_id, event_id, event.stable_id) if fidelity.products_need_id else order_id
        return cls(properties, products, event_id, prefix, fidelity)

    @property
    def revenue(self) -> Any:
        """The order's revenue, else its total, or UNDEFINED."""
        return read_revenue(self.properties, order=True)

    def product_ids(self, notes: list[str]) -> Iterator[tuple[Keys, str]]:
        """Return each product with the id of its event; as documented, one without any id is left out and noted."""
        for number, product in enumerate(self.products):
            own = first_truthy(find_product_id(product), product.get("sku"))
            if is_truthy(own) or not self.fidelity.products_need_id:
                yield product, f"{_joined_text(self.prefix)}_{_joined_text(own)}"
            else:
                notes.append(f"products[{number}] has no event of its own: it has no productId, id or sku")


def find_product_id(product: Keys) -> Any:
    """Return a product's own id: `productId` in any spelling, else `id`."""
    return first_truthy(product.get("productid"), product.get("id"))


def read_quantity(product: Keys) -> Any:
    """Return the quantity, whose key must be spelled exactly; one where there is none."""
    return first_truthy(product.members.get("quantity"), 1)


def _joined_text(value: Any) -> str:
    """Write a value as JavaScript does when it joins it to a string."""
    if value is UNDEFINED:
        return "undefined"
    return date_text(value) if isinstance(value, Date) else to_string(value)
