"""Segment Actions's Klaviyo destination as a klavier plugin."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from klavier_segment_actions.mapping_kit import resolve_mapping
    from klavier_segment_actions.rows import events_from_rows, read_rows
    from klavier_segment_actions.triggers import matches_trigger

__all__ = ["events_from_rows", "matches_trigger", "read_rows", "resolve_mapping"]

_HOMES = {
    "events_from_rows": "klavier_segment_actions.rows",
    "matches_trigger": "klavier_segment_actions.triggers",
    "read_rows": "klavier_segment_actions.rows",
    "resolve_mapping": "klavier_segment_actions.mapping_kit",
}


def __getattr__(name: str) -> Any:
    """Import a public name's module on first use, so that `klavier --help`, which lists `rows`, stays quick."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value
