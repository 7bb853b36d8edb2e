"""Compare the data in Klaviyo after two vendors delivered the same events.

Each vendor delivers into its own sandbox (`side`), their contents are read (`snapshot`), profiles and events are
matched (`matching`, `pairing`), and what differs is counted in rows (`rows`) of a report (`report`), which is shown as
text (`wording`) or as a page (`page`).
"""
