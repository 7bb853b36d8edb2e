"""Which events may concern one profile: those with an identifier in common, directly or through others.

Events that may concern one profile have to be compared in one shard. Two events are joined where they have a user id,
an anonymous id, an e-mail address or a phone number in common, wherever the formats of events have them.
"""

from array import array
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any

from klavier.errors import UsageError
from klavier.events.model import Event
from klavier.strictjson import kind_of

_IDS = frozenset(
    {"userid", "anonymousid", "previousid", "externalid", "distinctid", "deviceid", "email", "emailaddress", "kx"}
)
"""Names of members with an identifier, as letters without case."""
_IDS_IN_TRAITS = _IDS | {"id"}
"""In properties `id` is the id of another thing."""
_PHONES = frozenset({"phone", "phonenumber"})
_PHONE_DIGITS = 9
"""How many last digits of a phone number are compared, so that it equals itself with and without the country code."""
_NONE = 2**64 - 1
"""The mark of an event without identifiers; no hash is as large."""

_LETTERS: dict[str, str] = {}
"""The letters of the names of members seen so far: few names stand in many events."""
_MOST_NAMES = 10_000


class Components:
    """The sets of events that may concern one profile, by hashes of identifiers.

    It takes about 100 bytes for each identifier and 8 for each event. Every process makes the same sets of the same
    events, in whatever order.
    """

    def __init__(self, joined_by: Sequence[str] = ()) -> None:
        self._paths = [path.split(".") for path in joined_by]
        self._parents: dict[int, int] = {}
        self._events = array("Q")

    def __len__(self) -> int:
        """Count the events."""
        return len(self._events)

    def add(self, event: Event) -> None:
        """Add the next event; raises `UsageError` for what is no event."""
        if not isinstance(event, Event):
            number = len(self._events) + 1
            raise UsageError(
                f"events: number {number} is {kind_of(event)}, not an event; klavier.parse_event makes one"
            )
        marks = marks_of(event, self._paths)
        self._events.append(self.join(marks) if marks else _NONE)

    def join(self, marks: "Sequence[int] | set[int]") -> int:
        """Make the sets of these hashes one, whose least hash stands for it; returns that."""
        roots = {self._root(mark) for mark in marks}
        least = min(roots)
        for root in roots:
            if root != least:
                self._parents[root] = least
        return least

    def roots(self) -> Iterator[tuple[int, int]]:
        """Yield each hash that is not the least of its set, with the least one."""
        return ((mark, self._root(mark)) for mark in list(self._parents))

    def shard(self, place: int, shards: int) -> int:
        """Return the shard of the event at a place, from 0."""
        mark = self._events[place]
        return place % shards if mark == _NONE else self._root(mark) % shards

    def _root(self, mark: int) -> int:
        parents = self._parents
        parent = parents.get(mark)
        while parent is not None:
            above = parents.get(parent)
            if above is None:
                return parent
            parents[mark] = above
            mark, parent = parent, above
        return mark


def marks_of(event: Event, paths: Sequence[Sequence[str]] = ()) -> set[int]:
    """Return the hashes of an event's identifiers, those at further `paths` of its payload among them."""
    found = {_hash(value) for value in (event.user_id, event.anonymous_id, getattr(event, "previous_id", None))}
    for traits in (getattr(event, "traits", None), event.context.get("traits")):
        if type(traits) is dict:
            found.update(_in_members(traits, _IDS_IN_TRAITS))
    properties = getattr(event, "properties", None)
    if properties:
        found.update(_in_members(properties, _IDS))
    for path in paths:
        value: Any = event.payload
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        found.add(_hash(value))
    found.discard(_NONE)
    return found


def _in_members(members: dict[str, Any], names: frozenset[str]) -> Iterator[int]:
    for name, value in members.items():
        letters = _letters(name)
        if letters in names:
            yield _hash(value)
        elif letters in _PHONES and isinstance(value, str | int):
            digits = "".join(char for char in str(value) if char.isdecimal())[-_PHONE_DIGITS:]
            yield _hash(f"phone {digits}" if digits else None)


def _letters(name: str) -> str:
    found = _LETTERS.get(name)
    if found is None:
        found = "".join(char for char in name.casefold() if char.isalnum())
        if len(_LETTERS) < _MOST_NAMES:
            _LETTERS[name] = found
    return found


def _hash(value: Any) -> int:
    """Return the hash of an identifier, or `_NONE` for what is none."""
    if isinstance(value, str):
        text = value.strip().casefold()
    elif isinstance(value, int | float) and not isinstance(value, bool):
        text = str(int(value)) if float(value).is_integer() else str(value)
    else:
        return _NONE
    if not text:
        return _NONE
    return int.from_bytes(blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()) >> 1
