"""Klaviyo's rules as tables."""
