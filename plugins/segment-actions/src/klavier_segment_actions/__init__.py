"""Segment Actions's Klaviyo destination as a klavier plugin."""

from klavier_segment_actions.mapping_kit import resolve_mapping
from klavier_segment_actions.rows import events_from_rows, read_rows
from klavier_segment_actions.triggers import matches_trigger

__all__ = ["events_from_rows", "matches_trigger", "read_rows", "resolve_mapping"]
