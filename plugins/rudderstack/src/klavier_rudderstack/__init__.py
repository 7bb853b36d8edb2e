"""RudderStack's Klaviyo destination as a klavier plugin."""
