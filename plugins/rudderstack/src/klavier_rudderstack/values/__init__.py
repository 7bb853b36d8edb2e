"""Readers of an event's values, without knowledge of any request: lookups, nesting, phone numbers, Klaviyo's types."""
