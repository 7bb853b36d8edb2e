"""The bounds of each setting: the last value that is accepted, and the first one that is refused, with the message."""

from typing import Any

import pytest

import klavier
from klavier.config.model import Config
from klavier.plugins import Plugins
from tests.support import little_vendor

SECONDS = "must be a number of seconds above 0, at most 3600"
DAYS_OF_SECONDS = "must be a number of seconds above 0, at most 2592000 (30 days)"
HOST = "each must be a host name without port and scheme, such as klavier.shop.example"
ORIGIN = 'each must be an origin such as https://shop.example, or "*" for any'
PLAIN = "must have at least 8 plain characters, without spaces and colons"
SHARE = "must be above 0, at most 1"

BOUNDS: list[tuple[str, list[Any], list[Any], str]] = [
    ("klaviyo.connect_timeout", [0.001, 3600], [0, -1, 3600.5], SECONDS),
    ("klaviyo.read_timeout", [0.001, 3600], [0, 3601], SECONDS),
    ("klaviyo.total_timeout", [0.001, 3600], [0, 3601], SECONDS),
    ("delivery.batch_size", [1, 10_000], [0, 10_001], "must be from 1 to 10000 events"),
    ("delivery.max_bytes", [1_000_000], [999_999], "must be at least 1000000 bytes"),
    ("delivery.dead_letter_days", [0.001, 100_000], [0, -1], "must be a number of days above 0"),
    ("delivery.share", [0.001, 1], [0, 1.001], SHARE),
    ("delivery.connections", [1, 1000], [0, 1001], "must be from 1 to 1000"),
    ("delivery.tries", [1, 1_000_000], [0, 1_000_001], "must be from 1 to 1000000"),
    ("delivery.give_up", [0.001, 2_592_000], [0, 2_592_001], DAYS_OF_SECONDS),
    ("delivery.first_delay", [0.001, 2_592_000], [0, 2_592_001], DAYS_OF_SECONDS),
    ("delivery.longest_delay", [0.001, 2_592_000], [0, 2_592_001], DAYS_OF_SECONDS),
    ("delivery.outbox", ["memory", "a b.db"], ["", " ", "a\0"], 'must be the path of a file, a URL, or "memory"'),
    ("gateway.reorder_window", [0, 5], [-0.001, 5.001], "must be a number of seconds from 0 to 5"),
    ("gateway.max_body", [1, 64_000_000], [0, 64_000_001], "must be from 1 to 64000000 bytes"),
    ("gateway.metrics_token", ["a" * 8], ["a" * 7, "aaaa aaaa", "aaaa:aaaa", "aaaaaaaé", "aaaaaaa\n"], PLAIN),
    (
        "gateway.allow_origins",
        [["*"], ["https://shop.example", "http://localhost:8080"]],
        [["shop.example"], ["https://shop.example/"], ["https:/shop.example"], ["*", "ftp://shop.example"]],
        ORIGIN,
    ),
    (
        "gateway.trusted_proxies",
        [["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"]],
        [["10.0.0.1/8"], ["proxy.example"]],
        "each must be an IP address or network, such as 10.0.0.0/8",
    ),
    ("console.password", ["a b c d "], ["a" * 7], "must have at least 8 characters"),
    ("console.token", ["a" * 16], ["a" * 15, "a" * 15 + "é"], "must have at least 16 plain characters"),
    (
        "console.hosts",
        [["klavier.shop.example", "localhost"]],
        [[""], ["shop.example:80"], ["https://shop.example"], ["*.shop.example"], ["a b"], ["größe.example"]],
        HOST,
    ),
    ("shadow.share", [0.001, 1], [0, 1.001], SHARE),
]


def load(place: str, value: Any) -> Config:
    plugins = Plugins()
    plugins.register(little_vendor, "little")
    section, name = place.split(".")
    needed = {"vendor": "little"} if section == "shadow" else {}
    return klavier.load_config({"vendor": "little", section: {**needed, name: value}}, environ={}, plugins=plugins)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ({"write_key": "a" * 7}, f"web.write_key: {PLAIN}"),
        ({"write_keys": ["a" * 8, "a" * 7]}, f"web.write_keys: {PLAIN}"),
        ({"rate_limit": 0}, "web.rate_limit: must be at least 1 event a second"),
    ],
)
def test_a_source_has_its_bounds(source: dict[str, Any], problem: str) -> None:
    load("gateway.sources", {"web": {"write_key": "a" * 8, "write_keys": ["a" * 8], "rate_limit": 1}})
    with pytest.raises(klavier.ConfigError) as caught:
        load("gateway.sources", {"web": source})
    assert caught.value.problems == (f"gateway.sources.{problem}",)


@pytest.mark.parametrize(("place", "accepted", "refused", "message"), BOUNDS, ids=[bound[0] for bound in BOUNDS])
def test_a_setting_has_its_bounds(place: str, accepted: list[Any], refused: list[Any], message: str) -> None:
    for value in accepted:
        load(place, value)
    for value in refused:
        with pytest.raises(klavier.ConfigError) as caught:
            load(place, value)
        assert caught.value.problems == (f"{place}: {message}",)
