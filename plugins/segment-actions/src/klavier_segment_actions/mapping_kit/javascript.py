"""JavaScript's operations on JSON values that mappings depend on."""

import json
from typing import Any

from klavier.jsvalues import to_string
from klavier_segment_actions.mapping_kit.missing import MISSING


def to_json(value: Any) -> Any:
    """Serialize a value as `JSON.stringify` does; `MISSING` stays `MISSING`."""
    if value is MISSING:
        return MISSING
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        members = (f"{to_json(key)}:{to_json(item)}" for key, item in value.items() if item is not MISSING)
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join("null" if item is MISSING else to_json(item) for item in value) + "]"
    return to_string(value)


def equals_empty(value: Any) -> bool:
    """Return whether `value == ""` is true: for "", zero, false and arrays that convert to an empty string."""
    if isinstance(value, (str, bool, int, float)):
        return not value
    return isinstance(value, list) and to_string(value) == ""


def spread(value: Any) -> dict[str, Any]:
    """Return what `Object.assign` copies from a value: members, or indexed items of an array or string."""
    if isinstance(value, dict):
        return value
    if isinstance(value, (list, str)):
        return {str(index): item for index, item in enumerate(value)}
    return {}
