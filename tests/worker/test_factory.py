"""What a worker is made of, from a configuration."""

import asyncio
from typing import Any

import httpx
import pytest
from attrs import evolve

import klavier
from klavier.config.load import load_config
from klavier.config.model import Config
from klavier.errors import ConfigError, UsageError
from klavier.retry import RetryPolicy
from klavier.worker.factory import make_connect, make_options, make_policy
from klavier.worker.observed_send import observed_send
from tests.support.simulation import event_request

EVENT = event_request("u", 1)


def config(**delivery: Any) -> Config:
    settings = {"vendor": "rudderstack", "klaviyo": {"private_api_key": "pk_x"}, "delivery": delivery}
    return load_config(settings, environ={})


def test_the_window_holds_what_is_sent_settled_and_waits_for_a_connection() -> None:
    found = config(connections=5)
    vendor = found.build_vendor()
    options = make_options(found, vendor)
    batch = vendor.batch_size
    assert (options.combine, options.run, options.batch) == (False, 1, batch)
    assert options.window == 5 * max(8, 2 * batch)
    assert make_options(config(connections=5, batch_size=50), vendor).window == 500
    assert make_options(config(connections=5, batch_size=50), vendor).batch == 50
    assert make_options(config(connections=5, batch_size=1), vendor).window == 40


def test_in_bulk_a_request_waits_up_to_a_second_for_others() -> None:
    found = config(bulk="max", connections=5, share=0.5)
    options = make_options(found, found.build_vendor())
    assert (options.combine, options.window, options.run, options.linger) == (True, 10_000, 1000, 1.0)
    assert options.share == 0.5
    assert options.batch == max(1, found.build_vendor().bulk_size)


def test_a_policy_is_the_vendors_but_for_what_is_configured() -> None:
    own = RetryPolicy(tries=7, first=2.0, longest=30.0, give_up=60.0, source="vendor")
    assert make_policy(config(), own) == own
    changed = make_policy(config(tries=3, first_delay=1.5, longest_delay=9.0, give_up=600.0), own)
    assert changed == evolve(own, tries=3, first=1.5, longest=9.0, give_up=600.0)


def test_requests_go_through_the_users_transport_with_the_configured_key() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(202)

    async def main() -> None:
        async with make_connect(config(), transport=httpx.MockTransport(answer))() as send:
            assert (await send(EVENT)).status == 202
        async with make_connect(config(), transport=httpx.MockTransport(answer), read_only=True)() as send:
            with pytest.raises(UsageError, match="only reads"):
                await send(EVENT)

    asyncio.run(main())
    assert [request.headers["authorization"] for request in seen] == ["Klaviyo-API-Key pk_x"]


def test_without_a_key_there_is_no_connection() -> None:
    with pytest.raises(ConfigError, match="no key is configured"):
        make_connect(load_config({"vendor": "rudderstack"}, environ={}))


def test_replies_are_shown_to_plugins_that_ask_for_them() -> None:
    class Watching:
        def __init__(self, *, fails: bool = False) -> None:
            self.seen: list[tuple[int, str, bool]] = []
            self.fails = fails

        @klavier.hookimpl
        def klavier_reply(self, reply: klavier.Response, endpoint: str, seconds: float) -> None:
            self.seen.append((reply.status, endpoint, 0.0 <= seconds < 60))
            if self.fails:
                raise RuntimeError("secret")

    async def send(request: klavier.Request) -> klavier.Response:
        if request.path == "/api/events":
            return klavier.Response(202)
        raise ValueError("reset")

    async def main(plugin: Watching) -> None:
        found = klavier.Plugins()
        found.register(plugin)
        shown = observed_send(send, found)
        assert (await shown(EVENT)).status == 202
        with pytest.raises(ValueError, match="reset"):
            await shown(klavier.Request("GET", "/api/lists"))

    for watching in (Watching(), Watching(fails=True)):
        asyncio.run(main(watching))
        assert [status for status, _, _ in watching.seen] == [202, 0]
        assert watching.seen[0][1] == "create_event"
        assert all(is_short for _, _, is_short in watching.seen)
    assert observed_send(send, None) is send
    assert observed_send(send, klavier.Plugins()) is send
