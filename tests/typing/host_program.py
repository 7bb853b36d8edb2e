"""What a program that uses klavier writes, with the type of each thing, right and wrong uses.

No test runs this file: mypy reads it with the rest of the tests, pyright in `test_pyright.py`.  A wrong use that a
checker would let pass makes its comment superfluous, which both report.
"""

from collections.abc import Generator, Iterable, Sequence
from typing import Any, assert_type

from attrs import frozen

import klavier


def reads_and_rehearses() -> None:
    vendor = klavier.load_vendor("rudderstack", {"private_api_key": "pk_x"})
    assert_type(vendor, klavier.Vendor)
    event = klavier.parse_event({"type": "track", "event": "Signed Up", "userId": "u1"})
    rehearsal = klavier.rehearse(vendor, [event], replies=[klavier.Response(status=202, json={})])
    assert_type(rehearsal, klavier.Rehearsal)
    assert_type(rehearsal.requests[0], klavier.Request)
    assert_type(rehearsal.outcomes[0], klavier.Outcome)
    assert_type(rehearsal.outcomes[0].status, int | None)


def takes_events_apart(event: klavier.Event) -> str:
    match event:
        case klavier.Track(event=name):
            return str(name)
        case klavier.Identify() | klavier.Group():
            assert_type(event.traits, dict[str, Any])
            return "traits"
        case klavier.Page() | klavier.Screen() | klavier.Alias():
            return type(event).__name__


def delivers() -> klavier.Counts:
    def observe(event: klavier.Event | None, outcome: klavier.Outcome) -> None:
        print(event, outcome.kind)  # noqa: T201 -- what a program might do

    with klavier.open("klavier.toml", on_outcome=observe) as relay:
        assert_type(relay, klavier.Relay)
        relay.send({"type": "identify", "userId": "u1"})
        relay.track("Signed Up", {"plan": "pro"}, user_id="u1")
        return relay.flush(timeout=20)


async def delivers_asynchronously() -> int:
    async with klavier.aopen("klavier.toml") as relay:
        assert_type(relay, klavier.AsyncRelay)
        await relay.identify("u1", {"email": "ada@shop.test"})
        counts = await relay.flush(timeout=20)
    assert_type(counts, klavier.Counts)
    return counts.delivered + counts.skipped + counts.rejected + counts.failed + counts.pending


@frozen
class Settings:
    private_api_key: str = klavier.setting(doc="The key.", klaviyo="private_api_key", secret=True)
    tags: tuple[str, ...] = klavier.setting((), doc="Tags.")


class Vendor(klavier.Vendor):
    name = "little"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def deliveries(self, events: Sequence[klavier.Event]) -> Iterable[klavier.Delivery]:
        for event in events:
            yield klavier.Delivery((event,), (self.key(event),), self.flow)

    def flow(self) -> Generator[klavier.Request, klavier.Response, klavier.Outcome]:
        response = yield klavier.Request("POST", "/api/events", json={})
        return klavier.Outcome("delivered" if response.ok else "failed", status=response.status)


@klavier.hookimpl
def klavier_vendors() -> list[klavier.VendorSpec]:
    return [klavier.VendorSpec("little", "A little vendor.", Settings, Vendor)]


def is_wrong(relay: klavier.Relay, vendor: klavier.Vendor) -> None:
    relay.track("Signed Up", "pro")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] # properties are an object
    relay.flush(timeout="20")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] # seconds are a number
    klavier.Outcome("lost")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] # no such kind
    klavier.rehearse("rudderstack", [])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] # a vendor, not its name
    vendor.deliveries([{"type": "track"}])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType] # events, not wire JSON
    klavier.parse_event({}).user_id = "u2"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue] # events are frozen
