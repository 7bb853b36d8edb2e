"""How long tests wait for what should happen soon."""

LONG = 240.0
"""Seconds: more than a busy machine takes, and less than `timeout` in pyproject.toml, so that the test says what it
waited for."""
