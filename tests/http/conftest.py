import pytest

from tests.support.sending import Send, send_and_await, send_and_wait


@pytest.fixture(params=[send_and_wait, send_and_await], ids=["sync", "async"])
def send(request: pytest.FixtureRequest) -> Send:
    chosen: Send = request.param
    return chosen
