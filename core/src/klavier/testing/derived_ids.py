"""Whether an id that is not in an event was derived from it, or made up."""

import re
from typing import Any

from klavier.events.model import Event
from klavier.events.reader import parse_event
from klavier.testing.decoding import decode, leaves
from klavier.testing.provenance import Origins
from klavier.testing.trace import record
from klavier.vendor import Vendor

_HASHED = re.compile(r"[0-9a-f]+")
_LEAST_HASH = 16
"""Characters that a derived id has at least."""


def is_hash_of(vendor: Vendor, event: Event, leaf: Any, origins: Origins) -> bool:
    """Return whether a value looks like a hash and changes with the content of the event."""
    if not isinstance(leaf, str):
        return False
    rest = origins.words_left(leaf)
    if not all(_HASHED.fullmatch(word) for word in rest) or len(leaf) < _LEAST_HASH:
        return False
    trace = record(vendor, [parse_event(_disturbed(event.payload))])
    return all(leaf != other for request in trace.requests for _, other in leaves(decode(request)))


def _disturbed(value: Any, key: str = "") -> Any:
    """Change all ids and texts of a payload, but neither its type nor names, so that it is translated alike."""
    if isinstance(value, dict):
        return {name: _disturbed(member, name) for name, member in value.items()}
    if isinstance(value, list):
        return [_disturbed(member) for member in value]
    if isinstance(value, bool):
        return not value if key.lower().endswith("id") else value
    if key in ("type", "event", "name"):
        return value
    if isinstance(value, int):
        return value - 1 if value > 0 else value + 1
    return _disturbed_text(value, key) if isinstance(value, str) else value


def _disturbed_text(text: str, key: str) -> str:
    if key.lower().endswith("id") or text.isdigit():
        return f"{text}1"
    is_date_or_phone = text[:1].isdigit() or text[:1] == "+"
    return text if is_date_or_phone or not text else f"z{text}"
