"""Segment Actions's Klaviyo destination as a klavier plugin."""
