"""Compare the data in Klaviyo after two vendors delivered the same events.

Each vendor delivers into its own sandbox (`side`), their contents are read (`snapshot`), people and events are
matched (`people`, `pairing`), and what differs is gathered as rows (`report`), shown as text or as a page.
"""
