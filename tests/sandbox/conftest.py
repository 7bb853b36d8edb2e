"""A sandbox whose clock stands still."""

import pytest

from klavier.sandbox import FakeClock, Sandbox


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sandbox(clock: FakeClock) -> Sandbox:
    return Sandbox(clock=clock)
