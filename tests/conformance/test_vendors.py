"""The conformance class as plugin authors use it, on our own vendors: one setup of each, and all of them with deep."""

from typing import Any, ClassVar

import hypothesis
import pytest

from klavier.testing import VendorConformance
from klavier.vendor import Vendor
from tests.support.setups import Setup, setups, simplest

DEEP = hypothesis.settings().max_examples > 100
SETUPS = setups() if DEEP else list({setup.vendor: setup for setup in reversed(setups())}.values())
TESTS = [name for name in dir(VendorConformance) if name.startswith("test_")]


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("setup", SETUPS, ids=str)
def test_conforms(setup: Setup, test: str) -> None:
    class Conformance(VendorConformance):
        search: ClassVar[Any] = hypothesis.settings(max_examples=100 if DEEP else 1)

        def make(self) -> Vendor:
            return simplest(setup)

    getattr(Conformance(), test)()
