"""The senders of events: found by write key, each with a rate limit."""

import hashlib
import hmac
import math
from collections.abc import Mapping

from klavier.config.gateway import SourceSection
from klavier.gateway.bodies import first_element


class TokenBucket:
    """A rate limit: `rate` events a second, and as many at once as two seconds bring."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._tokens = 2.0 * rate
        self._updated = 0.0

    def take(self, count: int, now: float) -> float:
        """Take `count` events at `now` (seconds, monotonic); return 0.0, or the seconds to wait where none was taken.

        A batch that is larger than the bucket is accepted when the bucket is full, so that it is not refused for ever.
        """
        full = 2.0 * self._rate
        self._tokens = min(full, self._tokens + max(0.0, now - self._updated) * self._rate)
        self._updated = now
        needed = min(float(count), full)
        if self._tokens >= needed:
            self._tokens -= count
            return 0.0
        return (needed - self._tokens) / self._rate


class Source:
    """One sender of events, with its keys."""

    def __init__(self, name: str, section: SourceSection) -> None:
        self.name = name
        self.limit = TokenBucket(section.rate_limit)
        self._secret = section.webhook_secret
        keys = (section.write_key, *section.write_keys) if section.enabled else ()
        self.keys = tuple(key.encode() for key in keys if key)

    def verify_signature(self, text: bytes, signature: str) -> bool:
        """Return whether a body is signed with the source's secret, by whatever path it came; True where it has none.

        The signature is the hexadecimal HMAC-SHA1 over the JSON of the event, of a batch only of its first event.
        Source: Segment's Webhooks (Actions) destination.
        """
        if self._secret is None:
            return True
        expected = hmac.new(self._secret.encode(), first_element(text), hashlib.sha1).hexdigest()
        return hmac.compare_digest(expected.encode(), signature.strip().lower().encode("utf-8", "replace"))


class Sources:
    """All senders of a configuration."""

    def __init__(self, sections: Mapping[str, SourceSection]) -> None:
        self._sources = [Source(name, section) for name, section in sections.items()]

    def find(self, key: str | None) -> Source | None:
        """Return the source of a write key; compares with every key, in a time that does not depend on the key."""
        given = (key or "").encode("utf-8", "replace")
        found: Source | None = None
        for source in self._sources:
            for known in source.keys:
                if hmac.compare_digest(known, given):
                    found = source
        return found


def seconds_to_wait(seconds: float) -> int:
    """Return a wait as the whole seconds of a Retry-After header."""
    return max(1, math.ceil(seconds))
