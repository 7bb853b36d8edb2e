import pytest

from tests.support.sending import Send, send_all, send_through_client, send_through_httpx


@pytest.fixture(params=[send_all, send_through_httpx, send_through_client], ids=["default", "httpx", "client"])
def send(request: pytest.FixtureRequest) -> Send:
    chosen: Send = request.param
    return chosen
