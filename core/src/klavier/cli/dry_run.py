"""Dry run: translate lines and answer each request in this process, without an event loop or a network."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from klavier.events.model import Event
from klavier.flows.drivers import Send, deliver, plan
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, failed
from klavier.streams.result import Result, read_event

if TYPE_CHECKING:
    from klavier.plugins import Plugins
    from klavier.streams.lines import Line
    from klavier.vendor import BrowserCall, Delivery, Vendor


@frozen(slots=False)
class DryRunResult(Result):
    """A result with what its delivery did.

    `requests`, the `statuses` of their replies (0 for none) and `browser_calls` are those of the whole delivery, and
    stand with the first of its events.  The others have the line number of the first in `sent_with`.
    """

    requests: tuple[Request, ...] = field(default=(), repr=False)
    statuses: tuple[int, ...] = ()
    browser_calls: "tuple[BrowserCall, ...]" = field(default=(), repr=False)
    sent_with: int | None = None


class DryRun:
    """Translates lines for one vendor and answers each request by `send`.

    `batch_size` is how many lines are passed to the vendor together, by default as many as its own servers do.
    Plugins transform the events; their observers of outcomes are not called, since nothing was delivered.
    """

    def __init__(
        self, vendor: "Vendor", send: Send, *, plugins: "Plugins | None" = None, batch_size: int | None = None
    ) -> None:
        self._vendor = vendor
        self._send = send
        self._plugins = plugins
        self._size = max(1, vendor.batch_size if batch_size is None else batch_size)

    def run(self, lines: "Iterable[Line]") -> Iterator[DryRunResult]:
        """Return one result for each line, in order; one batch of lines is held at a time."""
        batch: list[tuple[Line, Event | DryRunResult]] = []
        for line in lines:
            batch.append((line, self._read(line)))
            if len(batch) >= self._size:
                yield from self._deliver(batch)
                batch = []
        if batch:
            yield from self._deliver(batch)

    def _read(self, line: "Line") -> Event | DryRunResult:
        """Parse and transform one line; return the result of a line that is no event or that a plugin dropped."""
        found = read_event(line, self._plugins)
        if isinstance(found, Result):
            return DryRunResult(found.line, None, found.outcome, found.cause)
        changed = found if self._plugins is None else self._plugins.transform(found, self._vendor.name)
        return DryRunResult(line, found, changed, changed.reason) if isinstance(changed, Outcome) else changed

    def _deliver(self, batch: "list[tuple[Line, Event | DryRunResult]]") -> Iterator[DryRunResult]:
        """Deliver the events of a batch and return the results of its lines in order."""
        events = [found for _, found in batch if not isinstance(found, DryRunResult)]
        lines = {id(found): line for line, found in batch}
        results: dict[int, DryRunResult] = {}
        for delivery in plan(self._vendor, events) if events else ():
            for event, result in self._results(delivery, lines):
                results.setdefault(id(event), result)  # a vendor that names an event twice: its first outcome stands
        for line, found in batch:
            if isinstance(found, DryRunResult):
                yield found
            else:
                unknown = failed(f"vendor {self._vendor.name} returned no outcome for the event")
                yield results.get(id(found)) or DryRunResult(line, found, unknown, unknown.reason)

    def _results(self, delivery: "Delivery", lines: "dict[int, Line]") -> Iterator[tuple[Event, DryRunResult]]:
        requests: list[Request] = []
        statuses: list[int] = []

        def send(request: Request) -> Response:
            requests.append(request)
            statuses.append(0)
            reply = self._send(request)
            statuses[-1] = reply.status
            return reply

        first: Line | None = None
        for event, outcome in zip(delivery.events, deliver(delivery, send), strict=True):
            line = lines.get(id(event))
            if line is None:  # a vendor that made an event up
                continue
            result = DryRunResult(line, event, outcome, outcome.reason)
            if first is None:
                first = line
                result = evolve(
                    result,
                    requests=tuple(requests),
                    statuses=tuple(statuses),
                    browser_calls=delivery.browser_calls,
                )
            else:
                result = evolve(result, sent_with=first.number)
            yield event, result
