"""What carries the events of `klavier send`: call by call as the vendor would, or with the fewest calls."""

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from klavier.cli.connect import check_keys, connect
from klavier.cli.setup import Setup
from klavier.streams.pipeline import Pipeline
from klavier.worker.rate_limiter import RateLimiter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from klavier.streams.run import StreamRun


@frozen
class Engine:
    """What delivers lines, and what it keeps Klaviyo's limits by."""

    delivers: "Pipeline | StreamRun"
    pacer: RateLimiter


@contextmanager
def engine(
    setup: Setup, bulk: str | None = None, *, shows_events: bool = True, is_ready: "Callable[[], bool] | None" = None
) -> "Iterator[Engine]":
    """Open what delivers; `bulk` takes the place of the configuration's.  Raises `ConfigError` without any key.

    Without `shows_events` nobody looks at the events of results; `is_ready` tells of lines that may have to be waited
    for whether the next one is there.
    """
    delivery = setup.config.delivery
    if (bulk or delivery.bulk) == "max":
        in_bulk = _in_bulk(setup, shows_events=shows_events, is_ready=is_ready)
        yield Engine(in_bulk, in_bulk.pacer)
        return
    pacer = RateLimiter(time.monotonic)
    with connect(setup, pacer=pacer) as send:
        pipeline = Pipeline(
            setup.vendor,
            send,
            plugins=setup.plugins,
            batch_size=delivery.batch_size,
            connections=delivery.connections,
        )
        yield Engine(pipeline, pacer)


def _in_bulk(setup: Setup, *, shows_events: bool, is_ready: "Callable[[], bool] | None") -> "StreamRun":
    from klavier.relay.factory import make_connect, make_pace  # noqa: PLC0415 -- as above
    from klavier.streams.run import StreamRun  # noqa: PLC0415 -- loads the event loop and the outbox

    check_keys(setup)
    config = evolve(setup.config, delivery=evolve(setup.config.delivery, bulk="max"))
    connect_in_loop = make_connect(config, setup.vendor)
    return StreamRun(
        setup.vendor,
        connect_in_loop,
        plugins=setup.plugins,
        pace=make_pace(config, setup.vendor),
        shows_events=shows_events,
        is_ready=is_ready,
    )
