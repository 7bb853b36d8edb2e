"""Events per CPU-second: one process, one core, in the best of many short slices.

On a machine that is shared the same work takes up to twice the CPU time from one second to the next, since caches and
clocks are shared too; other work makes a slice slower and never faster, so the best one is what the code itself takes.
"""

import time
from collections.abc import Callable, Sequence

from attrs import frozen

from klavier import Outcome, Response, Vendor, parse_line
from klavier.flows.drivers import deliver, plan
from klavier.flows.send_one import SendOne
from klavier.klaviyo.operations import usual_success
from klavier.klaviyo.request import Request


@frozen
class Rate:
    """What was measured: events a CPU-second, beside the reference measured for the vendor's own implementation.

    `events_per_second` is for what that does: parse, translate, serialise.  `delivered` adds what it does not: looking
    at Klaviyo's limits, taking the reply, giving each event its outcome; None where it is measured with the rest.
    `goal` is how many times the reference klavier is meant to do.
    """

    name: str
    events_per_second: float
    reference: int
    goal: float = 3.0
    delivered: float | None = None

    def __str__(self) -> str:
        """Write the line that a benchmark prints."""
        ratio = self.events_per_second / self.reference
        more = "" if self.delivered is None else f"; with limits, reply and outcome {self.delivered:,.0f}"
        return (
            f"{self.name:<16} {self.events_per_second:>9,.0f} events per CPU-second,"
            f" the vendor's own {self.reference:>7,}: {ratio:.1f} times, the goal is {self.goal:.1f}{more}"
        )


_SLICE = 0.02
"""CPU-seconds of one slice, at least: long beside the clock's steps."""

FACES = (("documented", "current"), ("deployed", "native"))
"""The two ways in which each case is measured: fidelity and wire."""


def print_both(rates: Callable[..., list[Rate]], seconds: float) -> None:
    """Print what was measured, fidelity by fidelity."""
    for fidelity, wire in FACES:
        print(f"fidelity {fidelity}, wire {wire}:")  # noqa: T201 -- for a script
        for rate in rates(seconds, fidelity=fidelity, wire=wire):
            print(f"  {rate}")  # noqa: T201 -- for a script


def translate(vendor: Vendor, line: bytes) -> int:
    """Parse one line, translate it and serialise each request that needs no reply to another; gives the bytes."""
    written = 0
    for delivery in plan(vendor, [parse_line(line)]):
        one = delivery.flow
        written += len((one.request if isinstance(one, SendOne) else next(one())).body)
    return written


def carry(vendor: Vendor, line: bytes, send: Callable[[Request], Response]) -> tuple[Outcome, ...]:
    """Parse one line and drive its deliveries; serialising is up to `send`, which has to look at each body."""
    outcomes: tuple[Outcome, ...] = ()
    for delivery in plan(vendor, [parse_line(line)]):
        outcomes += deliver(delivery, send)
    return outcomes


def measure(name: str, vendor: Vendor, lines: Sequence[bytes], reference: int, seconds: float = 1.0) -> Rate:
    """Translate lines over and over for about this many CPU-seconds, after a warm-up."""
    replies: dict[str, Response] = {}

    def send(request: Request) -> Response:
        assert request.body
        # Making the reply is the other side's work: one for each path is kept.
        reply = replies.get(request.path)
        if reply is None:
            reply = replies[request.path] = usual_success(request)
        return reply

    def translates() -> None:
        for line in lines:
            assert translate(vendor, line)

    def carries() -> None:
        for line in lines:
            carry(vendor, line, send)

    for line in lines:
        for outcome in carry(vendor, line, send):
            assert outcome.kind == "delivered", outcome.reason
    rate, delivered = (best(run, len(lines), seconds / 2) for run in (translates, carries))
    return Rate(name, rate, reference, delivered=delivered)


def best(run: Callable[[], None], events: int, seconds: float) -> float:
    """Give the events per CPU-second of the best slice, over about this many CPU-seconds; one run is so many events."""
    run()  # warms up
    found, began = 0.0, time.process_time()
    while (start := time.process_time()) - began < seconds:
        runs = 0
        while (spent := time.process_time() - start) < _SLICE:
            run()
            runs += 1
        found = max(found, runs * events / spent)
    return found
