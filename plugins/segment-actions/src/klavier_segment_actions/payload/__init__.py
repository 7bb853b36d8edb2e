"""Checking mapped values against the fields of an action."""
