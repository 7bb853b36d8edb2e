"""Mappings in the words of migrations: read into them, and written from them."""

from klavier_segment_actions.portable.portable import PORTABLE

__all__ = ["PORTABLE"]
