"""Segment's tables, line by line beside its document."""
