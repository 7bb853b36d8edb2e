"""What each action sends, as flows over checked payloads."""
