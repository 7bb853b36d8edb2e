"""`klavier.derive_vendor`: another vendor's requests, changed one by one, and nothing else changed."""

import json
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import klavier
from klavier.derived_vendor import Change
from tests.cli.conftest import Run, folder, run  # noqa: F401 -- fixtures

KEYS = {"private_api_key": "pk_test", "list_id": "XUepkK", "consent": ["email"]}
TRACK = {"type": "track", "event": "Signed Up", "userId": "u1", "properties": {"plan": {"name": "pro"}}}
IDENTIFY = {"type": "identify", "userId": "u1", "traits": {"email": "ada@shop.test", "properties": {"subscribe": True}}}


def plugins_of(spec: klavier.VendorSpec) -> klavier.Plugins:
    plugins = klavier.Plugins.discover()
    plugins.register(SimpleNamespace(klavier_vendors=klavier.hookimpl(lambda: [spec], specname="klavier_vendors")))
    return plugins


def vendor(change: Change, base: str = "rudderstack", **settings: Any) -> klavier.Vendor:
    spec = klavier.derive_vendor(base, "ours", change)
    return klavier.load_vendor("ours", KEYS | settings, plugins=plugins_of(spec))


def rename(request: klavier.Request, events: Sequence[klavier.Event]) -> None:  # noqa: ARG001 -- it gets both
    if request.path == "/api/events":
        request.json["data"]["attributes"]["metric"]["data"]["attributes"]["name"] += "!"
        request.json["data"]["attributes"]["properties"]["plan"]["name"] = "changed"


def keep(request: klavier.Request, events: Sequence[klavier.Event]) -> None:
    """Change nothing."""


def test_a_request_is_changed_in_place_and_its_event_is_not() -> None:
    event = klavier.parse_event(TRACK)
    before = deepcopy(event.payload)
    (request,) = klavier.rehearse(vendor(rename), [event]).requests
    attributes = request.json["data"]["attributes"]
    assert attributes["metric"]["data"]["attributes"]["name"] == "Signed Up!"
    assert attributes["properties"]["plan"] == {"name": "changed"}
    assert event.payload == before
    assert json.loads(request.body) == request.json


def test_a_body_that_was_read_is_written_again() -> None:
    def change(request: klavier.Request, _: Sequence[klavier.Event]) -> None:
        assert request.body
        request.json["data"]["attributes"]["unique_id"] = "other"

    (request,) = klavier.rehearse(vendor(change), [klavier.parse_event(TRACK)]).requests
    assert json.loads(request.body)["data"]["attributes"]["unique_id"] == "other"


def test_another_request_may_be_returned() -> None:
    def change(request: klavier.Request, _: Sequence[klavier.Event]) -> klavier.Request:
        return klavier.Request(request.method, "/api/profiles", json={"data": {}}, revision=request.revision)

    (request,) = klavier.rehearse(vendor(change), [klavier.parse_event(TRACK)]).requests
    assert (request.path, request.json) == ("/api/profiles", {"data": {}})


def test_each_request_of_a_flow_is_changed_with_its_events() -> None:
    seen: list[tuple[str, list[str]]] = []

    def change(request: klavier.Request, events: Sequence[klavier.Event]) -> None:
        seen.append((request.path, [event.type for event in events]))
        request.json["seen"] = len(seen)

    requests = klavier.rehearse(vendor(change), [klavier.parse_event(IDENTIFY)]).requests
    assert len(requests) > 1
    assert [request.json["seen"] for request in requests] == list(range(1, len(requests) + 1))
    assert seen == [(request.path, ["identify"]) for request in requests]


@pytest.mark.parametrize(
    ("base", "settings", "payload"),
    [
        ("rudderstack", {}, TRACK),
        ("rudderstack", {}, IDENTIFY),
        ("rudderstack", {"connection_mode": "device", "public_api_key": "AbC123"}, TRACK),
        ("rudderstack", {"wire": "native"}, IDENTIFY),
    ],
)
def test_without_a_change_it_is_the_same(base: str, settings: dict[str, Any], payload: dict[str, Any]) -> None:
    event = klavier.parse_event(payload)
    ours = klavier.rehearse(vendor(keep, base, **settings), [event])
    theirs = klavier.rehearse(klavier.load_vendor(base, KEYS | settings), [event])
    assert ours == theirs


@pytest.mark.parametrize("payload", [TRACK, IDENTIFY])
@pytest.mark.parametrize("result", [ValueError("pk_secret ada@shop.test"), "no request"])
def test_a_change_that_fails_fails_its_own_events(payload: dict[str, Any], result: Any) -> None:
    def change(request: klavier.Request, events: Sequence[klavier.Event]) -> Any:  # noqa: ARG001 -- it gets both
        if events[0].user_id == "u1":
            if isinstance(result, Exception):
                raise result
            return result
        return None

    events = [klavier.parse_event(payload), klavier.parse_event(TRACK | {"userId": "u2"})]
    failed, delivered = klavier.rehearse(vendor(change), events).outcomes
    assert (failed.kind, delivered.kind) == ("failed", "delivered")
    assert failed.reason in ("the vendor raised ValueError", "the vendor raised TypeError")


def test_a_base_that_is_not_installed_is_named() -> None:
    with pytest.raises(klavier.PluginError, match="no vendor 'nobody' is installed to derive one from"):
        klavier.derive_vendor("nobody", "ours", keep)


def test_it_may_be_derived_again() -> None:
    first = klavier.derive_vendor("rudderstack", "first", rename)
    second = klavier.derive_vendor(first, "second", rename, summary="Twice")
    found = klavier.load_vendor("second", KEYS, plugins=plugins_of(second))
    (request,) = klavier.rehearse(found, [klavier.parse_event(TRACK)]).requests
    assert request.json["data"]["attributes"]["metric"]["data"]["attributes"]["name"] == "Signed Up!!"
    assert (second.summary, second.retry) == ("Twice", first.retry)


PLUGIN = """
import klavier


def prefix(request, events):
    if request.path == "/api/events":
        metric = request.json["data"]["attributes"]["metric"]["data"]["attributes"]
        metric["name"] = f"Shop: {metric['name']}"


@klavier.hookimpl
def klavier_vendors():
    return [klavier.derive_vendor("rudderstack", "our-rudderstack", prefix)]
"""


@pytest.mark.parametrize("bulk", ["vendor", "max"])
def test_a_relay_delivers_the_changed_requests(tmp_path: Path, bulk: str) -> None:
    (tmp_path / "klavier_plugin.py").write_text(PLUGIN)
    config = f'vendor = "our-rudderstack"\n[klaviyo]\nprivate_api_key = "pk_sandbox"\n[delivery]\nbulk = "{bulk}"\n'
    (tmp_path / "klavier.toml").write_text(config)
    sandbox = klavier.Sandbox()
    with klavier.open(tmp_path / "klavier.toml", transport=sandbox.transport()) as relay:
        for number in range(20):
            relay.track("Signed Up", user_id=f"u{number % 3}")
        counts = relay.flush(30)
    assert counts == klavier.Counts(delivered=20)
    assert [metric["name"] for metric in sandbox.state()["metrics"]] == ["Shop: Signed Up"]
    assert len(sandbox.state()["events"]) == 20


def test_a_change_with_other_arguments_is_refused_at_once() -> None:
    with pytest.raises(klavier.PluginError, match=r"write it as change\(request, events\)"):
        klavier.derive_vendor("rudderstack", "our-rudderstack", lambda request: request)  # type: ignore[arg-type,misc]  # wrong on purpose


def test_the_difference_is_shown(run: Run, folder: Path) -> None:  # noqa: F811 -- the fixtures
    (folder / "klavier_plugin.py").write_text(PLUGIN)
    (folder / "events.jsonl").write_text(json.dumps(TRACK) + "\n")
    (folder / "klavier.toml").write_text('vendor = "our-rudderstack"\n[klaviyo]\nprivate_api_key = "pk_1234"\n')
    result = run("diff", "events.jsonl", "--from", "rudderstack", "--to", "our-rudderstack")
    assert (result.exit_code, "Shop: Signed Up" in result.output) == (1, True)
