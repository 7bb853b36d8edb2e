"""Checking what a mapping gives against the fields of its action."""
