"""Choose people among the input events before anything is predicted, so that a sample of a large archive is cheap.

Input events belong together where an identifier links them, whatever the vendor makes of it: a user id, a device, an
address or a number. Each identifier takes some ten bytes, so a first pass over millions of events fits into memory.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from klavier.events.model import Event

_ADDRESSES = ("email", "$email", "phone", "phone_number", "phoneNumber", "$phone_number")
"""Members of traits and properties that identify a person."""


_RECORDED = frozenset({"track", "page", "screen"})
"""The types of events that vendors turn into events in Klaviyo."""


@frozen(eq=False)
class Selection:
    """The people who were chosen; `total` counts the tracks, pages and screens of everybody."""

    total: int
    chosen: frozenset[int]
    """Digests of their identifiers."""
    is_whole: bool

    def __contains__(self, event: "Event") -> bool:
        """Return whether an input event is about one of them."""
        return next(_digests(event), None) in self.chosen


class Clusters:
    """Input events, put together by person: add them all, then choose some people."""

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}
        self._counts: Counter[int] = Counter()
        self.total = 0

    def add(self, event: "Event") -> None:
        """Count an input event; those that Klaviyo records as none only link identifiers."""
        is_recorded = event.type in _RECORDED
        self.total += is_recorded
        digests = list(_digests(event))
        if not digests:
            return
        root = self._root(digests[0])
        for digest in digests[1:]:
            root = self._join(root, self._root(digest))
        self._counts[root] += is_recorded

    def choose(self, least_events: int) -> Selection:
        """Choose people at random until they have so many tracks, pages and screens.

        They are the same ones in each run over these events.
        """
        counts: Counter[int] = Counter()
        ranks: dict[int, int] = {}
        for root, count in self._counts.items():
            counts[self._root(root)] += count
        for digest in self._parents:
            root = self._root(digest)
            ranks[root] = min(digest, ranks.get(root, digest))
        roots: set[int] = set()
        found = 0
        for root in sorted(counts, key=ranks.__getitem__):
            if found >= least_events:
                break
            roots.add(root)
            found += counts[root] or 1  # a profile without events takes a call, too
        chosen = frozenset(digest for digest in self._parents if self._root(digest) in roots)
        return Selection(self.total, chosen, len(roots) == len(counts))

    def _root(self, digest: int) -> int:
        parents = self._parents
        parents.setdefault(digest, digest)
        while parents[digest] != digest:
            parents[digest] = parents[parents[digest]]
            digest = parents[digest]
        return digest

    def _join(self, one: int, other: int) -> int:
        self._parents[other] = one
        return one


def _digests(event: "Event") -> Iterator[int]:
    """Yield a number for each identifier of an input event; the same in each run."""
    for kind, text in _identifiers(event):
        yield int.from_bytes(hashlib.blake2b(f"{kind}:{text}".encode("utf-8", "surrogatepass"), digest_size=8).digest())


def _identifiers(event: "Event") -> Iterator[tuple[str, str]]:
    for kind, value in (
        ("user", event.user_id),
        ("user", getattr(event, "previous_id", None)),
        ("device", event.anonymous_id),
    ):
        if value not in (None, "") and not isinstance(value, (dict, list)):
            yield kind, str(value)
    for members in (getattr(event, "traits", None), event.context.get("traits"), getattr(event, "properties", None)):
        if isinstance(members, dict):
            found = (members.get(name) for name in _ADDRESSES)
            yield from (("address", text.strip().lower()) for text in found if isinstance(text, str) and text.strip())
