"""Deliver from an outbox to Klaviyo: what is sent, when, together with what, and how each event is settled."""
