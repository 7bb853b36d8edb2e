"""The requests of each action, as flows over checked payloads."""
