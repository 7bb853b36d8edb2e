"""Some entries of one person (or a batch of several people's) on their way, one step after the other.

Events of one person that a bulk body can hold travel as one unit, in their order; anything else waits for what is
before it to have its outcome.  A failure that will be tried again ends the voyage: what comes after stays behind it.
"""

from collections import deque
from collections.abc import Hashable, Sequence

from attrs import frozen

from klavier.delivery.bulk import Row
from klavier.delivery.leg import Leg
from klavier.delivery.outbox.entry import Entry
from klavier.delivery.pool import Pool
from klavier.delivery.translator import Translator
from klavier.events.model import Event
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome

UNIT_BYTES = 2_000_000
"""How much of one person's events goes into one body at most."""


@frozen(eq=False)
class Result:
    """How one try of one entry ended; `event` is None where its payload could not be read or was dropped."""

    entry: Entry
    outcome: Outcome
    sent: Sequence[tuple[Request, Response]] = ()
    event: Event | None = None


class _Unit:
    """Rows of one person that one body can hold, in order."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._size = 0
        self._identities: set[Hashable] = set()

    def takes(self, row: Row) -> bool:
        """Add a row if it can share a body with those before it; the first one always can."""
        self._size += len(row.request.body)
        kind = row.kind
        if self.rows:
            shares = kind is not None and kind.keeps_order and row.group == self.rows[0].group
            if not shares or kind is None or self._size > UNIT_BYTES or len(self.rows) >= kind.limit:
                return False
        if kind is not None:
            own = row.identities(kind)
            if not self._identities.isdisjoint(own):
                return False
            self._identities |= own
        self.rows.append(row)
        return True


class Voyage:
    """One try of `entries`; `results` grows until `done`."""

    def __init__(self, entries: Sequence[Entry], translator: Translator, pool: Pool) -> None:
        """Prepare a voyage of one lane's entries, in order."""
        self.entries = list(entries)
        self.results: list[Result] = []
        self._rest = deque(entries)
        self._translator = translator
        self._pool = pool
        self._active: dict[Leg, list[Entry]] = {}
        self._held: tuple[Leg, list[Entry]] | None = None
        self._events: dict[int, Event] = {}
        self._broken = False

    @property
    def done(self) -> bool:
        """Whether nothing more will be sent on this voyage."""
        return not self._active and (self._broken or (not self._rest and self._held is None))

    def depart(self) -> list[list[Row]]:
        """Start what may go now; gives units of rows to send.  Empty while something is under way, and at the end."""
        while not self._active and not self.done:
            unit = self._next_unit()
            if unit:
                return [unit]
        return []

    def depart_together(self) -> list[list[Row]]:
        """Start all entries at once, as one batch for the vendor; gives units of rows to send."""
        entries = list(self._rest)
        self._rest.clear()
        units = []
        for leg, owned in self._translate(entries):
            if leg.request is None:
                self._end(leg, owned)
            else:
                self._active[leg] = owned
                units.append([self._row(leg)])
        return units

    def land(self, leg: Leg, reply: Response) -> list[list[Row]]:
        """Take the reply of a leg's request; gives units of rows to send next."""
        leg.reply(reply)
        if leg.request is not None:
            return [[self._row(leg)]]
        self._end(leg, self._active.pop(leg))
        return self.depart()

    def _next_unit(self) -> list[Row]:
        """Start legs until one has a request that cannot travel with those before it."""
        unit = _Unit()
        while not self._broken and (started := self._next_leg()) is not None:
            leg, owned = started
            if leg.request is None and not unit.rows:
                self._end(leg, owned)
                continue
            row = None if leg.request is None else self._row(leg)
            if row is None or not unit.takes(row):
                self._held = started
                break
            self._active[leg] = owned
            if not leg.delivery.lone:
                break
        return unit.rows

    def _row(self, leg: Leg) -> Row:
        if leg.request is None:
            raise AssertionError("a leg that has ended has nothing to send")
        return self._pool.row(leg.request, (self, leg), bulkable=leg.delivery.bulkable)

    def _next_leg(self) -> tuple[Leg, list[Entry]] | None:
        if self._held is not None:
            held, self._held = self._held, None
            return held
        while self._rest:
            legs = self._translate([self._rest.popleft()])
            if legs:
                return legs[0]
        return None

    def _translate(self, entries: list[Entry]) -> list[tuple[Leg, list[Entry]]]:
        translation = self._translator.translate(entries)
        self._events.update(translation.events)
        for entry, outcome in translation.settled:
            self.results.append(Result(entry, outcome))
        return translation.legs

    def _end(self, leg: Leg, owned: list[Entry]) -> None:
        for entry, outcome in zip(owned, leg.outcomes, strict=True):
            self.results.append(Result(entry, outcome, leg.sent, self._events.get(entry.seq)))
            if outcome.kind == "failed" and (outcome.retryable or outcome.status in (401, 403, 429)):
                self._broken = True
