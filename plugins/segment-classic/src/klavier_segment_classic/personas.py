"""Segment Personas: audiences and computed traits, which arrive as identify messages.

Source: Segment's page on its Klaviyo destination, "Personas".
"""

import re
from typing import Any

from klavier.events.model import Event, JsonObject
from klavier.jsvalues import dig

LIST_NOTE = "the profile was added to the list; Segment never removes it when it leaves the audience"
"""The document's warning about a list id with Personas."""

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS = re.compile(r"[^A-Za-z0-9]+")


def is_audience(event: Event) -> bool:
    """Return whether Personas made this message about an audience."""
    return bool(dig(event.context, "personas", "computation_class") == "audience")


def to_snake_case(name: str) -> str:
    """Write a name as Personas does: `Order Completed Last 30days` as `order_completed_last_30days`."""
    return _SEPARATORS.sub("_", _WORD_START.sub("_", name)).strip("_").lower()


def rename_audience_trait(event: Event, traits: JsonObject) -> JsonObject:
    """Rename the audience's own trait, true or false, to its snake_cased name where its sender did not."""
    key: Any = dig(event.context, "personas", "computation_key")
    if not isinstance(key, str) or not is_audience(event):
        return traits
    wanted = to_snake_case(key)
    return {
        wanted if isinstance(value, bool) and wanted not in traits and to_snake_case(name) == wanted else name: value
        for name, value in traits.items()
    }
