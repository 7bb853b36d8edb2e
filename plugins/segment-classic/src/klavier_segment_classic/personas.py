"""Segment Personas: audiences and computed traits, which arrive as identify messages.

Source: Segment's page on its Klaviyo destination, "Personas".
"""

import re
from typing import Any

from klavier.events.model import Event, JsonObject
from klavier.jsvalues import dig

LIST_NOTE = "the person was added to the list; Segment never removes people from it when they leave the audience"
"""The document's warning about a list id with Personas."""

_EDGE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER = re.compile(r"[^A-Za-z0-9]+")


def is_audience(event: Event) -> bool:
    """Tell whether Personas made this message about an audience."""
    return bool(dig(event.context, "personas", "computation_class") == "audience")


def snake_case(name: str) -> str:
    """Write a name as Personas does: `Order Completed Last 30days` as `order_completed_last_30days`."""
    return _OTHER.sub("_", _EDGE.sub("_", name)).strip("_").lower()


def audience_traits(event: Event, traits: JsonObject) -> JsonObject:
    """Rename the audience's own trait, true or false, to its snake_cased name where its sender did not."""
    key: Any = dig(event.context, "personas", "computation_key")
    if not isinstance(key, str) or not is_audience(event):
        return traits
    wanted = snake_case(key)
    return {
        wanted if isinstance(value, bool) and wanted not in traits and snake_case(name) == wanted else name: value
        for name, value in traits.items()
    }
