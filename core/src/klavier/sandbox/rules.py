"""The rules of one revision."""

import re
from functools import lru_cache

from attrs import frozen

from klavier.sandbox.tables.changes import CHANGES

OLDEST_SERVED = "2025-01-15"
"""What Klaviyo answers as when it is asked for a retired revision."""

_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.\w+)?")


@frozen
class Rules:
    """Which changes are in force in a revision, see `CHANGES`."""

    revision: str
    changes: frozenset[str]

    def has(self, change: str) -> bool:
        """Tell whether a change is in force."""
        return change in self.changes


@lru_cache(maxsize=64)
def rules_of(revision: str, *, sms: bool = True) -> Rules:
    """Give the rules of a revision; a date between two revisions means the older one.

    `sms` is a matter of the account: whether it has SMS set up.
    """
    names = {name for name, since in CHANGES.items() if revision >= since}
    return Rules(revision, frozenset(names | {"sms"} if sms else names))


def read_revision(header: str) -> str | None:
    """Read the revision header, with or without a suffix such as `.pre`; None for what is no date."""
    found = _DATE.fullmatch(header.strip())
    return found[1] if found else None
