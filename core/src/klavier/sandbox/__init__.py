"""An in-process, stateful Klaviyo for demos, tests and comparisons."""
