"""Time spans from which events are missing, over all people: an outage, or what has not arrived yet."""

from collections.abc import Iterable
from datetime import UTC, datetime

from attrs import frozen

_LEAST_EVENTS = 5
"""Missing events of the shortest gap; a shorter run is no outage that a reader could look up. By `_CHANCE` alone the
only two missing ones of 5,000 events would be a gap, if they were neighbors. Lower it where so short an outage
matters."""

_CHANCE = 0.001
"""How many runs of that length there may be, at most, among events that are missing at random: the share of missing
events to the power of the run's length, times the number of events."""


@frozen
class Gap:
    """A time span in which every predicted event is missing; `is_end` where it reaches to the last one."""

    start: int
    end: int
    events: int
    is_end: bool

    @property
    def text(self) -> str:
        """The span in words, to the minute, in UTC."""
        start, end = (
            datetime.fromtimestamp(seconds, UTC) for seconds in (self.start // 60 * 60, -(-self.end // 60) * 60)
        )
        until = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"
        return f"from {start:%Y-%m-%d %H:%M} to {until} UTC"


def find_gaps(events: Iterable[tuple[int, bool]]) -> list[Gap]:
    """Return the gaps among events, each with its time and whether it is missing.

    A gap is a run of missing events, over all people, that is too long for events missing at random.
    """
    ordered = sorted(events)
    share = sum(missing for _, missing in ordered) / len(ordered) if ordered else 0.0
    found: list[Gap] = []
    run: list[int] = []
    for place, (time, missing) in enumerate([*ordered, (0, False)]):
        if missing:
            run.append(time)
            continue
        if len(run) >= _LEAST_EVENTS and share ** len(run) * len(ordered) < _CHANCE:
            found.append(Gap(run[0], run[-1], len(run), place == len(ordered)))
        run = []
    return found


def gap_at(gaps: Iterable[Gap], time: int) -> Gap | None:
    """Return the gap that a time lies in."""
    return next((gap for gap in gaps if gap.start <= time <= gap.end), None)
