"""Read and write times as Klaviyo does."""

import re
from datetime import UTC, datetime
from functools import lru_cache

_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", re.IGNORECASE)


@lru_cache(maxsize=4096)  # the events of one input event have one time, on both sides of a comparison
def read_time(text: str) -> int | None:
    """Read an ISO 8601 time as whole seconds since 1970 (UTC where no offset is given); None for what is no time."""
    if _TIME.fullmatch(text) is None:
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() // 1)
    except (ValueError, OverflowError):
        return None


def write_time(seconds: float) -> str:
    """Write seconds since 1970 as Klaviyo does."""
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()
