"""Segment's tables as data, in the order of its document."""
