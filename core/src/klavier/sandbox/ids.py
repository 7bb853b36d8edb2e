"""Ids that look like Klaviyo's and are the same in every run."""

import hashlib

_SIX = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


class Ids:
    """Counts out ids, one series for each kind of thing."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def count(self, series: str) -> int:
        """Give the next number of a series, from 1."""
        number = self._counts.get(series, 0) + 1
        self._counts[series] = number
        return number

    def ulid(self, series: str) -> str:
        """Give an id like those of profiles: 26 characters, sorted by age."""
        return f"01SANDBX{self.count(series):018d}"

    def six(self, series: str) -> str:
        """Give an id like those of lists and metrics: six characters."""
        digest = hashlib.sha256(f"{series}{self.count(series)}".encode()).digest()
        return "".join(_SIX[byte % len(_SIX)] for byte in digest[:6])
