"""Amounts, orders and products, with the fallbacks of Segment's libraries."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from klavier.events.model import JsonObject, Track
from klavier.jsvalues import parse_float, to_string
from klavier.values import read_amount
from klavier_segment_classic.facade.dates import Date, date_text, read_dates
from klavier_segment_classic.facade.keys import UNDEFINED, Keys, first_truthy, is_truthy, normalize, without
from klavier_segment_classic.facade.profile import is_text
from klavier_segment_classic.fidelity import Fidelity

_ORDER_COMPLETED = re.compile(
    r"[ _]?completed[ _]?order[ _]?|[ _]?order[ _]?completed[ _]?\Z", re.IGNORECASE | re.ASCII
)


def is_order_completed(name: Any) -> bool:
    """Return whether an event's name means a completed order: `Order Completed`, or starting with `Completed Order`."""
    return is_text(name) and _ORDER_COMPLETED.match(name) is not None


def read_revenue(properties: Keys, fidelity: Fidelity, notes: list[str], *, order: bool) -> Any:
    """Return the revenue, for an order else the total, as a number; UNDEFINED, with a note, where it is none."""
    name, found = "revenue", properties.get("revenue")
    if order and not is_truthy(found):
        name, found = "total", properties.get("total")
    if found is UNDEFINED:
        return UNDEFINED
    amount, reason = _read_as_javascript(found) if fidelity.reads_as_javascript else read_amount(found)
    if reason:
        notes.append(f"{name} is not the event's value: {reason}")
    return UNDEFINED if amount is None else amount


def _read_as_javascript(value: Any) -> tuple[float | None, str]:
    """Return the number that a text begins with, `$` removed; a note where digits after it are left out."""
    if is_text(value):
        amount = parse_float(value.replace("$", ""))
        reason = read_amount(value)[1]
        return amount, reason and f"{reason}; only the number that it begins with was read" if amount else reason
    amount, reason = read_amount(value)
    return amount or None, reason


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

    def members(self, names: Mapping[str, int], notes: list[str]) -> JsonObject:
        """Return `$value`, and the members of the order that are sent as they are: all but `names`.

        As documented a revenue or total that is no number stays among them.
        """
        value = read_revenue(self.properties, self.fidelity, notes, order=True)
        if value is UNDEFINED and not self.fidelity.reads_as_javascript:
            names = {name: count for name, count in names.items() if name not in ("revenue", "total")}
        members = self.properties.members
        removed = [key for key in members if normalize(key) == "orderid"][: names["orderid"]]
        others = [key for key in removed if members[key] not in (None, "", self.event_id, self.prefix)]
        notes.extend(f"{key} left out: another id is the order's" for key in others)
        return {"$value": value, **without(self.properties.members, names)}

    def product_ids(self, notes: list[str]) -> Iterator[tuple[Keys, str]]:
        """Return each product with the id of its event.

        As documented, one without any id is left out, with a note.  Klaviyo keeps one event of an id: a product that
        has the id of another one, such as the second line of a product, is sent, with a note.
        """
        numbers: dict[str, int] = {}
        for number, product in enumerate(self.products):
            own = first_truthy(find_product_id(product), product.get("sku"))
            if self.fidelity.products_need_id and not is_truthy(own):
                notes.append(f"products[{number}] has no event of its own: it has no productId, id or sku")
                continue
            event_id = f"{_joined_text(self.prefix)}_{_joined_text(own)}"
            first = numbers.setdefault(event_id, number)
            if first != number:
                notes.append(f"products[{number}] has the id of products[{first}]: Klaviyo keeps one event of the two")
            yield product, event_id


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
