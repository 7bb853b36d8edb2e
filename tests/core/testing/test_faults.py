"""The kit bites: of forty faults, each in an otherwise sound vendor, the conformance class finds nearly all."""

from collections.abc import Iterator
from typing import Any, ClassVar

import hypothesis
import pytest

from klavier import Plugins
from klavier.testing import VendorConformance
from tests.support.faults import FAULTS, Plugin, description, name_of
from tests.support.sound import Sound, Wrapper
from tests.support.stash import SCORE

GIVEN = {"private_api_key": "pk_0123456789abcdef", "list_id": "Xue/pk?K"}
NEEDED = 38
FEW = hypothesis.settings(max_examples=10, derandomize=True, database=None, phases=[hypothesis.Phase.generate])
TESTS = [name for name in dir(VendorConformance) if name.startswith("test_")]


def registered(name: str, summary: str, build: Any) -> Plugins:
    plugins = Plugins()
    plugins.register(Plugin(name, summary, build))
    return plugins


class TestSound(VendorConformance):
    """The vendor that the faults are laid on keeps every promise."""

    vendor: ClassVar[str] = "sound"
    settings: ClassVar[dict[str, str]] = GIVEN
    plugins: ClassVar[Plugins] = registered("sound", "Keeps every promise.", Sound)
    search: ClassVar[Any] = hypothesis.settings(max_examples=15)


class TestWrapper(TestSound):
    """So does the wrapper that they are laid on it with."""

    plugins: ClassVar[Plugins] = registered("sound", "Keeps every promise.", Wrapper)
    search: ClassVar[Any] = hypothesis.settings(max_examples=2)


def conformance(fault: type[Wrapper]) -> VendorConformance:
    """Return the tests of a fault's vendor, as its author would write them."""

    class Conformance(VendorConformance):
        vendor = name_of(fault)
        settings = GIVEN
        plugins = registered(name_of(fault), description(fault), fault)
        search = hypothesis.settings(
            max_examples=10, derandomize=True, database=None, phases=[hypothesis.Phase.generate]
        )

    return Conformance()


def finds(tests: VendorConformance, name: str) -> bool:
    """Return whether a test of a vendor fails, by a broken promise or by what the vendor raises."""
    try:
        getattr(tests, name)()
    except Exception:  # noqa: BLE001 -- vendors that are broken raise anything
        return True
    return False


def finders(fault: type[Wrapper], expected: str) -> Iterator[str]:
    """Return the first test that finds a fault, the one expected to do so first of all."""
    tests = conformance(fault)
    for name in sorted(TESTS, key=lambda name: name != f"test_{expected}"):
        if finds(tests, name):
            yield name.removeprefix("test_")
            return


@pytest.fixture(scope="module")
def found() -> dict[type[Wrapper], str]:
    """Give for each fault the test that found it; empty where none did."""
    return {fault: next(finders(fault, expected), "") for fault, expected in FAULTS}


def test_there_are_forty_faults() -> None:
    assert len({name_of(fault) for fault, _ in FAULTS}) == 40
    assert len({description(fault) for fault, _ in FAULTS}) == 40


def test_the_kit_finds_them(found: dict[type[Wrapper], str], pytestconfig: pytest.Config) -> None:
    missed = [description(fault) for fault, by in found.items() if not by]
    pytestconfig.stash[SCORE] = f"{len(found) - len(missed)} of {len(found)} faults found by the conformance class"
    assert len(found) - len(missed) >= NEEDED, missed


def test_each_is_found_by_what_it_breaks(found: dict[type[Wrapper], str]) -> None:
    """The table in docs/how-to/testing.md is made of these."""
    assert {name_of(fault): by for fault, by in found.items() if by} == {
        name_of(fault): expected for fault, expected in FAULTS if found[fault]
    }
