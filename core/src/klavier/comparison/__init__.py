"""Comparing what Klaviyo would hold after two vendors sent it the same events.

Each vendor delivers into its own sandbox (`side`), what the sandboxes hold is read (`holdings`), people and events are
matched (`people`, `pairing`), and what differs is gathered as rows (`report`), shown as text or as a page.
"""
