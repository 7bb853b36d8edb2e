"""Pigeonry's own tests, and the conformance tests of every vendor."""

from typing import Any, ClassVar

from hypothesis import strategies as st

import klavier
from klavier.testing import VendorConformance
from klavier.testing.strategies import people, properties, traits

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

    def payloads(self) -> Any:
        return st.one_of(super().payloads(), letters())


def test_a_letter_becomes_an_event() -> None:
    (request,) = klavier.rehearse(klavier.load_vendor("pigeonry"), [klavier.parse_event(BOUGHT)]).requests
    attributes = request.json["data"]["attributes"]
    assert attributes["metric"]["data"]["attributes"]["name"] == "Pigeonry: Bought Seed"
    assert attributes["properties"] == {"grams": 5}
    assert attributes["unique_id"] == "p-7"


def test_a_letter_without_identity_is_rejected() -> None:
    letter = klavier.parse_event({"post": "p-8", "did": "Flew"})
    (outcome,) = klavier.rehearse(klavier.load_vendor("pigeonry"), [letter]).outcomes
    assert outcome.kind == "rejected"
