"""Times as Klaviyo's track call takes them: whole Unix seconds, ten digits.

Source: the arguments of track in Freshpaint's Klaviyo destination.
"""

from datetime import UTC, datetime
from typing import Any

from klavier.klaviyo.times import klaviyo_time


def unix_seconds(value: Any) -> int | None:
    """Give a time as whole seconds since 1970; None for what is no time after 1990."""
    text = klaviyo_time(value)
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
