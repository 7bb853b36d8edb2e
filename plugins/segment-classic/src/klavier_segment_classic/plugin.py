"""What this package registers with klavier."""
