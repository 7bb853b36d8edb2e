"""Segment Actions's Klaviyo destination as a klavier plugin."""

from klavier_segment_actions.mapping_kit import resolve_mapping
from klavier_segment_actions.triggers import matches_trigger

__all__ = ["matches_trigger", "resolve_mapping"]
