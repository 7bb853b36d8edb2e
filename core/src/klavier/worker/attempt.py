"""Entries of one person on their way, one step after the other.

Events that a bulk body can hold travel as one unit, in their order; anything else waits for what is before it to have
its outcome.  A failure that will be tried again ends the voyage: what comes after stays behind it.
"""

from collections.abc import Sequence

from attrs import define

from klavier.events.model import Event
from klavier.flows.execution import FlowExecution
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outbox.entry import Entry
from klavier.outcome import Outcome
from klavier.vendor import Delivery
from klavier.worker.batcher import Pool
from klavier.worker.bulk import Row, Unit
from klavier.worker.in_flight import InFlight
from klavier.worker.translator import Translator

_TRIED_AGAIN = frozenset({401, 403, 429})


@define(eq=False)
class Result:
    """How one try of one entry ended; `event` is None where its payload could not be read or was dropped."""

    entry: Entry
    outcome: Outcome
    sent: Sequence[tuple[Request, Response]] = ()
    event: Event | None = None

    @property
    def holds_back(self) -> bool:
        """Whether what comes after it has to wait for another try."""
        outcome = self.outcome
        return outcome.kind == "failed" and (outcome.retryable or outcome.status in _TRIED_AGAIN)


@define(eq=False)
class Finished:
    """Entries of one person that are through, and the results of those that were tried; the others stay behind."""

    entries: Sequence[Entry]
    results: list[Result]


class Attempt:
    """One try of the entries of one lane, in order; ends among `landed`."""

    __slots__ = (
        "_entries",
        "_held",
        "_landed",
        "_next",
        "_pool",
        "_results",
        "_translator",
        "_under_way",
        "broken",
    )

    def __init__(self, entries: Sequence[Entry], translator: Translator, pool: Pool, landed: list[Finished]) -> None:
        """Prepare a voyage; nothing is translated before `depart`."""
        self._entries = entries
        self._results: list[Result] = []
        self._next = 0
        self._translator = translator
        self._pool = pool
        self._landed = landed
        self._under_way = 0
        self._held: tuple[Row, bool] | None = None
        self.broken = False

    @property
    def rest(self) -> int:
        """How many entries have not started."""
        return len(self._entries) - self._next

    def depart(self) -> Sequence[Unit]:
        """Start what may go now; gives what to send.  Nothing while something is under way, and at the end."""
        if self._under_way:
            return ()
        unit = self._next_unit() if self._next < len(self._entries) or self._held is not None else None
        if unit is not None:
            return (unit,)
        self._landed.append(Finished(self._entries, self._results))
        return ()

    def land(self, passenger: InFlight, reply: Response) -> Sequence[Unit]:
        """Take the reply to a row; gives what to send next."""
        entry, leg = passenger.owned[0], passenger.leg
        leg.reply(reply)
        if leg.request is not None:
            return (Unit(self._row(leg, entry, leg.request)),)
        self._end(leg, entry)
        self._under_way -= 1
        return self.depart()

    def leave(self) -> Sequence[Unit]:
        """Take in that a request that was to be sent stays unsent; gives what to send next."""
        self._under_way -= 1
        return self.depart()

    def _next_unit(self) -> Unit | None:
        """Start entries until one has a request that cannot travel with those before it."""
        unit: Unit | None = None
        while not self.broken and (started := self._next_row()) is not None:
            row, lone = started
            if unit is None:
                unit = Unit(row)
            elif not unit.takes(row):
                self._held = started
                break
            self._under_way += 1
            if not lone or self._next == len(self._entries):
                break
        return unit

    def _next_row(self) -> tuple[Row, bool] | None:
        """Give the next entry's request, and whether the entry after it may travel along."""
        if self._held is not None:
            held, self._held = self._held, None
            return held
        while self._next < len(self._entries):
            entry = self._entries[self._next]
            self._next += 1
            delivery = self._translator.plan(entry)
            if isinstance(delivery, Outcome):
                self._results.append(Result(entry, delivery))
                continue
            row = self._boarded(entry, delivery)
            if row is not None:
                return row, delivery.lone
        return None

    def _boarded(self, entry: Entry, delivery: Delivery) -> Row | None:
        """Start a delivery; gives its first request as a row, None where it ended without any."""
        leg = FlowExecution(delivery)
        if leg.request is not None:
            return self._row(leg, entry, leg.request)
        self._end(leg, entry)
        return None

    def _row(self, leg: FlowExecution, entry: Entry, request: Request) -> Row:
        return self._pool.row(request, InFlight(self, (entry,), leg), bulkable=leg.delivery.bulkable)

    def _end(self, leg: FlowExecution, entry: Entry) -> None:
        self._add(Result(entry, leg.outcomes[0], leg.sent, leg.delivery.events[0]))

    def _add(self, result: Result) -> None:
        self._results.append(result)
        if result.holds_back:
            self.broken = True
