from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.gateway import Running, gateway_server


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Running]:
    with gateway_server(tmp_path) as running:
        yield running
