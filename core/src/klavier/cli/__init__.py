"""The `klavier` command."""
