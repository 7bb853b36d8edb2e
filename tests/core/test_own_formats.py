"""Events in a wire format that a plugin brings: who is asked, what becomes of them, and of a plugin that fails."""

from collections.abc import Callable
from typing import Any

import pytest

import klavier
from klavier import Event, EventError, Plugins, hookimpl, parse_event, parse_line

PIGEON = {"pigeon": "Seed Bought", "who": "u1", "with": {"grams": 5}}


def reader(read: Callable[[dict[str, Any]], Any]) -> object:
    class Plugin:
        @hookimpl
        def klavier_read_event(self, payload: dict[str, Any]) -> Any:
            return read(payload)

    return Plugin()


def plugins_of(*reads: Callable[[dict[str, Any]], Any]) -> Plugins:
    plugins = Plugins()
    for number, read in enumerate(reads):
        plugins.register(reader(read), f"p{number}")
    return plugins


def pigeon(payload: dict[str, Any]) -> Event | None:
    if "pigeon" not in payload:
        return None
    if not payload["pigeon"]:
        raise EventError("name what happened", "pigeon")
    return parse_event({"type": "track", "event": payload["pigeon"], "userId": payload.get("who")})


def test_a_payload_of_a_plugin() -> None:
    plugins = plugins_of(pigeon)
    expected = parse_event({"type": "track", "event": "Seed Bought", "userId": "u1"})
    assert parse_event(PIGEON, plugins=plugins) == expected
    assert parse_line('{"pigeon": "Seed Bought", "who": "u1"}', plugins=plugins) == expected


def test_a_type_that_klavier_does_not_know_may_be_a_plugins() -> None:
    assert parse_event({"type": "flown", **PIGEON}, plugins=plugins_of(pigeon)).type == "track"


def test_formats_that_klavier_knows_are_not_shown_to_plugins() -> None:
    def refuse(payload: dict[str, Any]) -> Event:
        raise AssertionError(payload)

    plugins = plugins_of(refuse)
    parse_event({"type": "page", "pigeon": "x"}, plugins=plugins)
    parse_event({"event": "A", "properties": {"distinct_id": "u1"}}, plugins=plugins)


def test_the_first_that_knows_a_payload_reads_it() -> None:
    asked = []

    def strange(payload: dict[str, Any]) -> None:
        asked.append(payload)

    assert parse_event(PIGEON, plugins=plugins_of(pigeon, strange)).type == "track"
    assert len(asked) == 1


def test_the_event_shares_nothing_with_what_was_given() -> None:
    given = {"pigeon": "x", "with": {"grams": [1]}}
    event = parse_event(
        given, plugins=plugins_of(lambda payload: parse_event({"type": "track", "properties": payload["with"]}))
    )
    given["with"]["grams"].append(2)  # type: ignore[index]  # it is a dict
    assert event.payload["properties"] == {"grams": [1]}


def test_without_one_that_knows_it_the_error_stays() -> None:
    with pytest.raises(EventError, match="type: no event type"):
        parse_event({"dove": 1}, plugins=plugins_of(pigeon))
    with pytest.raises(EventError, match="type: unknown event type 'flown'"):
        parse_event({"type": "flown"}, plugins=plugins_of(pigeon))


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda payload: payload["absent"], "plugin p0 raised KeyError in reading the event"),
        (lambda payload: payload, "plugin p0 returned an object in reading, not an event or None"),
        (
            lambda _: klavier.Track({}, properties={"x": float("nan")}),
            "plugin p0 returned an event that JSON cannot express: .*x: ",
        ),
        (lambda payload: parse_event(payload, plugins=plugins_of(pigeon)), "pigeon: name what happened"),
        (parse_event, "type: no event type"),
    ],
)
def test_a_plugin_that_fails_fails_the_event(read: Callable[[dict[str, Any]], Any], message: str) -> None:
    with pytest.raises(EventError, match=message):
        parse_event({"pigeon": ""}, plugins=plugins_of(read))


def test_a_plugin_that_asks_itself_ends() -> None:
    plugins = Plugins()
    plugins.register(reader(lambda payload: parse_event(payload, plugins=plugins)), "narcissus")
    with pytest.raises(EventError, match="narcissus raised RecursionError"):
        parse_event({}, plugins=plugins)
