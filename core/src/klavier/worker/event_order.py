"""The order of a profile's events where some have overtaken others on their way."""

import math
from collections.abc import Sequence

import orjson

from klavier.outbox.entry import Entry
from klavier.values.times import read_moment


def sort_overtaken(entries: Sequence[Entry], window: float) -> list[Entry]:
    """Return entries of one partition, given in the order of acceptance, in the order in which their events happened.

    Only entries that were accepted at most `window` seconds after each other are compared: an SDK that sends several
    requests at once means no other order than that of its events' times, and days may lie between other entries.
    """
    found: list[Entry] = []
    group: list[Entry] = []
    newest = -math.inf
    for entry in entries:
        if entry.accepted - newest > window:
            found += _by_time(group)
            group = []
        group.append(entry)
        newest = max(newest, entry.accepted)
    return found + _by_time(group)


def count_complete(entries: Sequence[Entry], window: float, now: float) -> int:
    """Return how many of a partition's sorted entries are complete: no entry that is still to come belongs before them.

    They are those up to the last one that was accepted at least `window` seconds ago. An entry that was accepted more
    than that in the future was accepted before the clock was set back, and waits no longer.
    """
    if not window:
        return len(entries)
    for count in range(len(entries), 0, -1):
        if abs(now - entries[count - 1].accepted) >= window:
            return count
    return 0


def _by_time(entries: list[Entry]) -> list[Entry]:
    """Sort by the events' times; one without a readable time stays after the entry before it."""
    if len(entries) < 2:  # noqa: PLR2004 -- nothing to sort, so nothing to parse
        return entries
    times: list[float] = []
    for entry in entries:
        time = _time_of_event(entry.payload)
        times.append(time if time is not None else times[-1] if times else -math.inf)
    order = sorted(range(len(entries)), key=times.__getitem__)
    return [entries[place] for place in order]


def _time_of_event(payload: bytes) -> float | None:
    """Return when an event happened by its sender's clock: the corrected time contains the delay of its request."""
    try:
        event = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(event, dict):
        return None
    moment = read_moment(event.get("originalTimestamp") or event.get("timestamp"))
    return None if moment is None else moment.timestamp()
