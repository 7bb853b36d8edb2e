"""The page of `klavier serve`: what goes through, what waits, what failed and why."""
