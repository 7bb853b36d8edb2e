"""The vendors' own Python SDKs deliver through a gateway: each event arrives once, a profile's in order."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest

from tests.support.documented_calls import Sdk
from tests.support.gateway import KEY, Running, gateway_server

EVENTS = 250
_PACKAGES: dict[Sdk, str] = {"segment": "segment.analytics", "rudderstack": "rudderstack.analytics"}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Running]:
    with gateway_server(tmp_path, "rate_limit = 100000\n") as running:
        yield running


@pytest.mark.parametrize("sdk", get_args(Sdk))
@pytest.mark.parametrize("gzip", [False, True])
def test_every_event_of_an_sdk_arrives_once_and_in_order(gateway: Running, sdk: Sdk, *, gzip: bool) -> None:
    package = _PACKAGES[sdk]
    client: Any = import_module(f"{package}.client").Client(KEY, host=gateway.url, gzip=gzip, upload_interval=0.1)
    for number in range(1, EVENTS + 1):
        client.track(user_id=f"u{number % 7}", event="Counted", properties={"n": number})
    client.shutdown()
    import_module(f"{package}.request")._session.close()
    gateway.wait()
    numbers = [event["properties"]["n"] for event in gateway.events()]
    assert sorted(numbers) == list(range(1, EVENTS + 1))
    for profile in range(7):
        mine = [number for number in numbers if number % 7 == profile]
        assert mine == sorted(mine)
