"""Transformations: what plugins make of events before a vendor sees them."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pluggy
import pytest

from klavier import Event, Outcome, Plugins, Track, hookimpl, parse_event
from klavier.hookspecs import Hooks
from klavier.outcome import delivered, rejected, skipped

TRACK = parse_event({"type": "track", "event": "A"})


def transforming(change: Callable[[Event], Any], *, tryfirst: bool = False, trylast: bool = False) -> object:
    class Plugin:
        @hookimpl(tryfirst=tryfirst, trylast=trylast)
        def klavier_transform_event(self, event: Event) -> Any:
            return change(event)

    return Plugin()


def named(event: Event) -> str:
    assert isinstance(event, Track)
    return str(event.event)


def renaming(letter: str) -> Callable[[Event], Event]:
    return lambda event: parse_event({**event.payload, "event": named(event) + letter})


def plugins_of(*registered: object) -> Plugins:
    plugins = Plugins()
    for number, plugin in enumerate(registered):
        plugins.register(plugin, f"p{number}")
    return plugins


def test_transformations_change_or_leave_an_event() -> None:
    plugins = plugins_of(transforming(lambda _: None), transforming(renaming("b")), transforming(lambda event: event))
    changed = plugins.transform(TRACK, "v")
    assert changed == parse_event({"type": "track", "event": "Ab"})
    assert plugins_of(transforming(lambda event: event)).transform(TRACK, "v") is TRACK
    assert Plugins().transform(TRACK, "v") is TRACK


def test_transformations_run_in_pluggys_order() -> None:
    plugins = plugins_of(
        transforming(renaming("b")),
        transforming(renaming("c"), trylast=True),
        transforming(renaming("d"), tryfirst=True),
        transforming(renaming("e")),
        transforming(renaming("f"), tryfirst=True),
        transforming(renaming("g"), trylast=True),
    )
    changed = plugins.transform(TRACK, "v")
    assert changed == parse_event({"type": "track", "event": "Afdebcg"})

    # The same marks, called by pluggy itself.
    manager, order = pluggy.PluginManager("klavier"), list[str]()
    manager.add_hookspecs(Hooks)
    for letter in "bcdefg":
        note = partial(lambda letter, _: order.append(letter), letter)
        manager.register(transforming(note, tryfirst=letter in "df", trylast=letter in "cg"))
    manager.hook.klavier_transform_event(event=TRACK, vendor="v")
    assert "".join(order) == "fdebcg"


def test_an_outcome_drops_the_event_and_ends_the_row() -> None:
    late: list[Event] = []
    plugins = plugins_of(transforming(late.append), transforming(lambda _: skipped("internal traffic")))
    assert plugins.transform(TRACK, "v") == skipped("internal traffic")
    assert late == []
    assert plugins_of(transforming(lambda _: rejected("no"))).transform(TRACK, "v") == rejected("no")


def test_a_transformation_is_told_the_vendor() -> None:
    class Plugin:
        @hookimpl
        def klavier_transform_event(self, vendor: str, event: Event) -> Outcome | None:
            return skipped(f"{named(event)} for {vendor}")

    assert plugins_of(Plugin()).transform(TRACK, "rudderstack") == skipped("A for rudderstack")


NAN = "NaN or infinity is not JSON; leave the member out or send null"


def bomb(_: Event) -> None:
    raise ValueError("ada@example.com")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (bomb, "plugin p0 raised ValueError in a transformation"),
        (
            lambda _: {"type": "track"},
            "plugin p0 returned an object in a transformation, not an event, an outcome or None",
        ),
        (lambda _: delivered(), "plugin p0 returned a delivered outcome for an event that nobody sent"),
        (
            lambda _: Track({"type": "track"}, event="A", properties={"a": [float("nan")]}),
            f"plugin p0 returned an event that JSON cannot express: properties.a[0]: {NAN}",
        ),
    ],
)
def test_a_broken_transformation_fails_the_event_and_says_whose_it_is(
    change: Callable[[Event], Any], reason: str
) -> None:
    outcome = plugins_of(transforming(change)).transform(TRACK, "v")
    assert outcome == Outcome("failed", reason)


def test_one_object_given_for_many_events_becomes_many() -> None:
    constant = parse_event({"type": "page"})
    plugins = plugins_of(transforming(lambda _: constant))
    first, second = plugins.transform(TRACK, "v"), plugins.transform(TRACK, "v")
    assert first == second == constant
    assert len({id(first), id(second), id(constant)}) == 3
