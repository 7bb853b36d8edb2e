"""Pigeonry's own tests, and the conformance tests of every vendor."""

from typing import Any, ClassVar

import klavier_pigeonry
from hypothesis import strategies as st

import klavier
from klavier.testing import VendorConformance
from klavier.testing.strategies import people, properties, traits

PLUGINS = klavier.Plugins()
PLUGINS.register(klavier_pigeonry)

BOUGHT = {"post": "p-7", "by": "u1", "at": "2024-06-30T12:00:00Z", "did": "Bought Seed", "with": {"grams": 5}}


@st.composite
def letters(draw: st.DrawFn) -> dict[str, Any]:
    """Return letters in Pigeonry's own format."""
    profile = draw(people())
    content = (
        {"is": draw(traits(profile))} if draw(st.booleans()) else {"did": "Bought Seed", "with": draw(properties())}
    )
    return {"post": f"p-{draw(st.integers(0, 10**6))}", "by": profile.user_id, "at": "2024-06-30T12:00:00Z", **content}


class TestPigeonry(VendorConformance):
    vendor: ClassVar[str] = "pigeonry"
    plugins: ClassVar[klavier.Plugins] = PLUGINS

    def payloads(self) -> Any:
        return st.one_of(super().payloads(), letters())


def rehearse(letter: dict[str, Any]) -> klavier.Rehearsal:
    vendor = klavier.load_vendor("pigeonry", plugins=PLUGINS)
    return klavier.rehearse(vendor, [klavier.parse_event(letter, plugins=PLUGINS)])


def test_a_letter_becomes_an_event() -> None:
    (request,) = rehearse(BOUGHT).requests
    attributes = request.json["data"]["attributes"]
    assert attributes["metric"]["data"]["attributes"]["name"] == "Pigeonry: Bought Seed"
    assert attributes["properties"] == {"grams": 5}
    assert attributes["unique_id"] == "p-7"


def test_a_letter_without_identity_is_rejected() -> None:
    (outcome,) = rehearse({"post": "p-8", "did": "Flew"}).outcomes
    assert outcome.kind == "rejected"
