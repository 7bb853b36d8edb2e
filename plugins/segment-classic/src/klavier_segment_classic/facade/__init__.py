"""Segment's facade library: finds fields in a message by loose spellings, and reads dates, fallbacks and amounts."""
