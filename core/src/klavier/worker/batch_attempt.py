"""Entries of several people on their way, given to the vendor together, as its own servers would."""

from collections import deque
from collections.abc import Iterable, Sequence

from klavier.flows.execution import FlowExecution
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outbox.entry import Entry
from klavier.worker.attempt import Finished, Result
from klavier.worker.batcher import Pool
from klavier.worker.bulk import Unit
from klavier.worker.in_flight import InFlight
from klavier.worker.translator import Start, Translator


class _KeyState:
    """One person's entries, and the legs that are still before them, the present one first."""

    __slots__ = ("broken", "entries", "results", "starts")

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.results: list[Result] = []
        self.starts: list[Start] = []
        self.broken = False


class BatchAttempt:
    """One try of entries of some lanes; each lane ends among `landed` by itself, when its own legs are through.

    A leg sets off when it is the next one of all its people.  A failure that will be tried again leaves the person's
    later entries behind, and with them whole legs, whoever else is in them.
    """

    def __init__(self, entries: Sequence[Entry], translator: Translator, pool: Pool, landed: list[Finished]) -> None:
        """Translate all entries together."""
        self._pool = pool
        self._landed = landed
        self._gone: set[FlowExecution] = set()
        self._told: set[int] = set()
        self._through: list[_KeyState] = []
        self._travellers: dict[str, _KeyState] = {}
        for entry in entries:
            self._travellers.setdefault(entry.key, _KeyState()).entries.append(entry)
        self._starts, known = translator.start_together(entries)
        for entry, outcome in known:
            self._travellers[entry.key].results.append(Result(entry, outcome))
        for start in self._starts:
            for traveller in self._of(start):
                traveller.starts.append(start)

    rest = 0
    """How many entries are not translated yet: none."""

    def depart(self) -> Sequence[Unit]:
        """Start what may go now; gives what to send."""
        self._through = [traveller for traveller in self._travellers.values() if not traveller.starts]
        units = self._go(self._starts)
        self._let_go()
        return units

    def land(self, passenger: InFlight, reply: Response) -> Sequence[Unit]:
        """Take the reply of a leg's request; gives what to send next."""
        leg, owned = passenger.leg, passenger.owned
        leg.reply(reply)
        if leg.request is not None:
            return [self._unit(leg, owned, leg.request)]
        start = self._travellers[owned[0].key].starts[0]
        units = self._go(self._end(start))
        self._let_go()
        return units

    def _go(self, starts: Iterable[Start]) -> list[Unit]:
        """Let those legs set off whose turn it is, and what comes after those that end at once."""
        units: list[Unit] = []
        waiting = deque(starts)
        while waiting:
            start = waiting.popleft()
            leg, owned = start
            if leg in self._gone or not self._is_next(start):
                continue
            self._gone.add(leg)
            if leg.request is None:
                waiting.extend(self._end(start))
            else:
                units.append(self._unit(leg, owned, leg.request))
        return units

    def _is_next(self, start: Start) -> bool:
        return all(traveller.starts and traveller.starts[0] is start for traveller in self._of(start))

    def _end(self, start: Start) -> list[Start]:
        """Note how a leg ended; gives the legs that may be next."""
        leg, owned = start
        for entry, outcome, event in zip(owned, leg.outcomes, leg.delivery.events, strict=True):
            if entry.seq in self._told:  # a vendor that names an event twice: its first outcome stands
                continue
            self._told.add(entry.seq)
            result = Result(entry, outcome, leg.sent, event)
            traveller = self._travellers[entry.key]
            traveller.results.append(result)
            traveller.broken = traveller.broken or result.holds_back
        travellers = self._of(start)
        for traveller in travellers:
            self._shorten(traveller, [start])
        for traveller in travellers:
            if traveller.broken:
                self._leave_behind(traveller.starts)
        return [traveller.starts[0] for traveller in travellers if traveller.starts]

    def _leave_behind(self, starts: Iterable[Start]) -> None:
        """Drop legs that have not set off, and what comes after them for any of their people."""
        for start in list(starts):
            for traveller in self._of(start):
                if start in traveller.starts:
                    later = traveller.starts[traveller.starts.index(start) :]
                    self._shorten(traveller, later)
                    self._leave_behind(later[1:])

    def _shorten(self, traveller: _KeyState, starts: list[Start]) -> None:
        traveller.starts = [start for start in traveller.starts if start not in starts]
        if not traveller.starts:
            self._through.append(traveller)

    def _let_go(self) -> None:
        """Let the lanes land that have nothing before them any more."""
        through, self._through = self._through, []
        self._landed += [Finished(traveller.entries, traveller.results) for traveller in through]

    def _of(self, start: Start) -> list[_KeyState]:
        """Give the people of a leg, each once."""
        return [self._travellers[key] for key in dict.fromkeys(entry.key for entry in start[1])]

    def _unit(self, leg: FlowExecution, owned: Sequence[Entry], request: Request) -> Unit:
        return Unit(self._pool.row(request, InFlight(self, owned, leg), bulkable=leg.delivery.bulkable))
