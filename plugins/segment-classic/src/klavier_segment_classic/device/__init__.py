"""The calls that analytics.js makes in the browser."""
