"""Device mode: what RudderStack's browser code passes to Klaviyo's browser object."""
