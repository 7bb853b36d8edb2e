"""Mappings in the vocabulary of migrations: reading mappings into terms, and writing them from terms."""

from klavier_segment_actions.portable.portable import PORTABLE

__all__ = ["PORTABLE"]
