"""Cloud mode: what RudderStack's servers send to Klaviyo."""
