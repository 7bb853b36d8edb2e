"""Segment Classic's Klaviyo destination as a klavier plugin."""
