"""What analytics.js calls in the browser."""
