"""What several tests of the worker's parts share."""

import pytest

from tests.support.clocks import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(1000.0)
