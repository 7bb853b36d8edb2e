"""The stream: panels that changed, until the session or the server ends."""

import asyncio
import time
from collections.abc import Iterator

import orjson
import pytest

from klavier.console import live
from klavier.console.live import MOST_STREAMS, Live, Panels


async def read(streams: Live, count: int, *, signed_in: Iterator[bool] | None = None) -> list[bytes]:
    found = []
    async for piece in streams.stream(lambda: True if signed_in is None else next(signed_in)):
        found.append(piece)
        if len(found) == count:
            break
    return found


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_PERIOD", 0.001)


def test_only_what_changed_is_sent() -> None:
    states: Iterator[Panels] = iter([{"a": "1", "b": "1"}, {"a": "1", "b": "1"}, {"a": "1", "b": "2"}, {"a": "1"}])

    async def render() -> Panels:
        return next(states)

    first, second, third = asyncio.run(read(Live(render), 3))
    assert first == b"retry: 2000\n\n"
    assert [orjson.loads(each.removeprefix(b"data: ")) for each in (second, third)] == [
        {"a": "1", "b": "1"},
        {"b": "2"},
    ]


async def nothing() -> Panels:
    return {}


def test_something_is_sent_while_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_KEEP_ALIVE_SECONDS", 0.0)
    assert asyncio.run(read(Live(nothing), 3))[1:] == [b": still here\n\n"] * 2


def test_no_more_is_sent_than_keeps_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_KEEP_ALIVE_SECONDS", 0.05)
    begun = time.monotonic()
    asyncio.run(read(Live(nothing), 4))
    assert time.monotonic() - begun >= 3 * 0.05


def test_a_stream_ends_with_its_session() -> None:
    assert asyncio.run(read(Live(nothing), 9, signed_in=iter([True, True, False]))) == [b"retry: 2000\n\n"]


def test_streams_that_have_ended_make_room() -> None:
    async def run() -> None:
        streams = Live(nothing)
        for _ in range(MOST_STREAMS + 1):
            assert streams.has_room
            await read(streams, 9, signed_in=iter([False]))

    asyncio.run(run())


def test_all_streams_end_when_the_server_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_PERIOD", 1000.0)

    async def run() -> None:
        streams = Live(nothing)
        readers = [asyncio.create_task(read(streams, 9)) for _ in range(MOST_STREAMS)]
        await asyncio.sleep(0.01)
        assert not streams.has_room
        streams.close()
        await asyncio.wait_for(asyncio.gather(*readers), 60)
        assert not streams.has_room

    asyncio.run(run())
